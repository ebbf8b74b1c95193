#pragma once

#include "field_text.hpp"

#include <pqxx/pqxx>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

/// Reads the fields of a `pqxx::result`.
///
/// To make a `pqxx::row` or `pqxx::field` counts two shared owners, and so does each one that `*` of an iterator or
/// `[]` returns. The iterators are a row and a field themselves: code that reads many rows walks with the iterators
/// and dereferences neither.
namespace tern::detail::pg {

/// The bytes, which live as long as the result.
inline FieldText text_in(const pqxx::field& field) {
  return field.is_null() ? FieldText() : FieldText(std::string_view(field.c_str(), field.size()));
}

/// An integer as the server writes it; 0 for NULL.
inline std::int64_t number_of(const pqxx::field& field) {
  return number_in(text_in(field));
}

/// The text, which may hold anything but NUL; "" for NULL.
inline std::string text_of(const pqxx::field& field) {
  return {field.c_str(), field.size()};
}

/// The bytes that `encode(.., 'hex')` was given.
inline std::string from_hex(const pqxx::field& field) {
  return bytes_in_hex(text_in(field));
}

/// So many fields from the first of a row on.
template <std::size_t Count>
std::array<FieldText, Count> fields_of(const pqxx::row& row) {
  std::array<FieldText, Count> fields;
  auto field = row.begin();
  for (auto& text : fields) {
    text = text_in(field);
    ++field;
  }
  return fields;
}

}  // namespace tern::detail::pg
