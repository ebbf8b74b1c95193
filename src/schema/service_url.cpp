#include "schema/service_url.hpp"

#include <boost/url/parse.hpp>

#include <charconv>
#include <cstdint>

namespace tern::detail {
namespace {

constexpr bool is_alnum(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Removes the characters at the front of `text` that `wanted` accepts, and returns their number.
template <class Wanted>
std::size_t take_while(std::string_view& text, Wanted wanted) noexcept {
  std::size_t count = 0;
  while (count < text.size() && wanted(text[count])) {
    ++count;
  }
  text.remove_prefix(count);
  return count;
}

/// Whether the text is a number from 1 to 65535, with nothing but digits.
bool is_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

}  // namespace

bool is_plain_service_url(std::string_view text) noexcept {
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return false;
  }
  if (take_while(text, [](char c) { return is_alnum(c) || c == '-' || c == '.'; }) == 0) {
    return false;
  }
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    const std::string_view port = text;
    const std::size_t size = take_while(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_port(port.substr(0, size))) {
      return false;
    }
  }
  if (text.empty()) {
    return true;
  }
  if (text.front() != '/') {
    return false;
  }
  take_while(text, [](char c) { return is_alnum(c) || c == '/' || c == '-' || c == '.' || c == '_' || c == '~'; });
  return text.empty();
}

bool is_channel_address(std::string_view text) noexcept {
  constexpr std::size_t longest = 256;
  if (!is_in_process_address(text) || text.size() > longest) {
    return false;
  }
  int parts = 0;
  for (auto rest = text.substr(4);; ++parts) {  // behind "urn:"
    const auto size = take_while(rest, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
    if (size == 0) {
      return false;
    }
    if (rest.empty()) {
      return parts >= 1;
    }
    if (rest.front() != ':') {
      return false;
    }
    rest.remove_prefix(1);
  }
}

bool is_service_url(std::string_view text) noexcept {
  if (is_plain_service_url(text)) {
    return true;
  }
  const auto url = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
  if (url.has_error() || url->encoded_host().empty()) {
    return false;
  }
  if (url->scheme_id() != boost::urls::scheme::http && url->scheme_id() != boost::urls::scheme::https) {
    return false;
  }
  // Boost.URL 1.81 reads `http://host:8080x` as port 8080 and path `x`. A path behind an authority begins with a slash
  // (RFC 3986, 3.3).
  const auto path = url->encoded_path();
  if (!path.empty() && path.front() != '/') {
    return false;
  }
  // RFC 3986, 3.2.3, allows a colon without a port; it means the default port.
  return !url->has_port() || url->port().empty() || is_port(std::string_view(url->port().data(), url->port().size()));
}

}  // namespace tern::detail
