#include <tern/async/log.hpp>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "async/log_format.hpp"
#include "async/log_last.hpp"

namespace tern::log {
namespace {

std::atomic<Level> current_level{Level::info};
std::atomic<Format> current_format{Format::text};

// Never destroyed, so that a destructor of static duration can still log.
spdlog::logger& logger() {
  static spdlog::logger* const instance = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto* const made = new spdlog::logger("tern", std::move(sink));
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum severity(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

void configure(Level level, Format format) {
  current_format.store(format, std::memory_order_relaxed);
  current_level.store(level, std::memory_order_relaxed);
}

bool enabled(Level level) noexcept {
  return level != Level::off && level >= current_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) {
    return;
  }
  try {
    const Format format = current_format.load(std::memory_order_relaxed);
    const std::string line = detail::format_line(format, std::chrono::system_clock::now(), level, event, fields);
    logger().log(severity(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // A line that cannot be written for want of memory must not end the work it tells of.
  }
}

namespace detail {

namespace {

// For a thread that nobody waits for: it owns all that it uses.
void write_all(const std::string& text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const auto written = ::write(STDERR_FILENO, text.data() + at, text.size() - at);
    if (written > 0) {
      at += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

// On a thread, because no flag makes a write to everything that standard error may be return at once, and a flag on a
// terminal or a pipe would be one for all who share it.
void write_last(Level level, std::string_view event, std::initializer_list<Field> fields,
                std::chrono::milliseconds patience) noexcept {
  if (!enabled(level)) {
    return;
  }
  try {
    const Format format = current_format.load(std::memory_order_relaxed);
    auto line = format_line(format, std::chrono::system_clock::now(), level, event, fields) + '\n';
    std::promise<void> written;
    const auto done = written.get_future();
    std::thread([text = std::move(line), told = std::move(written)]() mutable {
      write_all(text);
      told.set_value();
    }).detach();
    done.wait_for(patience);
  } catch (...) {
    // Without memory or a thread for it, the process ends without the line.
  }
}

}  // namespace detail

}  // namespace tern::log
