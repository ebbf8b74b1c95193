#include <tern/testing/mismatch.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tern::test {

namespace {

// The directories of the machine that compiled it tell nothing.
std::string place_of(const std::source_location& where) {
  const std::string_view file = where.file_name();
  return std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(where.line()) + ": ";
}

// A text of several lines keeps its margin.
void add_line(std::string& text, const char* margin, std::string_view line) {
  text += margin;
  for (const char c : line) {
    text += c;
    if (c == '\n') {
      text += "  ";
    }
  }
  text += '\n';
}

}  // namespace

Mismatch::Mismatch(const std::string& problem, const std::source_location& where)
    : std::runtime_error(place_of(where) + problem) {}

// By the longest lines that both have in common and in the same order.
std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& came) {
  std::vector<std::vector<std::size_t>> common(expected.size() + 1, std::vector<std::size_t>(came.size() + 1));
  for (auto i = expected.size(); i-- > 0;) {
    for (auto j = came.size(); j-- > 0;) {
      common[i][j] = expected[i] == came[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string text;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < expected.size() || j < came.size()) {
    if (i < expected.size() && j < came.size() && expected[i] == came[j]) {
      add_line(text, "  ", expected[i++]);
      ++j;
    } else if (i < expected.size() && (j == came.size() || common[i + 1][j] >= common[i][j + 1])) {
      add_line(text, "- ", expected[i++]);
    } else {
      add_line(text, "+ ", came[j++]);
    }
  }
  return text;
}

}  // namespace tern::test
