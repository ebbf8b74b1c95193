#pragma once

#include <tern/async/log.hpp>

#include <chrono>
#include <initializer_list>
#include <string_view>

namespace tern::log::detail {

/// Writes one event right before the process is ended by what calls no destructors, and all that waits before it. Gives
/// up after `patience`: then lines may be lost.
/// Thread safety: any thread.
void write_last(Level level, std::string_view event, std::initializer_list<Field> fields,
                std::chrono::milliseconds patience = std::chrono::milliseconds(200)) noexcept;

/// Writes one event whatever `log.level` is.
/// Thread safety: any thread.
void write_always(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept;

}  // namespace tern::log::detail
