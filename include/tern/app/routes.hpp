#pragma once

#include <tern/app/bot_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

/// A whole request to a route of a bot's own.
///
/// Lifetime: until its handler ends; its views live as long.
class WebRequest {
 public:
  virtual ~WebRequest() = default;
  /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, `HEAD` or `OPTIONS`.
  virtual std::string_view method() const noexcept = 0;
  /// The path as it stood on the request line, without the query.
  virtual std::string_view path() const noexcept = 0;
  /// The text behind `?`, as it stood there; "" without one.
  virtual std::string_view query() const noexcept = 0;
  /// A header by its name, whatever its capital letters; nullopt when there is none.
  virtual std::optional<std::string_view> header(std::string_view name) const noexcept = 0;
  /// The body, at most `limits.body` bytes.
  virtual std::string_view body() const noexcept = 0;
  /// The address of the client, without its port. Behind a proxy of `listen.trusted_proxies` it is the address that the
  /// proxy names, and behind another one that of the proxy.
  virtual std::string_view peer() const noexcept = 0;
};

/// The answer to a `WebRequest`.
struct WebResponse {
  /// 200 with an empty body.
  WebResponse() = default;
  /// This status with this text.
  explicit WebResponse(unsigned with_status, std::string text = {}, std::string type = "text/plain; charset=utf-8")
      : status(with_status), body(std::move(text)), content_type(std::move(type)) {}

  unsigned status = 200;                                     ///< 200 to 599
  std::string body;                                          ///< any bytes
  std::string content_type;                                  ///< "" leaves the header out
  std::vector<std::pair<std::string, std::string>> headers;  ///< further headers, but those of length and connection
};

/// Answers a request. It is called on one of the bot's threads, several at once, and does not block it.
/// Errors: an exception that leaves it is written to the log; the client is answered 500 without its text.
using WebHandler = std::function<awaitable<WebResponse>(const WebRequest&, const BotContext&)>;

/// Routes of a bot's own on the server that serves its messages, with the same limits, the same check of the Host
/// header and the same drain. Tern does not authenticate their callers: a route that is not for everybody checks a
/// secret.
///
/// `HEAD` goes where `GET` goes. Another method is answered 405, `OPTIONS` 204.
/// Errors: `errc::invalid_argument` for an unknown method, for a path that does not begin with `/` or is one of Tern's
///   (`/api/messages`, `/healthz`, `/readyz`, `/metrics`, all below `/proactive`), and for a route that is added twice.
class Routes {
 public:
  /// A route for one method: a method that `WebRequest::method` names, but for `HEAD`.
  Routes& add(std::string method, std::string path, WebHandler handler);
  /// A route for `path` and all paths below it, whatever the method. The handler itself answers 404 and 405.
  Routes& add_below(std::string path, WebHandler handler);

  /// A route that was added.
  struct Route {
    std::string method;  ///< "" for all below the path
    std::string path;    ///< begins with `/`
    WebHandler handler;  ///< answers it
  };
  /// The routes, in the order in which they were added.
  const std::vector<Route>& all() const noexcept { return routes_; }

 private:
  Routes& add_route(Route route);
  std::vector<Route> routes_;
};

}  // namespace tern
