#include "runtime/answer_ring.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace tern::runtime {

AnswerRing::Block::Block(std::size_t bytes) : memory(std::make_unique_for_overwrite<std::byte[]>(bytes)), size(bytes) {}

std::size_t AnswerRing::bytes_of(std::size_t key_bytes, std::size_t body_bytes) noexcept {
  constexpr auto align = alignof(KeptAnswer);
  return sizeof(KeptAnswer) + (key_bytes + body_bytes + align - 1) / align * align;
}

KeptAnswer& AnswerRing::add(const KeptAnswer& head, std::string_view body) {
  auto* const place = reserve(bytes_of(head));
  auto* const answer = new (place) KeptAnswer(head);
  std::copy_n(reinterpret_cast<const std::byte*>(body.data()), body.size(),
              place + sizeof(KeptAnswer) + head.key_bytes);
  return *answer;
}

std::byte* AnswerRing::reserve(std::size_t bytes) {
  if (blocks_.empty() || blocks_.back().size - blocks_.back().used < bytes) {
    if (spare_ && spare_->size >= bytes) {
      blocks_.push_back(std::move(*spare_));
      spare_.reset();
    } else {
      blocks_.emplace_back(std::max(bytes, block_bytes_));
    }
  }
  auto& block = blocks_.back();
  auto* const place = block.memory.get() + block.used;
  block.used += bytes;
  return place;
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
  block.read += bytes_of(*oldest());
  if (block.read == block.used) {
    leave_block();
  }
}

// Also the only one: were it kept in its place, an answer that is too large for it would stand behind an empty block.
void AnswerRing::leave_block() {
  auto block = std::move(blocks_.front());
  blocks_.pop_front();
  if (!spare_ && block.size <= block_bytes_) {
    block.used = 0;
    block.read = 0;
    spare_ = std::move(block);
  }
}

}  // namespace tern::runtime
