#include "schedule_record.hpp"

#include "byte_text.hpp"

#include <algorithm>
#include <limits>

namespace tern::detail::rocks {

namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint8_t has_expiry = 1;
constexpr std::uint8_t at_most_once = 2;
constexpr std::size_t fixed_bytes = 96;

void write_send(ByteWriter& bytes, const ScheduledSend& send) {
  const auto flags =
      static_cast<std::uint8_t>((send.expires ? has_expiry : 0) | (send.at_most_once ? at_most_once : 0));
  bytes.number(version)
      .number(flags)
      .number(static_cast<std::uint8_t>(send.kind))
      .number(static_cast<std::uint8_t>(send.handle.slot))
      .time(send.handle.due)
      .raw(id_key(send.handle.id))
      .number(send.generation)
      .number(send.attempt)
      .number(send.begun)
      .time(send.not_before)
      .time(send.expires.value_or(WallTime()))
      .text(send.order_key)
      .text(send.cancel_on_reply)
      .text(send.reference)
      .text(send.payload)
      .text(send.idempotency_key)
      .text(send.client_request_id)
      .text(send.annotations);
}

// All that stands before the texts.
bool read_head(ByteReader& bytes, ScheduledSend& send) {
  if (bytes.number<std::uint8_t>() != version) {
    return false;
  }
  const auto flags = bytes.number<std::uint8_t>();
  const auto kind = bytes.number<std::uint8_t>();
  send.kind = static_cast<SendKind>(kind);
  send.handle.slot = bytes.number<std::uint8_t>();
  send.handle.due = bytes.time();
  const auto id = bytes.raw(send.handle.id.size());
  std::copy(id.begin(), id.end(), send.handle.id.begin());
  send.generation = bytes.number<std::uint32_t>();
  send.attempt = bytes.number<std::uint32_t>();
  send.begun = bytes.number<std::uint16_t>();
  send.not_before = bytes.time();
  const auto expires = bytes.time();
  if ((flags & has_expiry) != 0) {
    send.expires = expires;
  }
  send.at_most_once = (flags & at_most_once) != 0;
  return bytes.ok() && kind <= static_cast<std::uint8_t>(SendKind::continuation) && send.handle.slot < slot_count;
}

std::optional<ScheduledSend> read_send(ByteReader& bytes) {
  ScheduledSend send;
  if (!read_head(bytes, send)) {
    return std::nullopt;
  }
  for (auto* text : {&send.order_key, &send.cancel_on_reply, &send.reference, &send.payload, &send.idempotency_key,
                     &send.client_request_id, &send.annotations}) {
    *text = bytes.text();
  }
  return bytes.ok() ? std::optional(std::move(send)) : std::nullopt;
}

}  // namespace

std::string encode_send(const ScheduledSend& send) {
  ByteWriter bytes(fixed_bytes + send.order_key.size() + send.cancel_on_reply.size() + send.reference.size() +
                   send.payload.size() + send.idempotency_key.size() + send.client_request_id.size() +
                   send.annotations.size());
  write_send(bytes, send);
  return bytes.take();
}

std::optional<ScheduledSend> decode_send(std::string_view bytes, const Place& place) {
  ByteReader reader(bytes);
  auto send = read_send(reader);
  if (!send || !reader.at_end()) {
    return std::nullopt;
  }
  send->seq = place.seq;
  return send;
}

std::optional<Waiting> decode_waiting(std::string_view bytes, const Place& place) {
  ByteReader reader(bytes);
  ScheduledSend send;
  if (!read_head(reader, send)) {
    return std::nullopt;
  }
  send.order_key = reader.text();
  if (!reader.ok()) {
    return std::nullopt;
  }
  return Waiting{entry_of(send, place), is_retry(send, place)};
}

std::string encode_dead(const DeadSend& dead) {
  ByteWriter bytes;
  bytes.time(dead.died).text(dead.reason).number(dead.send.seq);
  write_send(bytes, dead.send);
  return bytes.take();
}

std::optional<DeadSend> decode_dead(std::string_view bytes) {
  ByteReader reader(bytes);
  DeadSend dead;
  dead.died = reader.time();
  dead.reason = reader.text();
  const auto seq = reader.number<std::uint64_t>();
  auto send = read_send(reader);
  if (!send || !reader.at_end()) {
    return std::nullopt;
  }
  dead.send = std::move(*send);
  dead.send.seq = seq;
  return dead;
}

DueEntry entry_of(const ScheduledSend& send, const Place& place) {
  DueEntry entry;
  entry.due = std::max(place.due, send.not_before);
  entry.seq = place.seq;
  entry.order_hash = order_hash_of(send.order_key);
  entry.id = send.handle.id;
  entry.generation = send.generation;
  entry.slot = send.handle.slot;
  constexpr std::uint32_t most = std::numeric_limits<std::uint16_t>::max();
  entry.attempt = static_cast<std::uint16_t>(std::min(send.attempt, most));
  return entry;
}

}  // namespace tern::detail::rocks
