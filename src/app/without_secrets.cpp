#include "app/without_secrets.hpp"

#include <regex>

#include <algorithm>

namespace tern::app {

namespace {

constexpr std::string_view scheme_end = "://";
constexpr std::string_view begin_of_pem = "-----BEGIN";

// The position behind the `=` of `word=` or `word =`, such as `password=`.
std::size_t behind_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto sign = text.find_first_not_of(' ', at + word.size());
    if (sign != std::string_view::npos && text[sign] == '=') {
      return sign + 1;
    }
  }
  return std::string_view::npos;
}

std::size_t behind_scheme(std::string_view text) {
  const auto at = text.find(scheme_end);
  return at == std::string_view::npos ? at : at + scheme_end.size();
}

std::size_t behind_begin_of_pem(std::string_view text) {
  const auto at = text.find(begin_of_pem);
  return at == std::string_view::npos ? at : at + begin_of_pem.size();
}

std::size_t word_with_at(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos) {
    return at;
  }
  const auto before = text.find_last_of(" \"'", at);
  return before == std::string_view::npos ? 0 : before + 1;
}

}  // namespace

std::string without_secrets(std::string_view text) {
  const auto cut = std::min({behind_word(text, "password"), behind_word(text, "secret"), behind_scheme(text),
                             behind_begin_of_pem(text), word_with_at(text)});
  return cut == std::string_view::npos ? std::string(text) : std::string(text.substr(0, cut)) + "***";
}

std::string without_password(const std::string& url) {
  static const std::regex in_authority("(://[^/?#:@]*):[^/?#]*@");
  static const std::regex as_parameter("(^|[?&\\s])(ssl)?password\\s*=\\s*('([^'\\\\]|\\\\.)*'|[^&\\s]*)");
  return std::regex_replace(std::regex_replace(url, in_authority, "$1@"), as_parameter, "$1");
}

}  // namespace tern::app
