#include "connector/redirect.hpp"

#include <boost/url/parse.hpp>

#include <algorithm>

namespace tern::connector {

namespace {

constexpr std::size_t longest_location = 4'096;
constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

bool same_host(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool may_follow(const ServiceUrl& from, const ServiceUrl& to) noexcept {
  if (from.ipv6 != to.ipv6 || !same_host(from.host, to.host)) {
    return false;
  }
  const bool is_upgrade = !from.tls && to.tls && from.port == http_port && to.port == https_port;
  return is_upgrade || (from.tls == to.tls && from.port == to.port);
}

bool is_query(std::string_view text) noexcept {
  constexpr std::string_view never = "\"#<>[]\\^`{|}";
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return c > ' ' && c <= '~' && never.find(c) == std::string_view::npos; });
}

}  // namespace

std::optional<Redirect> redirect_of(std::string_view origin, std::string_view location) {
  if (location.empty() || location.size() > longest_location) {
    return std::nullopt;
  }
  const auto from = parse_service_url(origin);
  const auto mark = std::min(location.find('?'), location.size());
  const auto query = location.substr(mark);
  auto url = std::string(location.substr(0, mark));
  if (url.starts_with('/') && !url.starts_with("//")) {
    url.insert(0, origin);
  }
  const auto to = parse_service_url(url);
  if (!from || !to || !may_follow(*from, *to) || !is_query(query)) {
    return std::nullopt;
  }
  Redirect redirect;
  net::origin_of(*to, redirect.origin);
  // The path is not normalised, because the redirect may only add a slash at its end.
  const auto begin = url.find('/', url.find("://") + 3);
  redirect.target = begin == std::string::npos ? "/" : url.substr(begin);
  redirect.target.append(query);
  return redirect;
}

std::string_view host_in_location(std::string_view location) noexcept {
  constexpr std::string_view unreadable = "(unreadable)";
  constexpr std::size_t longest_host = 261;  // a DNS name, the colon and a port; an address in brackets is shorter
  const auto url = boost::urls::parse_uri_reference(location);
  if (!url) {
    return unreadable;
  }
  if (!url->has_authority()) {
    return "(none)";
  }
  const std::string_view host = url->encoded_host_and_port();
  return host.size() <= longest_host ? host : unreadable;
}

}  // namespace tern::connector
