#include "http/plain_lines.hpp"

#include "async/any_byte.hpp"
#include "http/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace tern::http {

namespace {

constexpr std::size_t most_lines = 32;
constexpr std::string_view line_end = "\r\n";

constexpr auto plain_name_characters = [] {
  std::array<bool, 256> plain{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
    plain[static_cast<unsigned char>(c)] = true;
  }
  return plain;
}();

// Without a constructor, so that an array of these costs nothing before it is used.
struct HeadLine {
  std::string_view name() const noexcept { return {begin, colon}; }
  std::string_view value() const noexcept { return {value_begin, value_end}; }

  const char* begin;
  const char* end;  // behind its line feed
  const char* colon;
  const char* value_begin;
  const char* value_end;
  bool taken;
};

struct HeadLines {
  std::array<HeadLine, most_lines> lines;  // the first is the request line
  std::size_t count = 0;
};

// Whether it has a control character other than a tab. Hardly any value has a tab or anything but ASCII, so the exact
// test comes last: a token has 700 bytes, and each turn brings one.
bool has_controls(std::string_view value) noexcept {
  using tern::detail::ByteBlock;
  using tern::detail::is_below;
  using tern::detail::is_byte;
  constexpr unsigned char first_plain = 0x20;
  constexpr unsigned char del = 0x7F;
  return tern::detail::any_byte_outside(value, first_plain, del - 1) &&
         tern::detail::any_byte(value, [](const ByteBlock& bytes) {
           return (is_below(bytes, first_plain) & ~is_byte(bytes, '\t')) | is_byte(bytes, del);
         });
}

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

std::string_view without_blanks(std::string_view value) noexcept {
  while (!value.empty() && is_blank(value.front())) {
    value.remove_prefix(1);
  }
  while (!value.empty() && is_blank(value.back())) {
    value.remove_suffix(1);
  }
  return value;
}

// The fields that `beast::http::basic_parser` acts on, and those of `HeadRules`.
bool is_read_by_others(std::string_view name) noexcept {
  switch (name.size()) {
    case std::string_view("Host").size():
      return same_text(name, "Host");
    case std::string_view("Expect").size():
      return same_text(name, "Expect");
    case std::string_view("Upgrade").size():
      return same_text(name, "Upgrade");
    case std::string_view("Connection").size():
      return same_text(name, "Connection");
    case std::string_view("Content-Length").size():
      return same_text(name, "Content-Length");
    case std::string_view("Content-Encoding").size():
      return same_text(name, "Content-Encoding") || same_text(name, "Proxy-Connection");
    case std::string_view("Transfer-Encoding").size():
      return same_text(name, "Transfer-Encoding");
    default:
      return false;
  }
}

// The end of the line, behind its line feed; nullptr when it is not there, or the line ends otherwise.
const char* end_of_line(std::string_view text) noexcept {
  const auto feed = text.find('\n');
  return feed != std::string_view::npos && feed > 0 && text[feed - 1] == '\r' ? text.data() + feed + 1 : nullptr;
}

// Reads the line of a field. False when it could be read in two ways.
bool read_field(HeadLine& line) noexcept {
  const char* colon = line.begin;
  while (plain_name_characters[static_cast<unsigned char>(*colon)]) {  // a line feed is none
    ++colon;
  }
  if (*colon != ':' || colon == line.begin) {
    return false;
  }
  std::string_view value(colon + 1, line.end - line_end.size());
  if (has_controls(value)) {
    return false;
  }
  value = without_blanks(value);
  line.colon = colon;
  line.value_begin = value.data();
  line.value_end = value.data() + value.size();
  line.taken = !is_read_by_others(line.name());
  return true;
}

// Reads the lines of a head. The end of its last line; nullptr when it must be left as it is.
const char* read_lines(std::string_view text, HeadLines& into) noexcept {
  for (;;) {
    const char* const begin = text.data();
    const char* const end = end_of_line(text);
    if (end == nullptr) {
      return nullptr;
    }
    if (into.count > 0 && end == begin + line_end.size()) {
      return begin;
    }
    if (into.count == most_lines) {
      return nullptr;
    }
    HeadLine& line = into.lines[into.count];
    line.begin = begin;
    line.end = end;
    line.taken = false;
    if (into.count > 0 && !read_field(line)) {
      return nullptr;
    }
    ++into.count;
    text.remove_prefix(static_cast<std::size_t>(end - begin));
  }
}

}  // namespace

std::size_t take_plain_lines(std::span<char> input, Request& request) {
  HeadLines head;
  const char* const end = read_lines({input.data(), input.size()}, head);
  if (end == nullptr) {
    return 0;
  }
  const auto lines = std::span(head.lines).first(head.count);
  for (const auto& line : lines) {
    if (line.taken) {
      request.add_field(line.name(), line.value());
    }
  }
  char* free = input.data() + (end - input.data());
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (!line->taken) {
      const auto size = static_cast<std::size_t>(line->end - line->begin);
      free -= size;
      std::memmove(free, line->begin, size);
    }
  }
  return static_cast<std::size_t>(free - input.data());
}

}  // namespace tern::http
