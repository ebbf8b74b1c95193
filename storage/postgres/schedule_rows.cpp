#include "schedule_rows.hpp"

namespace tern::detail::pg {

std::int32_t week_of(WallTime time) noexcept {
  constexpr std::int64_t week = 604'800'000'000'000;
  return static_cast<std::int32_t>(to_ns(time) / week);
}

std::string_view bytes_of(const SendId& id) noexcept {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

SendId id_of(const pqxx::field& field) {
  return id_in(text_in(field));
}

std::uint16_t slot_of(const pqxx::field& field) {
  return slot_in(text_in(field));
}

StoredKey stored_key_of(const pqxx::row& row) {
  return stored_key_in(fields_of<key_columns>(row));
}

ScheduledSend send_of(const pqxx::row& row) {
  return send_in(fields_of<send_columns>(row));
}

}  // namespace tern::detail::pg
