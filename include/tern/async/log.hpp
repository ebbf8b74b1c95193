#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

/// Logging: an event's name in plain words and its fields. Fields carry ids and figures, never texts, names or tokens.
namespace tern::log {

/// How important an event is, ascending; `off` is above them all.
enum class Level { trace, debug, info, warn, error, off };
/// Lines of text, or a JSON object a line.
enum class Format { text, json };

/// A name and a value beside an event. It refers to the texts that it was made of.
struct Field {
  std::string_view name;  ///< such as `conversation`
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>
      value;  ///< one of the types that both formats write

  ///@{
  /// A field with this name and this value.
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, bool v) : name(n), value(v) {}
  Field(std::string_view n, double v) : name(n), value(v) {}
  template <std::signed_integral I>
  Field(std::string_view n, I v) : name(n), value(static_cast<std::int64_t>(v)) {}
  template <std::unsigned_integral I>
    requires(!std::same_as<I, bool>)
  Field(std::string_view n, I v) : name(n), value(static_cast<std::uint64_t>(v)) {}
  ///@}
};

/// How many bytes of lines may wait to be written to standard error, by default.
inline constexpr std::size_t default_buffer = std::size_t{1} << 20;

/// Sets level and format for the process, and how many bytes of lines may wait to be written (`log.buffer`). Logs go to
/// standard error.
/// Thread safety: any thread, at any time.
void configure(Level level, Format format, std::size_t buffer = default_buffer);

/// True when an event of this level would be written; ask before building costly fields.
bool enabled(Level level) noexcept;

/// Writes one event. Text: `2026-01-01T00:00:00.000Z info  turn failed conversation=abc`. JSON: one object a line.
/// Control characters in values are escaped, so one event is always one line.
///
/// It never waits for the reader of the log: a thread writes the lines, in the order of the calls. When more bytes wait
/// than `configure` allows, new lines are dropped and counted, and a line says how many. When the process ends by
/// `exit` or by the end of `main`, the lines that wait are written, for up to half a second; before any other end call
/// `flush`. Thread safety: any thread.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

///@{
/// Writes one event of the level that the function is named after.
inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}
///@}

/// Waits until the lines of earlier calls are written, at most for `patience`; whether they are.
/// Thread safety: any thread. It blocks, so no shard should call it.
bool flush(std::chrono::milliseconds patience) noexcept;

/// How many lines were dropped, in the life of the process: nobody read standard error, or it cannot be written.
/// Thread safety: any thread.
std::uint64_t dropped() noexcept;

}  // namespace tern::log
