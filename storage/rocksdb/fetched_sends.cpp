#include "fetched_sends.hpp"

#include <utility>

namespace tern::detail::rocks {

std::size_t FetchedSends::bytes_of(const ScheduledSend& send) noexcept {
  std::size_t bytes = sizeof(StoredSend);
  for (const auto* text : {&send.order_key, &send.reference, &send.payload, &send.idempotency_key,
                           &send.client_request_id, &send.cancel_on_reply, &send.annotations}) {
    bytes += text->size();
  }
  return bytes;
}

std::uint64_t FetchedSends::begin() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

void FetchedSends::keep(std::uint64_t begun, std::vector<StoredSend> sends) {
  const std::lock_guard lock(mutex_);
  if (begun != forgotten_) {
    return;
  }
  for (auto& send : sends) {
    remove(send.send.handle.id);
    const auto bytes = bytes_of(send.send);
    if (bytes > most_bytes) {
      continue;
    }
    if (bytes_ + bytes > most_bytes) {
      sends_.clear();
      bytes_ = 0;
    }
    bytes_ += bytes;
    const auto id = send.send.handle.id;
    sends_.emplace(id, std::move(send));
  }
}

std::optional<StoredSend> FetchedSends::remove(const SendId& id) {
  const auto found = sends_.find(id);
  if (found == sends_.end()) {
    return std::nullopt;
  }
  std::optional<StoredSend> taken(std::move(found->second));
  bytes_ -= bytes_of(taken->send);
  sends_.erase(found);
  return taken;
}

std::optional<StoredSend> FetchedSends::take(const SendId& id) {
  const std::lock_guard lock(mutex_);
  return remove(id);
}

void FetchedSends::forget(std::span<const SendId> ids) {
  if (ids.empty()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  for (const auto& id : ids) {
    remove(id);
  }
}

}  // namespace tern::detail::rocks
