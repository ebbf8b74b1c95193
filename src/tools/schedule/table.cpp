#include "tools/schedule/table.hpp"

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <utility>

namespace tern::tools {

namespace {

constexpr std::string_view gap = "  ";

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

Character first_character(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  if (lead < 0x80) {
    return {lead, 1, true};
  }
  const std::size_t bytes = lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead >= 0xF5 || text.size() < bytes) {
    return {};
  }
  auto code = static_cast<std::uint32_t>(lead & (0x7F >> bytes));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) {
      return {};
    }
    code = code << 6 | (next & 0x3F);
  }
  return {code, bytes, true};
}

// Control characters, and those that change the direction of what follows.
bool moves_the_cursor(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
  std::string shown;
  std::size_t characters = 0;
  std::size_t before_last = 0;
  while (!text.empty()) {
    if (characters == longest) {
      return shown.substr(0, before_last) + "…";
    }
    before_last = shown.size();
    const auto next = first_character(text);
    if (!next.valid) {
      shown += '?';
    } else if (moves_the_cursor(next.code)) {
      shown += ' ';
    } else {
      shown += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
    ++characters;
  }
  return shown;
}

Table::Table(std::ostream& out, Row headings) : out_(out), headings_(std::move(headings)) {
  for (const auto& heading : headings_) {
    widths_.push_back(width_of(heading));
  }
}

void Table::print(std::vector<Row> rows) {
  for (auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = printable(row[i]);
      widths_[i] = std::max(widths_[i], width_of(row[i]));
    }
  }
  if (!std::exchange(begun_, true)) {
    rows.insert(rows.begin(), headings_);
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? std::string_view() : gap;
      line += row[i];
      line.append(i + 1 < row.size() ? widths_[i] - width_of(row[i]) : 0, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out_ << line << '\n';
  }
}

}  // namespace tern::tools
