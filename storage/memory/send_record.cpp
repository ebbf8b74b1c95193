#include "send_record.hpp"

#include <cstring>

namespace tern::detail {

PackedSend::PackedSend(const ScheduledSend& send, std::uint64_t order_key_hash)
    : id(send.handle.id),
      due(send.handle.due),
      not_before(send.not_before),
      expires(send.expires.value_or(WallTime::max())),
      order_hash(order_key_hash),
      generation(send.generation),
      attempt(send.attempt),
      slot(send.handle.slot),
      begun(send.begun),
      kind(send.kind),
      at_most_once(send.at_most_once) {
  const std::array<std::string_view, 7> parts{send.order_key,  send.cancel_on_reply, send.reference,
                                              send.payload,    send.idempotency_key, send.client_request_id,
                                              send.annotations};
  std::size_t total = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    lengths_[i] = static_cast<std::uint32_t>(parts[i].size());
    total += parts[i].size();
  }
  auto texts = std::make_shared_for_overwrite<char[]>(total);
  auto* at = texts.get();
  for (const auto part : parts) {
    at = std::copy(part.begin(), part.end(), at);
  }
  texts_ = std::move(texts);
}

ScheduledSend PackedSend::unpack() const {
  ScheduledSend send;
  send.handle = handle();
  send.seq = seq;
  send.generation = generation;
  send.attempt = attempt;
  send.kind = kind;
  send.not_before = not_before;
  send.begun = begun;
  send.at_most_once = at_most_once;
  if (expires != WallTime::max()) {
    send.expires = expires;
  }
  const auto* at = texts_.get();
  std::string* const parts[] = {&send.order_key,       &send.cancel_on_reply,   &send.reference,  &send.payload,
                                &send.idempotency_key, &send.client_request_id, &send.annotations};
  for (std::size_t i = 0; i < lengths_.size(); ++i) {
    parts[i]->assign(at, lengths_[i]);
    at += lengths_[i];
  }
  return send;
}

storage::SendState PackedSend::state() const noexcept {
  return {due, not_before, generation, attempt, begun, !cancel_on_reply().empty()};
}

void PackedSend::set(const storage::SendState& state) noexcept {
  due = state.due;
  not_before = state.not_before;
  generation = state.generation;
  attempt = state.attempt;
  begun = state.begun;
}

DueEntry PackedSend::entry() const {
  DueEntry entry;
  entry.due = effective_due();
  entry.seq = seq;
  entry.order_hash = order_hash;
  entry.id = id;
  entry.generation = generation;
  entry.slot = slot;
  entry.attempt = storage::ScheduleRules::entry_attempt(attempt);
  return entry;
}

std::uint64_t PackedSend::hash_of(const std::array<std::uint8_t, 16>& id) noexcept {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), id.data(), id.size());
  return halves[0] ^ halves[1];
}

}  // namespace tern::detail
