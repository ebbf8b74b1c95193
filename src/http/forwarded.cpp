#include "http/forwarded.hpp"

#include "http/ascii.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace tern::http {

namespace {

constexpr std::size_t longest_port = 5;
constexpr std::size_t most_parameters = 16;  // of an element; there are four names

bool is_letter_or_digit(char c) noexcept {
  const char l = lower(c);
  return is_digit(c) || (l >= 'a' && l <= 'z');
}

bool is_token_char(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_obfuscated(std::string_view text) noexcept {
  return text.size() > 1 && text.front() == '_' && std::all_of(text.begin() + 1, text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_node_port(std::string_view text) noexcept {
  return is_obfuscated(text) ||
         (!text.empty() && text.size() <= longest_port && std::all_of(text.begin(), text.end(), is_digit));
}

std::optional<asio::ip::address> address_in(std::string_view text) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(text, error);
  return error || text.find('%') != std::string_view::npos ? std::nullopt : std::optional(unmapped(address));
}

void skip_space(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

std::string_view take_token(std::string_view& text) noexcept {
  const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
  const auto token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(token.size());
  return token;
}

// After the opening quote. nullopt without a closing one.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (c == '"') {
      return value;
    }
    if (c == '\\') {
      if (text.empty()) {
        return std::nullopt;
      }
      c = text.front();
      text.remove_prefix(1);
    }
    value += c;
  }
  return std::nullopt;
}

std::optional<std::string> take_value(std::string_view& text) {
  if (text.starts_with('"')) {
    text.remove_prefix(1);
    return take_quoted(text);
  }
  const auto token = take_token(text);
  return token.empty() ? std::nullopt : std::optional(std::string(token));
}

/// An element of `Forwarded`: pairs of a name and a value.
class Element {
 public:
  /// False when it is malformed.
  bool read(std::string_view& text) {
    for (;;) {
      skip_space(text);
      if (!text.empty() && text.front() != ';' && text.front() != ',' && !read_pair(text)) {
        return false;
      }
      skip_space(text);
      if (text.empty() || text.front() == ',') {
        return true;
      }
      if (text.front() != ';') {
        return false;
      }
      text.remove_prefix(1);
    }
  }
  bool empty() const noexcept { return names_.empty(); }
  const ForwardedNode& node() const noexcept { return node_; }

 private:
  bool read_pair(std::string_view& text) {
    const auto name = take_token(text);
    if (name.empty() || !text.starts_with('=') || names_.size() == most_parameters || has(name)) {
      return false;
    }
    names_.push_back(name);
    text.remove_prefix(1);
    const auto value = take_value(text);
    if (!value || !same_text(name, "for")) {
      return value.has_value();
    }
    const auto node = parse_forwarded_node(*value);
    // Outside X-Forwarded-For an IPv6 address has brackets.
    if (!node || (*node && (*node)->is_v6() && !value->starts_with('['))) {
      return false;
    }
    node_ = *node;
    return true;
  }
  bool has(std::string_view name) const noexcept {
    return std::any_of(names_.begin(), names_.end(), [&](std::string_view n) { return same_text(n, name); });
  }

  std::vector<std::string_view> names_;
  ForwardedNode node_;
};

// The entries are split from the right, so that what a client has put in front matters to nobody.
Hop client_by_x_forwarded_for(Hop hop, std::string_view text, const TrustedProxies& proxies) {
  for (bool more = true; more && proxies.trusts(hop);) {
    const auto comma = text.rfind(',');
    auto entry = text.substr(comma == std::string_view::npos ? 0 : comma + 1);
    more = comma != std::string_view::npos;
    text = text.substr(0, more ? comma : 0);
    skip_space(entry);
    entry = entry.substr(0, entry.find_last_not_of(" \t") + 1);
    if (entry.empty()) {
      continue;  // RFC 9110, 5.6.1.2: an empty element of a list is none
    }
    const auto node = parse_forwarded_node(entry);
    if (!node || !*node) {
      break;
    }
    hop = **node;
  }
  return hop;
}

Hop client_by_forwarded(const Hop& peer, std::string_view text, const TrustedProxies& proxies) {
  const auto nodes = parse_forwarded(text);
  if (!nodes) {
    return peer;
  }
  Hop hop = peer;
  for (auto at = nodes->rbegin(); at != nodes->rend() && *at && proxies.trusts(hop); ++at) {
    hop = **at;
  }
  return hop;
}

}  // namespace

std::optional<ForwardedNode> parse_forwarded_node(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    const auto address = end == std::string_view::npos ? std::nullopt : address_in(text.substr(1, end - 1));
    // The text between the brackets must be IPv6, also when it is an IPv4 address that is mapped.
    if (!address || text.substr(0, end).find(':') == std::string_view::npos) {
      return std::nullopt;
    }
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_node_port(rest.substr(1)))) {
      return std::nullopt;
    }
    return ForwardedNode(address);
  }
  if (const auto address = address_in(text)) {
    return ForwardedNode(address);
  }
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  if (colon != std::string_view::npos && !is_node_port(text.substr(colon + 1))) {
    return std::nullopt;
  }
  if (same_text(name, "unknown") || is_obfuscated(name)) {
    return ForwardedNode();
  }
  const auto address = address_in(name);
  if (!address || !address->is_v4()) {
    return std::nullopt;
  }
  return ForwardedNode(address);
}

std::optional<std::vector<ForwardedNode>> parse_forwarded(std::string_view text) {
  std::vector<ForwardedNode> nodes;
  while (!text.empty()) {
    Element element;
    if (!element.read(text)) {
      return std::nullopt;
    }
    if (!element.empty()) {
      nodes.push_back(element.node());
    }
    text.remove_prefix(std::min<std::size_t>(1, text.size()));  // the comma
  }
  return nodes;
}

Hop client_of(const Hop& peer, const ForwardedHeaders& headers, const TrustedProxies& proxies) {
  if (!proxies.trusts(peer)) {
    return peer;
  }
  const Hop forwarded = client_by_forwarded(peer, headers.forwarded, proxies);
  Hop x_forwarded_for = client_by_x_forwarded_for(peer, headers.x_forwarded_for, proxies);
  if (headers.forwarded.empty()) {
    return x_forwarded_for;
  }
  return headers.x_forwarded_for.empty() || forwarded == x_forwarded_for ? forwarded : peer;
}

}  // namespace tern::http
