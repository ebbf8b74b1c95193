#pragma once

#include "storage/send_id.hpp"

#include <tern/storage/schedule_types.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How the schedule is laid out in RocksDB: the keys of its column families, whose byte order is the order they are
/// read in.
///
/// | family | key | value |
/// |---|---|---|
/// | `due` | slot, place | the record |
/// | `retry` | slot, not before, seq | the place in `due` |
/// | `loc` | id | slot, place, generation |
/// | `order` | hash of the order key, place | nothing |
/// | `reply` | hash of the conversation, id | nothing |
/// | `idempotency` | the key | when it came, slot, due, id; the digest, if there is one |
/// | `dead` | `n`, number; `i`, id | when it died, the reason, the record; the number |
///
/// Times are microseconds, which is what a send's times are whole in, with the sign turned so that bytes sort as
/// numbers do. All numbers are big-endian.
namespace tern::detail::rocks {

using storage::SendId;
using storage::SendIdHash;

/// The place of a pending send in its slot: by its due time, then by the order of commit. A send with a time before
/// all sends of the slot is stored at the slot's lower bound instead (see `LowBounds`).
struct Place {
  WallTime due{};
  std::uint64_t seq = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

/// The value of `loc` for a pending send.
struct Location {
  std::uint16_t slot = 0;
  Place place;
  std::uint32_t generation = 0;
};

std::string due_key(std::uint16_t slot, const Place& place);
/// Everything of a slot lies from `due_begin(slot)` to before `due_begin(slot + 1)`.
std::string due_begin(std::uint16_t slot);
std::optional<Place> place_of_due_key(std::string_view key) noexcept;

std::string retry_key(std::uint16_t slot, WallTime not_before, std::uint64_t seq);
std::string encode_place(const Place& place);
std::optional<Place> decode_place(std::string_view bytes) noexcept;

std::string_view id_key(const SendId& id) noexcept;
std::string encode_location(const Location& location);
/// nullopt when the bytes are no location, or one in a slot that does not exist. `decode_first` has the same rule.
std::optional<Location> decode_location(std::string_view bytes) noexcept;

std::string order_key_of(std::uint64_t order_hash, const Place& place);
std::string order_begin(std::uint64_t order_hash);
std::string reply_key(std::uint64_t conversation_hash, const SendId& id);
std::string reply_begin(std::uint64_t conversation_hash);
/// The first key after all that begin with these 8 bytes of a hash; "" when there is none.
std::string after_hash(std::uint64_t hash);

std::string dead_key(std::uint64_t number);
std::string dead_id_key(const SendId& id);
std::optional<std::uint64_t> number_of_dead_key(std::string_view key) noexcept;

/// The value of an idempotency key. Without a digest it is as versions before the digest wrote it. Those versions take
/// a key with a digest for a new one.
struct FirstSend {
  WallTime came;
  KnownKey key;
};
std::string encode_first(const FirstSend& first);
std::optional<FirstSend> decode_first(std::string_view bytes) noexcept;

}  // namespace tern::detail::rocks
