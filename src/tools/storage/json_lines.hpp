#pragma once

#include "tools/storage/digest.hpp"

#include <optional>
#include <string>

namespace tern::tools {

/// The text form of a store: a line of JSON for each document, between a first line that names the form and a last
/// one with the totals, by which a file that was cut short is known.
///
///     {"format":"tern-storage","version":1}
///     {"key":"local/emulator/users/u1","document":{"messages":3}}
///     {"end":{"documents":1,"bytes":37,"sha256":"..."}}
///
/// The documents come back the same, to the byte. A document that JSON would write in another way (blanks, a number
/// with zeros at its end) is in `"text"` instead of `"document"`; text that is not UTF-8 is in `"key_hex"` and
/// `"text_hex"`.
std::string header_line();
std::string end_line(const Totals& totals);
std::string document_line(const std::string& key, const std::string& document);

bool is_json(const std::string& text);

/// One line, read.
struct ParsedLine {
  enum class Kind { header, document, end };
  Kind kind = Kind::document;
  std::string key;
  std::string document;
  Totals totals;  ///< of `end`
};

/// Errors: `ToolError` that says what is wrong with the line.
ParsedLine parse_line(const std::string& line);

}  // namespace tern::tools
