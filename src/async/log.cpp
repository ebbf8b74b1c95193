#include <tern/async/log.hpp>

#include "async/log_format.hpp"
#include "async/log_last.hpp"
#include "async/log_writer.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>

namespace tern::log {
namespace {

using detail::LogWriter;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds patience_at_exit{500};

std::atomic<Level> current_level{Level::info};
std::atomic<Format> current_format{Format::text};
std::atomic<std::size_t> current_buffer{default_buffer};

/// While the process ends, it waits for unwritten lines until this time.
std::atomic<SteadyTime> ends_by{SteadyTime::max()};

// Never destroyed, so that a destructor of static duration can still log.
std::atomic<LogWriter*> made_writer{nullptr};

std::string line_of(Level level, std::string_view event, std::initializer_list<Field> fields) {
  return detail::format_line(current_format.load(std::memory_order_relaxed), std::chrono::system_clock::now(), level,
                             event, fields);
}

std::string gap_line(std::uint64_t lines) {
  return line_of(Level::warn, "lines of the log were dropped: its reader was too slow", {{"lines", lines}}) + '\n';
}

std::chrono::milliseconds time_left() noexcept {
  const auto left = ends_by.load(std::memory_order_relaxed) - std::chrono::steady_clock::now();
  return std::max(std::chrono::milliseconds(0), std::chrono::duration_cast<std::chrono::milliseconds>(left));
}

void write_waiting_lines() {
  ends_by.store(std::chrono::steady_clock::now() + patience_at_exit, std::memory_order_relaxed);
  flush(patience_at_exit);
}

LogWriter& writer() {
  auto* instance = made_writer.load(std::memory_order_acquire);
  if (instance != nullptr) {
    return *instance;
  }
  auto* const fresh = new LogWriter(STDERR_FILENO, current_buffer.load(std::memory_order_relaxed), gap_line);
  if (!made_writer.compare_exchange_strong(instance, fresh, std::memory_order_acq_rel)) {
    delete fresh;
    return *instance;
  }
  static const bool registered = [] {
    // A forked child has no thread that writes, and the waiting lines belong to its parent. So it makes a new writer.
    ::pthread_atfork(nullptr, nullptr, [] { made_writer.store(nullptr, std::memory_order_release); });
    return std::atexit(write_waiting_lines) == 0;
  }();
  (void)registered;
  return *fresh;
}

}  // namespace

void configure(Level level, Format format, std::size_t buffer) {
  current_format.store(format, std::memory_order_relaxed);
  current_level.store(level, std::memory_order_relaxed);
  current_buffer.store(buffer, std::memory_order_relaxed);
  if (auto* instance = made_writer.load(std::memory_order_acquire); instance != nullptr) {
    instance->limit(buffer);
  }
}

bool enabled(Level level) noexcept {
  return level != Level::off && level >= current_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (enabled(level)) {
    detail::write_always(level, event, fields);
  }
}

bool flush(std::chrono::milliseconds patience) noexcept {
  try {
    auto* const instance = made_writer.load(std::memory_order_acquire);
    return instance == nullptr || instance->flush(patience);
  } catch (...) {
    return false;
  }
}

std::uint64_t dropped() noexcept {
  const auto* const instance = made_writer.load(std::memory_order_acquire);
  return instance != nullptr ? instance->dropped() : 0;
}

namespace detail {

void write_always(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept {
  try {
    auto& out = writer();
    out.add(line_of(level, event, fields));
    if (ends_by.load(std::memory_order_relaxed) != SteadyTime::max()) {
      out.flush(time_left());
    }
  } catch (...) {
    // There is no memory for the line. That must not end the work that logs it.
  }
}

void write_last(Level level, std::string_view event, std::initializer_list<Field> fields,
                std::chrono::milliseconds patience) noexcept {
  if (!enabled(level)) {
    return;
  }
  try {
    auto& out = writer();
    out.add_always(line_of(level, event, fields));
    out.flush(patience);
  } catch (...) {
    // There is no memory or no thread for the line. The process ends without it.
  }
}

}  // namespace detail

}  // namespace tern::log
