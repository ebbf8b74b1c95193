#pragma once

#include "http/http_types.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace tern::http {

/// Finds the handler for a request by method and exact path. One trailing slash makes no difference.
///
/// HEAD goes where GET goes. OPTIONS is answered 204 with Allow, unless a handler is registered for it; of `*`, which
/// is the server as a whole, 200. An unknown path is answered 404, a known one with another method 405 with Allow.
///
/// Lifetime: the handlers outlive the router.
/// Thread safety: `handle` from any thread once the last `add` has returned.
class Router final : public HttpHandler {
 public:
  /// `path` begins with `/`. A second handler for the same method and path is an error.
  /// Errors: `errc::invalid_argument`.
  void add(Method method, std::string path, HttpHandler& handler);
  void add(std::initializer_list<Method> methods, std::string path, HttpHandler& handler);

  /// `handler` gets every request, whatever its method, for `path` and what lies below it, unless an exact path above
  /// takes it. It answers 404, 405 and OPTIONS by itself.
  void add_below(std::string path, HttpHandler& handler);

  awaitable<HttpResponse> handle(HttpRequest& request) override;

 private:
  struct Entry {
    Method method;
    HttpHandler* handler;
  };
  struct Route {
    std::string path;  // without trailing slash
    std::vector<Entry> entries;
  };

  Route* find(std::string_view path) noexcept;
  HttpResponse about_all() const;

  struct Tree {
    std::string path;  // without trailing slash
    HttpHandler* handler;
  };

  std::vector<Tree> trees_;
  std::vector<Route> routes_;  // few: comparing them costs less than hashing
};

}  // namespace tern::http
