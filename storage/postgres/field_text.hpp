#pragma once

#include <tern/storage/schedule_types.hpp>

#include "storage/send_id.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Reads the fields of a row as the server writes them, without libpqxx: whatever bytes they have, a value is one that
/// Tern may have stored, or the field is refused.
///
/// Errors: `Failure` of the kind `refused`, whose message has the field. A row like that was not written by Tern.
namespace tern::detail::pg {

using storage::SendId;

/// A field; nullopt for NULL.
using FieldText = std::optional<std::string_view>;

/// Times are stored as nanoseconds since 1970.
std::int64_t to_ns(WallTime time) noexcept;
WallTime from_ns(std::int64_t nanoseconds) noexcept;

/// The integer that the field begins with; 0 for NULL and for what is none.
std::int64_t number_in(FieldText field) noexcept;
/// A slot, below `slot_count`.
std::uint16_t slot_in(FieldText field);
/// A uuid, in small letters, with its hyphens or without.
SendId id_in(FieldText field);
/// The bytes that `encode(.., 'hex')` was given.
std::string bytes_in_hex(FieldText field);

/// How many columns of a row are those of a send.
inline constexpr int send_columns = 18;
using SendFields = std::array<FieldText, send_columns>;
/// The columns of a send, in the order of the statements.
ScheduledSend send_in(const SendFields& fields);

/// The stored row of an idempotency key: a row of `known_keys`.
struct StoredKey {
  KnownKey key;  ///< with the first handle
  WallTime came{};
  std::optional<WallTime> moved_to;  ///< when its send is due now, if that is pending and was moved
};
inline constexpr int key_columns = 7;
using KeyFields = std::array<FieldText, key_columns>;
/// The columns of such a row. The first one says which of the keys that were asked for it is, and is not read here.
StoredKey stored_key_in(const KeyFields& fields);

}  // namespace tern::detail::pg
