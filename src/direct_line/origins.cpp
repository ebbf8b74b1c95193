#include "direct_line/origins.hpp"

#include <algorithm>

namespace tern::direct_line {

namespace {

constexpr std::string_view every_origin = "*";
constexpr std::size_t longest_origin = 256;

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return small;
}

std::string_view without_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

// The host of an origin with its port, without the port that the scheme has anyway.
std::string_view host_of(std::string_view origin) {
  constexpr std::string_view http = "http://";
  constexpr std::string_view https = "https://";
  const bool secure = origin.starts_with(https);
  origin.remove_prefix(secure ? https.size() : http.size());
  const std::string_view usual = secure ? ":443" : ":80";
  return origin.ends_with(usual) ? origin.substr(0, origin.size() - usual.size()) : origin;
}

bool contains(const std::vector<std::string>& origins, const std::string& origin) {
  return std::find(origins.begin(), origins.end(), origin) != origins.end();
}

}  // namespace

std::optional<std::string> parse_origin(std::string_view text) {
  auto origin = in_small_letters(text);
  if (origin.ends_with('/')) {
    origin.pop_back();
  }
  if (!origin.starts_with("http://") && !origin.starts_with("https://")) {
    return std::nullopt;
  }
  const auto host = std::string_view(origin).substr(origin.find("://") + 3);
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
  if (host.empty() || host.front() == ':' || !plain || origin.size() > longest_origin) {
    return std::nullopt;
  }
  return origin;
}

std::optional<std::vector<std::string>> parse_origin_list(std::string_view listed) {
  std::vector<std::string> origins;
  while (!listed.empty()) {
    const auto comma = std::min(listed.find(','), listed.size());
    const auto one = without_blanks(listed.substr(0, comma));
    listed.remove_prefix(std::min(comma + 1, listed.size()));
    if (one == every_origin) {
      origins.emplace_back(one);
    } else if (auto origin = parse_origin(one)) {
      origins.push_back(std::move(*origin));
    } else if (!one.empty()) {
      return std::nullopt;
    }
  }
  return origins;
}

bool OriginRule::allows(std::string_view origin, std::string_view host,
                        const std::vector<std::string>& of_token) const {
  const auto known = parse_origin(origin);
  if (!known) {
    return false;
  }
  if (!of_token.empty()) {
    return contains(of_token, *known);
  }
  const auto own = in_small_letters(host);
  const bool is_own =
      !own.empty() && (host_of("http://" + own) == host_of(*known) ||
                       (known->starts_with("https://") && host_of("https://" + own) == host_of(*known)));
  return is_own || contains(listed_, *known) || contains(listed_, std::string(every_origin));
}

}  // namespace tern::direct_line
