#include "connector/redirect.hpp"

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
  auto place = std::string(location.substr(0, mark));
  if (place.starts_with('/') && !place.starts_with("//")) {
    place.insert(0, origin);
  }
  const auto to = parse_service_url(place);
  if (!from || !to || !may_follow(*from, *to) || !is_query(query)) {
    return std::nullopt;
  }
  Redirect redirect;
  origin_of(*to, redirect.origin);
  // The path as it stands there: a slash at its end may be what the redirect is about.
  const auto begin = place.find('/', place.find("://") + 3);
  redirect.target = begin == std::string::npos ? "/" : place.substr(begin);
  redirect.target.append(query);
  return redirect;
}

}  // namespace tern::connector
