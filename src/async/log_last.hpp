#pragma once

#include <tern/async/log.hpp>

#include <chrono>
#include <initializer_list>
#include <string_view>

namespace tern::log::detail {

/// Writes one event right before the process is ended, past the logger: a thread may hold that while it waits for
/// somebody to read standard error. Gives up after `patience`; then the line may be lost, and a thread is left behind
/// that may still wait to write it.
/// Thread safety: any thread.
void write_last(Level level, std::string_view event, std::initializer_list<Field> fields,
                std::chrono::milliseconds patience = std::chrono::milliseconds(200)) noexcept;

}  // namespace tern::log::detail
