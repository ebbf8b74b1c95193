#include <tern/schema/activity.hpp>

#include <array>

namespace tern {
namespace {

/// The white space of ECMAScript's `trim`, and U+0085, in UTF-8: characters of one byte, and longer ones.
constexpr std::string_view narrow_spaces = " \t\n\v\f\r";
constexpr std::array<std::string_view, 20> wide_spaces = {
    "\xC2\x85",      // U+0085 next line
    "\xC2\xA0",      // U+00A0 no-break space
    "\xE1\x9A\x80",  // U+1680 ogham space
    "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85",
    "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",  // U+2000 to U+200A
    "\xE2\x80\xA8", "\xE2\x80\xA9",                                                  // line, paragraph separator
    "\xE2\x80\xAF", "\xE2\x81\x9F",                                                  // narrow, mathematical space
    "\xE3\x80\x80",                                                                  // U+3000 ideographic space
    "\xEF\xBB\xBF"                                                                   // U+FEFF byte order mark
};

std::size_t space_at_front(std::string_view text) {
  if (text.empty() || narrow_spaces.find(text.front()) != std::string_view::npos) {
    return text.empty() ? 0 : 1;
  }
  for (std::string_view space : wide_spaces) {
    if (text.starts_with(space)) {
      return space.size();
    }
  }
  return 0;
}

std::size_t space_at_back(std::string_view text) {
  if (text.empty() || narrow_spaces.find(text.back()) != std::string_view::npos) {
    return text.empty() ? 0 : 1;
  }
  for (std::string_view space : wide_spaces) {
    if (text.ends_with(space)) {
      return space.size();
    }
  }
  return 0;
}

}  // namespace

std::string trimmed(std::string_view text) {
  while (const std::size_t size = space_at_front(text)) {
    text.remove_prefix(size);
  }
  while (const std::size_t size = space_at_back(text)) {
    text.remove_suffix(size);
  }
  return std::string(text);
}

}  // namespace tern
