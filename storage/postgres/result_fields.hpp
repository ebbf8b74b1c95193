#pragma once

#include <pqxx/pqxx>

#include <charconv>
#include <cstdint>
#include <string>

/// Reads the fields of a `pqxx::result`.
///
/// To make a `pqxx::row` or `pqxx::field` counts two shared owners, and so does each one that `*` of an iterator or
/// `[]` returns. The iterators are a row and a field themselves: code that reads many rows walks with the iterators
/// and dereferences neither.
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

/// The bytes that `encode(.., 'hex')` was given.
inline std::string from_hex(const pqxx::field& field) {
  const auto digit_of = [](char hex) { return static_cast<std::uint8_t>(hex <= '9' ? hex - '0' : hex - 'a' + 10); };
  std::string bytes(field.size() / 2, '\0');
  const char* at = field.c_str();
  for (auto& byte : bytes) {
    byte = static_cast<char>(digit_of(at[0]) << 4 | digit_of(at[1]));
    at += 2;
  }
  return bytes;
}

}  // namespace tern::detail::pg
