#include "app/own_routes.hpp"

#include "async/describe_error.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace tern::app {

namespace {

struct NamedMethod {
  std::string_view name;
  http::Method method;
};
constexpr std::array methods{NamedMethod{"GET", http::Method::get},    NamedMethod{"POST", http::Method::post},
                             NamedMethod{"PUT", http::Method::put},    NamedMethod{"PATCH", http::Method::patch},
                             NamedMethod{"DELETE", http::Method::del}, NamedMethod{"OPTIONS", http::Method::options},
                             NamedMethod{"HEAD", http::Method::head}};

std::string_view name_of(http::Method method) noexcept {
  const auto* found =
      std::find_if(methods.begin(), methods.end(), [method](const auto& m) { return m.method == method; });
  return found == methods.end() ? std::string_view() : found->name;
}

class Request final : public WebRequest {
 public:
  explicit Request(http::HttpRequest& request) : request_(request) {}
  std::string_view method() const noexcept override { return name_of(request_.method()); }
  std::string_view path() const noexcept override { return request_.path(); }
  std::string_view query() const noexcept override { return request_.query(); }
  std::optional<std::string_view> header(std::string_view name) const noexcept override {
    return request_.header(name);
  }
  std::string_view body() const noexcept override { return request_.body(); }
  std::string_view peer() const noexcept override { return request_.peer(); }

 private:
  http::HttpRequest& request_;
};

// Whether the text can stand in a header without beginning another one.
bool is_field(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

http::HttpResponse response_of(WebResponse from) {
  constexpr unsigned least_status = 200;
  constexpr unsigned most_status = 599;
  if (from.status < least_status || from.status > most_status) {
    throw_error(errc::invalid_argument, "A route of the bot answered with the status " + std::to_string(from.status) +
                                            "; allowed is 200 to 599.");
  }
  http::HttpResponse response(from.status, std::move(from.body));
  response.headers = std::move(from.headers);
  if (!from.content_type.empty()) {
    response.headers.emplace_back("Content-Type", std::move(from.content_type));
  }
  for (const auto& [name, value] : response.headers) {
    if (name.empty() || !is_field(name) || !is_field(value)) {
      throw_error(errc::invalid_argument,
                  "A route of the bot answered with a header that has no name, a line break or a NUL.");
    }
  }
  return response;
}

}  // namespace

class OwnRoutes::Handler final : public http::HttpHandler {
 public:
  Handler(WebHandler handler, const BotContext& context) : handler_(std::move(handler)), context_(context) {}

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override {
    const Request asked(request);
    std::exception_ptr error;
    try {
      auto response = co_await handler_(asked, context_);
      co_return response_of(std::move(response));
    } catch (...) {
      error = std::current_exception();
    }
    if (tern::detail::has_code(error, asio::error::operation_aborted)) {
      std::rethrow_exception(error);
    }
    log::error("a route of the bot failed", {{"path", request.path()}, {"error", tern::detail::message_of(error)}});
    co_return http::HttpResponse(500);
  }

 private:
  WebHandler handler_;
  const BotContext& context_;
};

OwnRoutes::OwnRoutes(const Routes& routes, const BotContext& context) {
  for (const auto& route : routes.all()) {
    const auto* found =
        std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m.name == route.method; });
    entries_.push_back({found == methods.end() ? http::Method::other : found->method, route.path,
                        std::make_unique<Handler>(route.handler, context)});
  }
}

OwnRoutes::~OwnRoutes() = default;

void OwnRoutes::add_to(http::Router& router) {
  for (const auto& entry : entries_) {
    if (entry.method == http::Method::other) {
      router.add_below(entry.path, *entry.handler);
    } else {
      router.add(entry.method, entry.path, *entry.handler);
    }
  }
}

}  // namespace tern::app

namespace tern {

namespace {

constexpr std::array<std::string_view, 4> paths_of_tern{"/api/messages", "/healthz", "/readyz", "/metrics"};

std::string_view without_slash(std::string_view path) noexcept {
  return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

bool is_below(std::string_view path, std::string_view above) noexcept {
  return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

[[noreturn]] void refuse(const Routes::Route& route, const std::string& why) {
  throw_error(errc::invalid_argument,
              "The route " + route.method + (route.method.empty() ? "" : " ") + route.path + " " + why);
}

}  // namespace

Routes& Routes::add(std::string method, std::string path, WebHandler handler) {
  constexpr std::array<std::string_view, 6> known{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  Route route{std::move(method), std::move(path), std::move(handler)};
  if (std::find(known.begin(), known.end(), route.method) == known.end()) {
    refuse(route, "has a method that is none of GET, POST, PUT, PATCH, DELETE and OPTIONS.");
  }
  return add_route(std::move(route));
}

Routes& Routes::add_below(std::string path, WebHandler handler) {
  return add_route({"", std::move(path), std::move(handler)});
}

// `add_below` may take a path above Tern's own paths, because the router looks for exact paths first.
Routes& Routes::add_route(Route route) {
  if (!route.path.starts_with('/') || route.path.find('?') != std::string::npos) {
    refuse(route, "is no path: it begins with / and has no query.");
  }
  if (!route.handler) {
    refuse(route, "has no handler.");
  }
  const auto path = without_slash(route.path);
  if (route.method.empty() && path == "/") {
    refuse(route, "would take every request. Choose a path below it.");
  }
  if (is_below(path, "/proactive") || is_below(path, "/v3/directline") ||
      std::find(paths_of_tern.begin(), paths_of_tern.end(), path) != paths_of_tern.end()) {
    refuse(route, "is Tern's own. Choose another path.");
  }
  if (std::any_of(routes_.begin(), routes_.end(), [&](const Route& other) {
        return other.method == route.method && without_slash(other.path) == path;
      })) {
    refuse(route, "was added twice.");
  }
  routes_.push_back(std::move(route));
  return *this;
}

}  // namespace tern
