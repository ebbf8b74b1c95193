#include "direct_line/page.hpp"

#include "direct_line/origins.hpp"
#include "direct_line/page_text.hpp"
#include "direct_line/random_text.hpp"
#include "direct_line/refusal.hpp"
#include "http/client_group.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace tern::direct_line {

namespace {

namespace json = boost::json;

constexpr std::string_view html_type = "text/html; charset=utf-8";
constexpr std::string_view place_of_nonce = "{{nonce}}";
constexpr std::string_view path_of_page = "/chat";
constexpr std::string_view path_of_token = "/chat/token";
constexpr std::string_view path_of_style = "/chat/chat.css";
constexpr std::string_view path_of_script = "/chat/chat.js";
constexpr std::string_view path_of_web_chat = "/chat/webchat.js";
constexpr std::size_t remembered_addresses = 10'000;

// Whether a page of this server asks, as its browser says. Other programs can say anything, and gain nothing by it.
bool is_from_own_page(const http::HttpRequest& request) {
  if (request.header("sec-fetch-site")) {
    return request.only_header("sec-fetch-site") == "same-origin";
  }
  const auto origin = request.only_header("origin");  // a browser before 2023, or HTTP without TLS
  const auto host = request.only_header("host");
  return origin && host && OriginRule({}).allows(*origin, *host, {});
}

// Web sockets of this server, for browsers whose 'self' has none. Empty for a host that cannot stand in a policy.
std::string own_sockets(std::string_view host) {
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '[' || c == ']';
  });
  return host.empty() || !plain ? std::string() : " ws://" + std::string(host) + " wss://" + std::string(host);
}

// Nothing of another host, nothing inline, no frame around it. `blob:` is what Web Chat makes of files that the user
// sends; its styles are made at run time and have the nonce.
std::string policy(std::string_view nonce, std::string_view host) {
  std::string text = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-";
  text += nonce;
  text += "'; connect-src 'self' blob:";
  text += own_sockets(host);
  text +=
      "; img-src 'self' data: blob:; media-src 'self' blob:; worker-src blob:; form-action 'none'; base-uri 'none'; "
      "frame-ancestors 'none'";
  return text;
}

/// The request for a token: `token`, the old one of the page, or nothing. nullopt when the body is not such an object.
std::optional<std::string> old_token(std::string_view body) {
  if (body.empty()) {
    return std::string();
  }
  const auto value = parse_json(body);
  const auto* object = value ? value->if_object() : nullptr;
  if (object == nullptr) {
    return std::nullopt;
  }
  const auto* token = object->if_contains("token");
  if (token == nullptr || token->is_null()) {
    return std::string();
  }
  return token->is_string() && !token->get_string().empty() ? std::optional(std::string(token->get_string()))
                                                            : std::nullopt;
}

}  // namespace

Page::Page(Tokens tokens, std::optional<PageFile> web_chat, Clock& clock)
    : tokens_(std::move(tokens)),
      clock_(clock),
      rates_(tokens_per_second, remembered_addresses),
      html_before_(page_html.substr(0, page_html.find(place_of_nonce))),
      html_behind_(page_html.substr(page_html.find(place_of_nonce) + place_of_nonce.size())),
      style_(make_page_file("text/css; charset=utf-8", std::string(page_style))),
      script_(make_page_file("text/javascript; charset=utf-8", std::string(page_script))),
      web_chat_(std::move(web_chat)) {}

void Page::add_to(http::Router& router) {
  for (const auto path : {path_of_page, path_of_style, path_of_script, path_of_web_chat}) {
    router.add(http::Method::get, std::string(path), *this);
  }
  router.add(http::Method::post, std::string(path_of_token), *this);
}

awaitable<http::HttpResponse> Page::handle(http::HttpRequest& request) {
  auto path = request.path();
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  if (path == path_of_token) {
    http::HttpResponse response;
    try {
      response = token(request);
    } catch (const Refusal& refused) {
      response = refused.response();
    }
    response.headers.emplace_back("Cache-Control", "no-store");
    co_return response;
  }
  if (path == path_of_style) {
    co_return serve(style_, request);
  }
  if (path == path_of_script) {
    co_return serve(script_, request);
  }
  if (path == path_of_page) {
    co_return html(request);
  }
  if (!web_chat_) {
    co_return Refusal(404, "NotFound",
                      "Web Chat is not there: ./dev web-chat brings it, and direct_line.page_folder says where it is.")
        .response();
  }
  co_return serve(*web_chat_, request);
}

http::HttpResponse Page::html(const http::HttpRequest& request) const {
  const auto nonce = random_text(id_bytes);
  http::HttpResponse response(200, html_before_ + nonce + html_behind_, html_type);
  response.headers = {
      {"Content-Security-Policy", policy(nonce, request.only_header("host").value_or(""))},
      {"Cache-Control", "no-store"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"},
  };
  return response;
}

http::HttpResponse Page::token(http::HttpRequest& request) {
  if (!is_from_own_page(request)) {
    throw Refusal(403, "NotThePage",
                  "Tokens of the page are for the page itself: a browser must say that the request comes from this "
                  "origin. A proxy must pass on Host, Origin and Sec-Fetch-Site. Other sites ask for tokens with the "
                  "secret.");
  }
  if (rates_.take(http::client_group(request.peer()), clock_.now())) {
    throw Refusal(429, "TooManyRequests", "This address has asked for too many tokens. Try again.",
                  std::chrono::seconds(1));
  }
  const auto old = old_token(request.body());
  if (!old) {
    throw Refusal(400, "BadArgument", "The body must be a JSON object, with the token of the page or without.");
  }
  const auto* maker = tokens_();
  if (maker == nullptr) {
    throw Refusal(503, "ServiceUnavailable", "The bot is about to start. Try again.", std::chrono::seconds(1));
  }
  return token(*maker, request, *old);
}

http::HttpResponse Page::token(const TokenMaker& maker, const http::HttpRequest& request, std::string_view old) const {
  const auto now = clock_.wall_now();
  TokenClaims claims;
  if (old.empty()) {
    claims.conversation = random_text(id_bytes);
    claims.user = "dl_" + random_text(id_bytes);
    claims.page = true;
    if (auto origin = parse_origin(request.only_header("origin").value_or(""))) {
      claims.origins.push_back(std::move(*origin));  // pages elsewhere cannot use the token
    }
  } else {
    auto known = maker.read(old, now - renewable).claims;
    if (!known || !known->page) {
      throw Refusal(403, "TokenNotRenewable", "This token is none of the page, or has expired more than a week ago.");
    }
    claims = std::move(*known);
  }
  json::object body{
      {"conversationId", claims.conversation}, {"userId", claims.user}, {"expires_in", maker.lifetime().count()}};
  body["token"] = maker.make(std::move(claims), now);
  return http::HttpResponse(200, json::serialize(body), json_type);
}

}  // namespace tern::direct_line
