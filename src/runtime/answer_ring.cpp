#include "runtime/answer_ring.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace tern::runtime {

namespace {

// How many bytes the two keys begin with in common, in steps of eight: comparing eight bytes costs one instruction.
std::uint16_t common(std::string_view a, std::string_view b) noexcept {
  constexpr std::size_t step = 8;
  const auto most = std::min({a.size(), b.size(), std::size_t{std::numeric_limits<std::uint16_t>::max()}});
  std::size_t equal = 0;
  while (equal + step <= most && std::memcmp(a.data() + equal, b.data() + equal, step) == 0) {
    equal += step;
  }
  return static_cast<std::uint16_t>(equal);
}

}  // namespace

AnswerRing::Block::Block(std::size_t bytes) : memory(std::make_unique_for_overwrite<std::byte[]>(bytes)), size(bytes) {}

std::size_t AnswerRing::bytes_of(std::size_t text_bytes, std::size_t body_bytes) noexcept {
  constexpr auto align = alignof(KeptAnswer);
  return sizeof(KeptAnswer) + (text_bytes + body_bytes + align - 1) / align * align;
}

KeptAnswer& AnswerRing::add(KeptAnswer head, std::string_view key, std::string_view body) {
  auto& block = block_for(bytes_of(head));
  auto* const place = block.memory.get() + block.used;
  if (block.used > 0) {
    const auto& first = *std::launder(reinterpret_cast<const KeptAnswer*>(block.memory.get()));
    head.offset = static_cast<std::uint32_t>(block.used);
    head.shared = common(key, {first.first_key(), first.key_bytes});
    key.remove_prefix(head.shared);
  }
  auto* const answer = new (place) KeptAnswer(head);
  auto* const text = reinterpret_cast<char*>(answer + 1);
  std::copy(body.begin(), body.end(), std::copy(key.begin(), key.end(), text));
  block.used += bytes_of(key.size(), body.size());
  return *answer;
}

AnswerRing::Block& AnswerRing::block_for(std::size_t bytes) {
  if (blocks_.empty() || blocks_.back().size - blocks_.back().used < bytes) {
    if (spare_ && spare_->size >= bytes) {
      blocks_.push_back(std::move(*spare_));
      spare_.reset();
    } else {
      blocks_.emplace_back(std::max(bytes, block_bytes_));
    }
  }
  return blocks_.back();
}

KeptAnswer* AnswerRing::oldest() noexcept {
  if (blocks_.empty()) {
    return nullptr;
  }
  auto& block = blocks_.front();
  return std::launder(reinterpret_cast<KeptAnswer*>(block.memory.get() + block.read));
}

void AnswerRing::forget_oldest() {
  auto& block = blocks_.front();
  const auto& answer = *oldest();
  block.read += bytes_of(answer.key_bytes - answer.shared, answer.body_bytes);
  if (block.read == block.used) {
    drop_oldest_block();
  }
}

// The only block is dropped too. Otherwise an answer that is too large for it would begin a block behind an empty one.
void AnswerRing::drop_oldest_block() {
  auto block = std::move(blocks_.front());
  blocks_.pop_front();
  if (!spare_ && block.size <= block_bytes_) {
    block.used = 0;
    block.read = 0;
    spare_ = std::move(block);
  }
}

}  // namespace tern::runtime
