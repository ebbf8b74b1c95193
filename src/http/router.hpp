#pragma once

#include "http/http_types.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace tern::http {

/// Finds the handler for a request by its method and its exact path. One slash at the end of the path does not matter.
///
/// HEAD goes to the handler of GET. OPTIONS is answered 204 with Allow, unless a handler is registered for it; OPTIONS
/// of
/// `*`, the server as a whole, is answered 200. An unknown path is answered 404, and a known path with another method
/// is answered 405 with Allow.
///
/// Lifetime: the handlers outlive the router.
/// Thread safety: `handle` from any thread once the last `add` has returned.
class Router final : public HttpHandler {
 public:
  /// `path` begins with `/`.
  /// Errors: `errc::invalid_argument` for another path, and for a second handler for the same method and path.
  void add(Method method, std::string path, HttpHandler& handler);
  void add(std::initializer_list<Method> methods, std::string path, HttpHandler& handler);

  /// `handler` gets every request for `path` and the paths below it, with any method, unless an exact path was added
  /// for it. The handler itself answers 404, 405 and OPTIONS.
  void add_below(std::string path, HttpHandler& handler);

  awaitable<HttpResponse> handle(HttpRequest& request) override;
  /// Asks the handler of the path, whatever the method is.
  void complete_refusal(const HttpRequest& request, HttpResponse& response) override;

 private:
  struct Entry {
    Method method;
    HttpHandler* handler;
  };
  struct Route {
    std::string path;  // without trailing slash
    std::vector<Entry> entries;
  };

  HttpHandler* handler_below(std::string_view path) noexcept;
  Route* find(std::string_view path) noexcept;
  HttpResponse about_all() const;

  struct Tree {
    std::string path;  // without trailing slash
    HttpHandler* handler;
  };

  std::vector<Tree> trees_;
  std::vector<Route> routes_;  // there are few, so comparing them costs less than hashing
};

}  // namespace tern::http
