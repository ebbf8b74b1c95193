#pragma once

#include <tern/async/log.hpp>

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tern::log::detail {

/// One event as one line, without its line end.
std::string format_line(Format format, std::chrono::system_clock::time_point when, Level level, std::string_view event,
                        std::initializer_list<Field> fields);

/// Appends `text` as valid UTF-8 that holds no control character, no line separator and no bare quote or backslash.
/// What is not UTF-8 becomes `\ufffd`, one for each byte that cannot be read.
void append_escaped(std::string& line, std::string_view text);

}  // namespace tern::log::detail
