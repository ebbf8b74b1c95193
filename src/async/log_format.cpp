#include "async/log_format.hpp"

#include "schema/utf8.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <type_traits>

namespace tern::log::detail {
namespace {

std::string_view name_of(Level level) {
  switch (level) {
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
    case Level::off:
      break;
  }
  return "off";
}

void append_time(std::string& line, std::chrono::system_clock::time_point when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::milliseconds>(when - day)};
  std::array<char, 48> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                    static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  line.append(text.data(), static_cast<std::size_t>(length));
}

struct Range {
  char32_t first;
  char32_t last;
};

// Characters that are invisible, or change how other characters are shown. Sorted.
constexpr std::array unseen{
    Range{0x00, 0x1F},        // C0
    Range{0x7F, 0x9F},        // DEL and C1
    Range{0xAD, 0xAD},        // soft hyphen
    Range{0x61C, 0x61C},      // Arabic letter mark
    Range{0x180E, 0x180E},    // Mongolian vowel separator
    Range{0x200B, 0x200F},    // zero-width space, joiners, direction marks
    Range{0x2028, 0x202E},    // line and paragraph separators, direction embeddings and overrides
    Range{0x2060, 0x206F},    // invisible operators, direction isolates
    Range{0xFEFF, 0xFEFF},    // byte order mark
    Range{0xFFF9, 0xFFFB},    // interlinear annotations
    Range{0xE0000, 0xE007F},  // tags
};

bool is_unseen(char32_t c) {
  for (const auto& range : unseen) {
    if (c <= range.last) {
      return c >= range.first;
    }
  }
  return false;
}

void append_unit(std::string& line, char32_t unit) {
  constexpr std::string_view digits = "0123456789abcdef";
  line += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) {
    line += digits[(unit >> shift) & 0xFU];
  }
}

void append_code(std::string& line, char32_t c) {
  if (c < 0x10000) {
    append_unit(line, c);
    return;
  }
  append_unit(line, 0xD800 + ((c - 0x10000) >> 10));
  append_unit(line, 0xDC00 + ((c - 0x10000) & 0x3FF));
}

// The first `longest_text` bytes at most, without a part of a character at the end.
std::string_view beginning_of(std::string_view text) {
  std::size_t length = longest_text;
  while (length > longest_text - 4 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
    --length;
  }
  return text.substr(0, length);
}

void append_bounded(std::string& line, std::string_view text) {
  if (text.size() <= longest_text) {
    append_escaped(line, text);
    return;
  }
  append_escaped(line, beginning_of(text));
  line += "...(";
  line += std::to_string(text.size());
  line += " bytes)";
}

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  append_bounded(line, text);
  line += '"';
}

// Appends a value, with quotes only if it is empty or has blanks, equal signs or escapes.
void append_text(std::string& line, std::string_view text) {
  const std::size_t start = line.size();
  append_bounded(line, text);
  if (line.size() == start || line.find_first_of(" =\\", start) != std::string::npos) {
    line.insert(start, 1, '"');
    line += '"';
  }
}

template <class Number>
void append_number(std::string& line, Number value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  line.append(text.data(), end);
}

void append_value(std::string& line, Format format, const Field& field) {
  std::visit(
      [&](auto value) {
        using Value = decltype(value);
        if constexpr (std::is_same_v<Value, std::string_view>) {
          format == Format::json ? append_quoted(line, value) : append_text(line, value);
        } else if constexpr (std::is_same_v<Value, bool>) {
          line += value ? "true" : "false";
        } else if constexpr (std::is_same_v<Value, double>) {
          // JSON has no numbers for these.
          if (format == Format::json && !std::isfinite(value)) {
            line += std::isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"";
          } else {
            append_number(line, value);
          }
        } else {
          append_number(line, value);
        }
      },
      field.value);
}

std::string format_json(std::chrono::system_clock::time_point when, Level level, std::string_view event,
                        std::initializer_list<Field> fields) {
  std::string line = R"({"time":")";
  append_time(line, when);
  line += R"(","level":")";
  line += name_of(level);
  line += R"(","event":)";
  append_quoted(line, event);
  for (const Field& field : fields) {
    line += ',';
    append_quoted(line, field.name);
    line += ':';
    append_value(line, Format::json, field);
  }
  line += '}';
  return line;
}

std::string format_text(std::chrono::system_clock::time_point when, Level level, std::string_view event,
                        std::initializer_list<Field> fields) {
  constexpr std::size_t level_width = 6;
  std::string line;
  append_time(line, when);
  line += ' ';
  line += name_of(level);
  line.append(level_width - name_of(level).size(), ' ');
  append_bounded(line, event);
  for (const Field& field : fields) {
    line += ' ';
    append_text(line, field.name);
    line += '=';
    append_value(line, Format::text, field);
  }
  return line;
}

}  // namespace

void append_escaped(std::string& line, std::string_view text) {
  while (!text.empty()) {
    const auto c = tern::detail::decode_utf8(text);
    if (!c) {
      append_code(line, 0xFFFD);
      text.remove_prefix(1);
      continue;
    }
    switch (c->value) {
      case '"':
        line += "\\\"";
        break;
      case '\\':
        line += "\\\\";
        break;
      case '\n':
        line += "\\n";
        break;
      case '\r':
        line += "\\r";
        break;
      case '\t':
        line += "\\t";
        break;
      default:
        if (is_unseen(c->value)) {
          append_code(line, c->value);
        } else {
          line += text.substr(0, c->length);
        }
    }
    text.remove_prefix(c->length);
  }
}

std::string format_line(Format format, std::chrono::system_clock::time_point when, Level level, std::string_view event,
                        std::initializer_list<Field> fields) {
  return format == Format::json ? format_json(when, level, event, fields) : format_text(when, level, event, fields);
}

}  // namespace tern::log::detail
