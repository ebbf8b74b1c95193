#pragma once

#include <tern/async/log.hpp>

#include <chrono>
#include <initializer_list>
#include <string_view>

namespace tern::log::detail {

/// Writes one event and all lines that wait before it, right before the process ends without calling destructors. It
/// waits at most for `patience`; after that time lines may be lost.
/// Thread safety: any thread.
void write_last(Level level, std::string_view event, std::initializer_list<Field> fields,
                std::chrono::milliseconds patience = std::chrono::milliseconds(200)) noexcept;

/// Writes one event at any `log.level`.
/// Thread safety: any thread.
void write_always(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept;

}  // namespace tern::log::detail
