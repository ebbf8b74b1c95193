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

StoredSend FetchedSends::part_of(const StoredSend& stored) {
  const auto& send = stored.send;
  StoredSend part;
  part.place = stored.place;
  part.send.handle = send.handle;
  part.send.seq = send.seq;
  part.send.generation = send.generation;
  part.send.attempt = send.attempt;
  part.send.begun = send.begun;
  part.send.not_before = send.not_before;
  part.send.order_key = send.order_key;
  part.send.cancel_on_reply = send.cancel_on_reply;
  return part;
}

std::uint64_t FetchedSends::begin() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

void FetchedSends::keep(std::uint64_t begun, std::vector<StoredSend> parts) {
  const std::lock_guard lock(mutex_);
  if (begun != forgotten_) {
    return;
  }
  for (auto& part : parts) {
    const auto id = part.send.handle.id;
    remove(id);
    const auto bytes = bytes_of(part.send);
    if (bytes > most_bytes) {
      continue;
    }
    if (bytes_ + bytes > most_bytes) {
      parts_.clear();
      bytes_ = 0;
    }
    bytes_ += bytes;
    parts_.emplace(id, std::move(part));
  }
}

std::optional<StoredSend> FetchedSends::remove(const SendId& id) {
  const auto found = parts_.find(id);
  if (found == parts_.end()) {
    return std::nullopt;
  }
  std::optional<StoredSend> taken(std::move(found->second));
  bytes_ -= bytes_of(taken->send);
  parts_.erase(found);
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
