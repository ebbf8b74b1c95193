#pragma once

#include <tern/app/bot_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

/// A request to a route of a bot's own, which has arrived whole.
///
/// Lifetime: until its handler ends; the views as long.
class WebRequest {
 public:
  virtual ~WebRequest() = default;
  /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, `HEAD` or `OPTIONS`.
  virtual std::string_view method() const noexcept = 0;
  /// As it stood on the request line, without the query.
  virtual std::string_view path() const noexcept = 0;
  /// What follows `?`, as it stood there; "" without one.
  virtual std::string_view query() const noexcept = 0;
  /// A header by its name, in large or small letters; nullopt when there is none.
  virtual std::optional<std::string_view> header(std::string_view name) const noexcept = 0;
  virtual std::string_view body() const noexcept = 0;
  /// The address of the client, without its port.
  virtual std::string_view peer() const noexcept = 0;
};

struct WebResponse {
  WebResponse() = default;
  explicit WebResponse(unsigned with_status, std::string text = {}, std::string type = "text/plain; charset=utf-8")
      : status(with_status), body(std::move(text)), content_type(std::move(type)) {}

  unsigned status = 200;  ///< 200 to 599
  std::string body;
  std::string content_type;                                  ///< "" leaves the header out
  std::vector<std::pair<std::string, std::string>> headers;  ///< others: not those of length or connection
};

/// Answers a request. It is called on one of the bot's threads, several at once, and does not block it.
/// Errors: what leaves it is a line in the log, and 500 to the client without its text.
using WebHandler = std::function<awaitable<WebResponse>(const WebRequest&, const BotContext&)>;

/// Routes of a bot's own on the server that serves its messages, with the same limits, the same check of the Host
/// header and the same drain. Tern asks nobody who calls them who they are: a route that is not for everybody checks a
/// secret.
///
/// `HEAD` goes where `GET` goes. Another method is answered 405, `OPTIONS` 204.
/// Errors: `errc::invalid_argument` for a method that is not known, for a path that does not begin with `/` or is one
/// of Tern's (`/api/messages`, `/healthz`, `/readyz`, `/metrics`, all below `/proactive`), and for a route that stands
/// twice.
class Routes {
 public:
  /// `method`: one of those of `WebRequest::method`, but for HEAD.
  Routes& add(std::string method, std::string path, WebHandler handler);
  /// All that is asked for at `path` and below it, whatever the method; it answers 404 and 405 by itself.
  Routes& add_below(std::string path, WebHandler handler);

  struct Route {
    std::string method;  ///< "" for all below the path
    std::string path;
    WebHandler handler;
  };
  const std::vector<Route>& all() const noexcept { return routes_; }

 private:
  Routes& add_route(Route route);
  std::vector<Route> routes_;
};

}  // namespace tern
