#include "http_client/target.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include <algorithm>

namespace tern::http_client {

namespace {

bool may_stand_in_url(char c) noexcept {
  static constexpr std::string_view never = "\"#<>\\^`{|}";
  return c > ' ' && c <= '~' && never.find(c) == std::string_view::npos;
}

bool is_hex_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/// Whether each % stands before two hexadecimal digits.
bool has_whole_escapes(std::string_view text) noexcept {
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (text.size() - at < 3 || !is_hex_digit(text[at + 1]) || !is_hex_digit(text[at + 2])) {
      return false;
    }
  }
  return true;
}

/// The same URL with %XX for the brackets behind its path. Queries have them although RFC 3986 does not allow it.
std::string with_escaped_brackets(std::string_view url) {
  const auto end_of_path = std::min(url.find_first_of("?#"), url.size());
  std::string out(url.substr(0, end_of_path));
  for (const char c : url.substr(end_of_path)) {
    if (c == '[' || c == ']') {
      out.append(c == '[' ? "%5B" : "%5D");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace

boost::system::result<Target, TargetError> parse_target(std::string_view url) {
  net::Origin origin;
  std::string_view rest;
  if (const char* wrong = net::parse_origin(url, origin, rest)) {
    return TargetError{wrong};
  }
  rest = rest.substr(0, rest.find('#'));
  if (!std::all_of(rest.begin(), rest.end(), may_stand_in_url)) {
    return TargetError{"has a character that a URL must write as %XX"};
  }
  if (rest.substr(0, rest.find('?')).find_first_of("[]") != std::string_view::npos) {
    return TargetError{"has a [ or ] in its path, which a URL must write as %5B and %5D"};
  }
  if (!has_whole_escapes(rest)) {
    return TargetError{"has a % without two hexadecimal digits behind it; the sign itself is written as %25"};
  }
  Target target;
  target.tls = origin.tls;
  target.ipv6 = origin.ipv6;
  target.port = origin.port;
  target.name = net::host_name_of(origin);
  net::origin_of(origin, target.origin);
  target.header = net::host_header_of(origin);
  target.path = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return target;
}

std::optional<Target> target_of_redirect(const Target& from, std::string_view location) {
  const std::string here = with_escaped_brackets(from.origin + from.path);
  const std::string there = with_escaped_brackets(location);
  const auto base = boost::urls::parse_uri(here);
  const auto reference = boost::urls::parse_uri_reference(there);
  boost::urls::url led;
  if (!base || !reference || boost::urls::resolve(*base, *reference, led).has_error()) {
    return std::nullopt;
  }
  auto target = parse_target(std::string_view(led.buffer().data(), led.buffer().size()));
  return target ? std::optional(std::move(*target)) : std::nullopt;
}

}  // namespace tern::http_client
