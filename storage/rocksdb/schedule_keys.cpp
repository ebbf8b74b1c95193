#include "schedule_keys.hpp"

#include "byte_text.hpp"

#include <algorithm>

namespace tern::detail::rocks {

namespace {

constexpr std::size_t most_key_bytes = 32;

// An id or a digest.
std::array<std::uint8_t, 16> read_16(ByteReader& bytes) {
  std::array<std::uint8_t, 16> read{};
  const auto raw = bytes.raw(read.size());
  std::copy(raw.begin(), raw.end(), read.begin());
  return read;
}

}  // namespace

std::string due_key(std::uint16_t slot, const Place& place) {
  return ByteWriter(most_key_bytes).number(static_cast<std::uint8_t>(slot)).time(place.due).number(place.seq).take();
}

std::string due_begin(std::uint16_t slot) {
  return std::string(1, static_cast<char>(slot));
}

std::optional<Place> place_of_due_key(std::string_view key) noexcept {
  return key.empty() ? std::nullopt : decode_place(key.substr(1));
}

std::string retry_key(std::uint16_t slot, WallTime not_before, std::uint64_t seq) {
  return due_key(slot, {not_before, seq});
}

std::string encode_place(const Place& place) {
  return ByteWriter(most_key_bytes).time(place.due).number(place.seq).take();
}

std::optional<Place> decode_place(std::string_view bytes) noexcept {
  ByteReader reader(bytes);
  Place place;
  place.due = reader.time();
  place.seq = reader.number<std::uint64_t>();
  return reader.at_end() ? std::optional(place) : std::nullopt;
}

std::string_view id_key(const SendId& id) noexcept {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

std::string encode_location(const Location& location) {
  return ByteWriter(most_key_bytes)
      .number(static_cast<std::uint8_t>(location.slot))
      .time(location.place.due)
      .number(location.place.seq)
      .number(location.generation)
      .take();
}

std::optional<Location> decode_location(std::string_view bytes) noexcept {
  ByteReader reader(bytes);
  Location location;
  location.slot = reader.number<std::uint8_t>();
  location.place.due = reader.time();
  location.place.seq = reader.number<std::uint64_t>();
  location.generation = reader.number<std::uint32_t>();
  return reader.at_end() && location.slot < slot_count ? std::optional(location) : std::nullopt;
}

std::string order_key_of(std::uint64_t order_hash, const Place& place) {
  return ByteWriter(most_key_bytes).number(order_hash).time(place.due).number(place.seq).take();
}

std::string order_begin(std::uint64_t order_hash) {
  return ByteWriter(most_key_bytes).number(order_hash).take();
}

std::string reply_key(std::uint64_t conversation_hash, const SendId& id) {
  return ByteWriter(most_key_bytes).number(conversation_hash).raw(id_key(id)).take();
}

std::string reply_begin(std::uint64_t conversation_hash) {
  return order_begin(conversation_hash);
}

std::string after_hash(std::uint64_t hash) {
  return hash == UINT64_MAX ? std::string() : order_begin(hash + 1);
}

std::string dead_key(std::uint64_t number) {
  return ByteWriter(most_key_bytes).raw("n").number(number).take();
}

std::string dead_id_key(const SendId& id) {
  return ByteWriter(most_key_bytes).raw("i").raw(id_key(id)).take();
}

std::optional<std::uint64_t> number_of_dead_key(std::string_view key) noexcept {
  ByteReader reader(key);
  const auto kind = reader.raw(1);
  const auto number = reader.number<std::uint64_t>();
  return kind == "n" && reader.at_end() ? std::optional(number) : std::nullopt;
}

std::string encode_first(const FirstSend& first) {
  const auto& [handle, digest] = first.key;
  ByteWriter bytes(2 * most_key_bytes);
  bytes.time(first.came).number(static_cast<std::uint8_t>(handle.slot)).time(handle.due).raw(id_key(handle.id));
  if (digest != SendDigest{}) {
    bytes.raw({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
  return bytes.take();
}

std::optional<FirstSend> decode_first(std::string_view bytes) noexcept {
  ByteReader reader(bytes);
  FirstSend first;
  first.came = reader.time();
  first.key.handle.slot = reader.number<std::uint8_t>();
  first.key.handle.due = reader.time();
  first.key.handle.id = read_16(reader);
  if (!reader.at_end()) {
    first.key.digest = read_16(reader);
  }
  return reader.at_end() && first.key.handle.slot < slot_count ? std::optional(first) : std::nullopt;
}

}  // namespace tern::detail::rocks
