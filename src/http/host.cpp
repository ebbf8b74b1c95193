#include "http/host.hpp"

#include "http/ascii.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tern::http {

namespace {

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_address = 45;

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= longest_name && std::all_of(text.begin(), text.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::optional<boost::asio::ip::address_v6> address_in_brackets(std::string_view host) {
  if (host.size() < 2 || host.size() > longest_address + 2 || host.front() != '[' || host.back() != ']') {
    return std::nullopt;
  }
  const auto text = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address_v6(text, error);
  return error || text.find('%') != std::string_view::npos ? std::nullopt : std::optional(address);
}

std::optional<boost::asio::ip::address_v4> address_of_four(std::string_view host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address_v4(host, error);
  return error ? std::nullopt : std::optional(address);
}

// An empty port means the default one (RFC 3986, 3.2.3).
bool is_port(std::string_view text) noexcept {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (error == std::errc{} && end == text.data() + text.size() && port <= 65'535);
}

std::string_view without_last_dot(std::string_view host) noexcept {
  return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

bool is_below(std::string_view host, std::string_view name) noexcept {
  return host.size() > name.size() + 1 && host[host.size() - name.size() - 1] == '.' &&
         same_text(host.substr(host.size() - name.size()), name);
}

}  // namespace

std::optional<std::string_view> host_of(std::string_view authority) {
  const bool in_brackets = authority.starts_with('[');
  const auto end = in_brackets ? authority.find(']') : std::string_view::npos;
  const auto colon = authority.find(':', in_brackets && end != std::string_view::npos ? end : 0);
  const auto host = authority.substr(0, colon);
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) {
    return std::nullopt;
  }
  return is_name(host) || address_in_brackets(host) ? std::optional(host) : std::nullopt;
}

bool is_loopback_host(std::string_view host) {
  if (const auto six = address_in_brackets(host)) {
    return six->is_loopback();
  }
  host = without_last_dot(host);
  if (same_text(host, "localhost") || is_below(host, "localhost")) {
    return true;
  }
  const auto four = address_of_four(host);
  return four && four->is_loopback();
}

std::optional<std::vector<std::string>> parse_host_list(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    auto part = text.substr(0, end);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    part = part.substr(0, part.find_last_not_of(' ') + 1);  // npos + 1 is 0
    const auto name = part.starts_with("*.") ? part.substr(2) : part;
    if (!is_name(name) && !(name.size() == part.size() && address_in_brackets(name))) {
      return std::nullopt;
    }
    names.emplace_back(without_last_dot(part));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

ServedHosts ServedHosts::loopback_and(std::vector<std::string> names) {
  ServedHosts hosts;
  hosts.every_ = false;
  hosts.names_ = std::move(names);
  return hosts;
}

ServedHosts ServedHosts::addresses_and(std::vector<std::string> names) {
  ServedHosts hosts = loopback_and(std::move(names));
  hosts.addresses_ = true;
  return hosts;
}

bool ServedHosts::serves(std::string_view host) const {
  if (every_ || is_loopback_host(host)) {
    return true;
  }
  if (addresses_ && (address_in_brackets(host) || address_of_four(host))) {
    return true;
  }
  const auto plain = without_last_dot(host);
  return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
    return name.starts_with("*.") ? is_below(plain, std::string_view(name).substr(2)) : same_text(plain, name);
  });
}

ServedHosts::Verdict ServedHosts::judge(std::string_view authority) {
  if (!last_.empty() && authority == last_) {
    return Verdict::served;
  }
  const auto host = host_of(authority);
  if (!host) {
    return Verdict::malformed;
  }
  if (!serves(*host)) {
    return Verdict::other;
  }
  last_ = authority;
  return Verdict::served;
}

}  // namespace tern::http
