#include "runtime/dedupe_window.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace tern::runtime {

namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

// What a remembered answer costs in the map, at its usual load.
constexpr std::size_t index_bytes = 32;

}  // namespace

DedupeWindow::Block::Block(std::size_t bytes)
    : memory(std::make_unique_for_overwrite<std::byte[]>(bytes)), size(bytes) {}

DedupeWindow::DedupeWindow(Clock& clock, std::size_t max_bytes, std::chrono::milliseconds window)
    : clock_(clock), max_bytes_(max_bytes), window_(window) {}

const TurnReply* DedupeWindow::find(const ActivityKey& key) {
  const auto now = forget_old();
  const auto& index = index_of(key);
  const auto found = index.find(key);
  if (found == index.end() || found->second->until <= now) {
    return nullptr;
  }
  auto& record = *found->second;
  found_ = TurnReply(record.status, std::string(record.body(), record.body_bytes));
  return &found_;
}

void DedupeWindow::remember(const ActivityKey& key, const TurnReply& reply) {
  const auto now = forget_old();
  const auto bytes = record_bytes(reply.body.size());
  const auto cost = index_bytes + bytes;
  if (cost > max_bytes_ || reply.body.size() > std::numeric_limits<std::uint32_t>::max()) {
    return;
  }
  while (bytes_ + cost > max_bytes_) {
    forget_oldest();
  }
  auto& index = index_of(key);
  if (const auto found = index.find(key); found != index.end() && found->second->until > now) {
    return;
  }
  auto* record =
      new (reserve(bytes)) Record{key, now + window_, reply.status, static_cast<std::uint32_t>(reply.body.size())};
  std::memcpy(record->body(), reply.body.data(), reply.body.size());
  bytes_ += cost;
  // Last: without room in the index the record is there all the same, is not found, and is forgotten in its turn.
  size_ += index.insert_or_assign(key, record).second ? 1 : 0;
}

std::size_t DedupeWindow::record_bytes(std::size_t body_bytes) noexcept {
  constexpr auto align = alignof(Record);
  return sizeof(Record) + (body_bytes + align - 1) / align * align;
}

void* DedupeWindow::reserve(std::size_t bytes) {
  if (blocks_.empty() || blocks_.back().size - blocks_.back().used < bytes) {
    if (spare_ && spare_->size >= bytes) {
      blocks_.push_back(std::move(*spare_));
      spare_.reset();
    } else {
      // A small window takes no whole block.
      blocks_.emplace_back(std::max(bytes, std::min(block_bytes, max_bytes_)));
    }
  }
  auto& block = blocks_.back();
  auto* const place = block.memory.get() + block.used;
  block.used += bytes;
  return place;
}

DedupeWindow::Record* DedupeWindow::oldest() noexcept {
  auto& block = blocks_.front();
  return std::launder(reinterpret_cast<Record*>(block.memory.get() + block.read));
}

// A few at a time: after a pause all may be old at once. More than one for each that comes, so that they do not gather.
SteadyTime DedupeWindow::forget_old() {
  constexpr int at_a_time = 64;
  const auto now = clock_.now();
  for (int i = 0; i < at_a_time && !blocks_.empty() && oldest()->until <= now; ++i) {
    forget_oldest();
  }
  return now;
}

void DedupeWindow::forget_oldest() {
  const auto& record = *oldest();
  const auto bytes = record_bytes(record.body_bytes);
  auto& index = index_of(record.key);
  // Not where a later answer to the same key stands now.
  if (const auto found = index.find(record.key); found != index.end() && found->second == &record) {
    index.erase(found);
    --size_;
  }
  bytes_ -= index_bytes + bytes;
  auto& block = blocks_.front();
  block.read += bytes;
  if (block.read == block.used) {
    leave_block();
  }
}

// Also the only one: were it kept in its place, an answer that is too large for it would stand behind an empty block.
void DedupeWindow::leave_block() {
  auto block = std::move(blocks_.front());
  blocks_.pop_front();
  if (!spare_ && block.size <= block_bytes) {
    block.used = 0;
    block.read = 0;
    spare_ = std::move(block);
  }
}

}  // namespace tern::runtime
