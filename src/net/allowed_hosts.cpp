#include "net/allowed_hosts.hpp"

#include "net/address_kind.hpp"

#include <algorithm>
#include <utility>

namespace tern::net {

namespace {

constexpr std::string_view any_below = "*.";

std::string_view without_spaces(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);  // npos + 1 is 0
}

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_host(std::string_view host, std::string_view name) noexcept {
  return std::equal(host.begin(), host.end(), name.begin(), name.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool is_below(std::string_view host, std::string_view name) noexcept {
  return host.size() > name.size() + 1 && host[host.size() - name.size() - 1] == '.' &&
         same_host(host.substr(host.size() - name.size()), name);
}

std::optional<boost::asio::ip::address> address_of(std::string_view host) noexcept {
  boost::system::error_code no_address;
  const auto address = boost::asio::ip::make_address(host, no_address);
  return no_address ? std::nullopt : std::optional(address);
}

// Some readers take a name for an IPv4 address when its last part is a number, as "127.1" or "0x7f.0.0.1".
bool may_pass_for_address(std::string_view name) noexcept {
  const auto last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  return last.starts_with("0x") || last.find_first_not_of("0123456789") == std::string_view::npos;
}

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!same_host(text.substr(0, prefix.size()), prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

bool is_inside(AddressKind kind) noexcept {
  return kind == AddressKind::loopback || kind == AddressKind::private_use || kind == AddressKind::shared;
}

}  // namespace

std::optional<AllowedHosts> AllowedHosts::parse(std::string_view list) {
  AllowedHosts made;
  if (without_spaces(list).empty()) {
    return made;
  }
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(',', begin), list.size());
    auto entry = parse_one(without_spaces(list.substr(begin, end - begin)));
    if (!entry) {
      return std::nullopt;
    }
    made.entries_.push_back(std::move(*entry));
    begin = end + 1;
  }
  return made;
}

std::optional<AllowedHosts::Entry> AllowedHosts::parse_one(std::string_view text) {
  Entry entry;
  entry.plain = take_prefix(text, "http://");
  if (!entry.plain) {
    take_prefix(text, "https://");
  }
  entry.below = take_prefix(text, any_below);
  const auto url = "https://" + std::string(text);
  Origin host;
  std::string_view rest;
  if (parse_origin(url, host, rest) != nullptr || !rest.empty() || host.host.ends_with('.') || text.ends_with(':')) {
    return std::nullopt;
  }
  entry.name = host_name_of(host);
  entry.address = address_of(entry.name);
  if (entry.below ? entry.address.has_value() : !entry.address && may_pass_for_address(entry.name)) {
    return std::nullopt;
  }
  if (entry.address && kind_of(*entry.address) == AddressKind::unspecified) {
    return std::nullopt;
  }
  const bool has_port = text.find(':', host.ipv6 ? text.find(']') : 0) != std::string_view::npos;
  entry.port = has_port ? host.port : 0;
  return entry;
}

void AllowedHosts::add_public(std::string_view host) {
  Entry entry;
  entry.below = take_prefix(host, any_below);
  entry.name = host;
  entry.anywhere = false;
  entries_.push_back(std::move(entry));
}

bool AllowedHosts::names(const Entry& entry, std::string_view host, std::uint16_t port) noexcept {
  if (entry.port != 0 && entry.port != port) {
    return false;
  }
  if (entry.address) {
    return address_of(host) == entry.address;
  }
  return entry.below ? is_below(host, entry.name) : same_host(host, entry.name);
}

AllowedHosts::Verdict AllowedHosts::judge(const Origin& url) const noexcept {
  auto verdict = Verdict::unknown;
  for (const auto& entry : entries_) {
    if (names(entry, url.host, url.port)) {
      if (url.tls || entry.plain) {
        return Verdict::allowed;
      }
      verdict = Verdict::https_only;
    }
  }
  return verdict;
}

bool AllowedHosts::may_connect(std::string_view name, const boost::asio::ip::tcp::endpoint& where) const noexcept {
  const auto kind = kind_of(where.address());
  if (kind == AddressKind::global) {
    return true;
  }
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    if (entry.address) {
      return (entry.port == 0 || entry.port == where.port()) && *entry.address == where.address();
    }
    return is_inside(kind) && entry.anywhere && !entry.below && names(entry, name, where.port());
  });
}

}  // namespace tern::net
