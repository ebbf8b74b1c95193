#pragma once

#include <tern/storage/schedule_types.hpp>

#include "result_fields.hpp"
#include "storage/send_id.hpp"

#include <pqxx/pqxx>

#include <cstdint>
#include <string>
#include <string_view>

/// How values of the schedule are written in parameters and read from results.
namespace tern::detail::pg {

using storage::SendIdHash;

/// The week, counted from 1970, in which a time lies: sends have a partition for each.
std::int32_t week_of(WallTime time) noexcept;

/// Hashes are unsigned; a bigint holds the same bits.
inline std::int64_t to_signed(std::uint64_t number) noexcept {
  return static_cast<std::int64_t>(number);
}

std::string_view bytes_of(const SendId& id) noexcept;
/// Reads a uuid as the server writes it.
SendId id_of(const pqxx::field& field);
/// Reads a slot, which is below `slot_count`.
std::uint16_t slot_of(const pqxx::field& field);

/// Reads a row of `known_keys`.
StoredKey stored_key_of(const pqxx::row& row);

/// Reads the columns of a send, which come first in the row, in the order of the statements.
ScheduledSend send_of(const pqxx::row& row);

}  // namespace tern::detail::pg
