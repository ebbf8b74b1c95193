#pragma once

#include <tern/async/log.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tern::log::detail {

/// The most bytes of a text in a line. Ids and messages of others have no bound of their own.
inline constexpr std::size_t longest_text = 512;

/// One event as one line, without its line end. Each text is cut at `longest_text` bytes, after a whole character; how
/// many there were stands behind it: `...(240000 bytes)`.
std::string format_line(Format format, std::chrono::system_clock::time_point when, Level level, std::string_view event,
                        std::initializer_list<Field> fields);

/// Appends `text` as valid UTF-8 that holds no control character, nothing that is invisible or turns the direction of
/// writing, no line separator and no bare quote or backslash: these become `\uXXXX` or a shorter escape of JSON.
/// What is not UTF-8 becomes `\ufffd`, one for each byte that cannot be read.
void append_escaped(std::string& line, std::string_view text);

}  // namespace tern::log::detail
