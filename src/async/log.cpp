#include <tern/async/log.hpp>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <chrono>
#include <memory>

#include "async/log_format.hpp"

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

}  // namespace tern::log
