#include "http_client/request_text.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <array>

namespace tern::http_client {

namespace {

// The client writes these itself, or does not speak of what they speak of.
constexpr std::array<std::string_view, 11> own_headers{
    "Host", "Content-Length", "Transfer-Encoding",   "Connection",      "Keep-Alive", "Upgrade", "Expect",
    "TE",   "Trailer",        "Proxy-Authorization", "Proxy-Connection"};

/// RFC 9110, 5.6.2.
bool is_token(std::string_view text) noexcept {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> texts) noexcept {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return small(x) == small(y); });
}

bool is_idempotent(std::string_view method) noexcept {
  return is_one_of(method, {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"});
}

void check_request(const HttpRequest& request, const Target& target) {
  const auto refuse = [&target](const std::string& what) {
    throw_error(errc::invalid_argument, "the request to " + target.origin + " " + what + "; nothing was sent");
  };
  if (!is_token(request.method) || same_name(request.method, "CONNECT")) {
    refuse("has a method that cannot be sent");
  }
  for (const auto& [name, value] : request.headers.all()) {
    if (!is_token(name)) {
      refuse("has a header whose name is malformed");
    }
    if (std::any_of(own_headers.begin(), own_headers.end(), [&](auto own) { return same_name(name, own); })) {
      refuse("sets the header " + name + ", which the client writes itself");
    }
    if (!is_value(value)) {
      refuse("has a control character in the header " + name);
    }
  }
}

std::string request_text(const HttpRequest& request, const Target& target, const net::Proxy* proxy,
                         std::string_view user_agent) {
  constexpr std::size_t other = 256;
  std::string out;
  out.reserve(other + target.path.size() + request.body.size());
  out.append(request.method).push_back(' ');
  if (proxy != nullptr) {
    out.append("http://").append(target.header);
  }
  out.append(target.path).append(" HTTP/1.1\r\n");
  append_header(out, "Host", target.header);
  if (proxy != nullptr && !proxy->authorization.empty()) {
    append_header(out, "Proxy-Authorization", proxy->authorization);
  }
  if (!request.headers.find("User-Agent")) {
    append_header(out, "User-Agent", user_agent);
  }
  if (!request.headers.find("Accept")) {
    append_header(out, "Accept", "*/*");
  }
  for (const auto& [name, value] : request.headers.all()) {
    append_header(out, name, value);
  }
  if (!request.body.empty() || is_one_of(request.method, {"POST", "PUT", "PATCH"})) {
    append_header(out, "Content-Length", std::to_string(request.body.size()));
  }
  append_header(out, "Connection", "keep-alive");
  out.append("\r\n").append(request.body);
  return out;
}

}  // namespace tern::http_client
