#pragma once

#include <tern/async/log.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tern::log::detail {

/// The most bytes of a text in a line. Ids and messages from outside may be longer.
inline constexpr std::size_t longest_text = 512;

/// One event as one line, without the line end. A text of more than `longest_text` bytes is cut after a whole
/// character, and its length follows: `...(240000 bytes)`.
std::string format_line(Format format, std::chrono::system_clock::time_point when, Level level, std::string_view event,
                        std::initializer_list<Field> fields);

/// Appends `text` as valid UTF-8. Control characters, invisible characters, characters that change the direction of
/// writing, line separators, quotes and backslashes become `\uXXXX` or a shorter escape of JSON. Each byte that is not
/// part of valid UTF-8 becomes `\ufffd`.
void append_escaped(std::string& line, std::string_view text);

}  // namespace tern::log::detail
