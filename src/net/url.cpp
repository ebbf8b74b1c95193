#include "net/url.hpp"

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace tern::net {

namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr bool is_letter(char c) noexcept {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

bool iequals(std::string_view text, std::string_view lower_case) noexcept {
  if (text.size() != lower_case.size()) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lower_case[i]) {
      return false;
    }
  }
  return true;
}

/// The characters of a path (RFC 3986 `pchar`, "/" and "%").
constexpr auto path_characters = [] {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("-._~!$&'()*+,;=:@/%")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  for (int c = 0; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    allowed[static_cast<std::size_t>(c)] =
        allowed[static_cast<std::size_t>(c)] || is_digit(letter) || is_letter(letter);
  }
  return allowed;
}();

/// One dot may end the name. No other part may be empty: OpenSSL takes a name that begins with a dot for all names
/// below it.
bool is_host_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > 253 || host.starts_with('.') || host.find("..") != std::string_view::npos) {
    return false;
  }
  for (const char c : host) {
    if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_') {
      return false;
    }
  }
  return true;
}

bool is_ipv6(std::string_view host) noexcept {
  if (host.find('%') != std::string_view::npos || host.size() > 45) {
    return false;  // a zone has a meaning on one machine only
  }
  boost::system::error_code ec;
  boost::asio::ip::make_address_v6(host, ec);
  return !ec;
}

/// Whether the host is 127.x.x.x: four decimal parts without leading zeros. False for every other spelling.
bool is_127(std::string_view host) noexcept {
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = part < 3 ? host.find('.') : host.size();
    if (end == std::string_view::npos || end == 0 || end > 3 || (end > 1 && host[0] == '0')) {
      return false;
    }
    unsigned value = 0;
    const auto [stop, error] = std::from_chars(host.data(), host.data() + end, value);
    if (error != std::errc{} || stop != host.data() + end || value > 255 || (part == 0 && value != 127)) {
      return false;
    }
    host.remove_prefix(part < 3 ? end + 1 : end);
  }
  return host.empty();
}

constexpr std::uint16_t default_port(bool tls) noexcept {
  return tls ? 443 : 80;
}

/// Parses the text between the scheme and the path. nullptr when it is well-formed, otherwise the end of a sentence
/// that says what is wrong.
const char* parse_authority(std::string_view authority, Origin& url) {
  if (authority.find('@') != std::string_view::npos) {
    return "carries a user name";
  }
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos || !is_ipv6(authority.substr(1, close - 1))) {
      return "has a malformed IPv6 address";
    }
    url.host = authority.substr(1, close - 1);
    url.ipv6 = true;
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    rest = authority.substr(colon);
    if (!is_host_name(url.host)) {
      return "has no valid host";
    }
  }
  url.port = default_port(url.tls);
  if (rest.empty() || rest == ":") {
    return nullptr;
  }
  unsigned port = 0;
  const auto [stop, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
  if (rest.front() != ':' || error != std::errc{} || stop != rest.data() + rest.size() || port == 0 || port > 65'535) {
    return "has no valid port";
  }
  url.port = static_cast<std::uint16_t>(port);
  return nullptr;
}

}  // namespace

const char* parse_origin(std::string_view text, Origin& into, std::string_view& rest) {
  if (text.size() > 7 && iequals(text.substr(0, 7), "http://")) {
    into.tls = false;
    text.remove_prefix(7);
  } else if (text.size() > 8 && iequals(text.substr(0, 8), "https://")) {
    into.tls = true;
    text.remove_prefix(8);
  } else {
    return "is no http or https URL";
  }
  const std::size_t end = std::min(text.find_first_of("/?#\\"), text.size());
  rest = text.substr(end);
  return parse_authority(text.substr(0, end), into);
}

std::size_t path_length(std::string_view text) noexcept {
  const auto other =
      std::find_if(text.begin(), text.end(), [](char c) { return !path_characters[static_cast<unsigned char>(c)]; });
  return static_cast<std::size_t>(other - text.begin());
}

bool is_loopback(const Origin& url) noexcept {
  if (url.ipv6) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address_v6(url.host, ec);
    return !ec && address.is_loopback();
  }
  return iequals(url.host, "localhost") || is_127(url.host);
}

void origin_of(const Origin& url, std::string& into) {
  into.assign(url.tls ? "https://" : "http://");
  if (url.ipv6) {
    into.push_back('[');
  }
  for (const char c : url.host) {
    into.push_back(lower(c));
  }
  if (url.ipv6) {
    into.push_back(']');
  }
  std::array<char, 6> digits{};
  const auto [stop, error] = std::to_chars(digits.data(), digits.data() + digits.size(), url.port);
  into.append(":").append(digits.data(), stop);
}

std::string host_name_of(const Origin& url) {
  std::string name(url.host);
  std::transform(name.begin(), name.end(), name.begin(), lower);
  return name;
}

std::string host_header_of(const Origin& url) {
  std::string text;
  origin_of(url, text);
  text.erase(0, text.find("//") + 2);
  if (url.port == default_port(url.tls)) {
    text.erase(text.rfind(':'));
  }
  return text;
}

}  // namespace tern::net
