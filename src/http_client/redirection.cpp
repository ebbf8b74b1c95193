#include "http_client/redirection.hpp"

#include "http_client/request_text.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace tern::http_client {

namespace {

enum class Kind { none, same_request, get_after_post, get };

Kind kind_of(int status) noexcept {
  switch (status) {
    case 301:
    case 302:
      return Kind::get_after_post;
    case 303:
      return Kind::get;
    case 307:
    case 308:
      return Kind::same_request;
    default:
      return Kind::none;
  }
}

bool is_safe(const HttpRequest& request) noexcept {
  return (request.method == "GET" || request.method == "HEAD") && request.body.empty();
}

void become_get(HttpRequest& request) {
  request.method = "GET";
  request.body.clear();
  for (const char* name : {"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"}) {
    request.headers.remove(name);
  }
}

HttpHeaders for_strangers(const HttpHeaders& headers) {
  constexpr std::array<std::string_view, 3> harmless{"Accept", "Accept-Language", "User-Agent"};
  std::vector<HttpHeaders::Header> kept;
  for (const auto& header : headers.all()) {
    if (std::any_of(harmless.begin(), harmless.end(), [&](auto name) { return same_name(header.first, name); })) {
      kept.push_back(header);
    }
  }
  return HttpHeaders(std::move(kept));
}

}  // namespace

bool follow_redirect(HttpRequest& request, Target& target, int status, std::string_view location) {
  const Kind kind = kind_of(status);
  if (kind == Kind::none || location.empty()) {
    return false;
  }
  auto next = target_of_redirect(target, location);
  if (!next || (target.tls && !next->tls)) {
    return false;
  }
  const bool gets =
      (kind == Kind::get && request.method != "HEAD") || (kind == Kind::get_after_post && request.method == "POST");
  if (next->origin != target.origin) {
    if (!gets && !is_safe(request)) {
      return false;
    }
    request.headers = for_strangers(request.headers);
  }
  if (gets) {
    become_get(request);
  }
  target = std::move(*next);
  return true;
}

}  // namespace tern::http_client
