#pragma once

#include <pqxx/pqxx>

#include <charconv>
#include <cstdint>
#include <string>

/// What the fields of a `pqxx::result` hold.
///
/// A `pqxx::row` or `pqxx::field` that is made counts two shared owners, and so does each that `*` of an iterator or
/// `[]` returns. The iterators are a row and a field themselves: what reads many rows walks with them and dereferences
/// neither.
namespace tern::detail::pg {

/// An integer as the server writes it; 0 for NULL.
inline std::int64_t number_of(const pqxx::field& field) {
  std::int64_t value = 0;
  std::from_chars(field.c_str(), field.c_str() + field.size(), value);
  return value;
}

/// The text, which may hold anything but NUL; "" for NULL.
inline std::string text_of(const pqxx::field& field) {
  return {field.c_str(), field.size()};
}

}  // namespace tern::detail::pg
