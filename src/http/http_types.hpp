#pragma once

#include "http/web_socket.hpp"

#include <tern/async/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::http {

enum class Method { get, head, post, put, patch, del, options, other };

/// A complete request. Its views are valid as long as the request.
class HttpRequest {
 public:
  virtual ~HttpRequest() = default;
  virtual Method method() const noexcept = 0;
  /// The path, without the query, as the request line has it.
  virtual std::string_view path() const noexcept = 0;
  /// The text behind `?`; "" without a query.
  virtual std::string_view query() const noexcept = 0;
  /// The value of a header, in whatever case its name is written; nullopt when it is absent.
  virtual std::optional<std::string_view> header(std::string_view name) const noexcept = 0;
  /// The same for a header that must not be ambiguous: nullopt also when the request has it more than once.
  virtual std::optional<std::string_view> only_header(std::string_view name) const noexcept = 0;
  virtual std::string& body() noexcept = 0;
  /// The address of the client, without its port: that of the peer, or what a trusted proxy says (`client_of`). "unix"
  /// for a Unix socket without an address.
  virtual std::string_view peer() const noexcept = 0;
};

/// A response body that is made in pieces. The server asks for one piece after the other and writes each as a chunk.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next piece, or nullopt at the end. An empty piece is skipped. Cancellation: when the client has gone.
  virtual awaitable<std::optional<std::string>> next() = 0;
};

struct HttpResponse {
  HttpResponse() = default;
  explicit HttpResponse(unsigned s, std::string b = {}, std::string_view type = {})
      : status(s), body(std::move(b)), content_type(type) {}
  unsigned status = 200;
  std::string body;
  std::string_view content_type;  ///< must outlive the response, such as a literal; "" leaves the header out
  std::vector<std::pair<std::string, std::string>> headers;
  /// When it is set, it is sent instead of `body`. Many responses may share it, so that slow clients cost no copies.
  std::shared_ptr<const std::string> shared_body;
  std::unique_ptr<BodySource> source;  ///< when it is set, it is sent in chunks instead of `body`
  /// When it is set and the request is a good handshake of a WebSocket, the connection becomes one: the server answers
  /// 101 with `headers`, and leaves out everything else of the response. Another request is answered 426 or 400.
  std::unique_ptr<WebSocketHandler> upgrade;

  /// The body, whichever of the two it is.
  std::string_view content() const noexcept { return shared_body ? std::string_view(*shared_body) : body; }
  void drop_content() noexcept {
    body.clear();
    shared_body.reset();
  }
};

/// Answers requests. The server calls it on the shard that owns the connection; several calls may be under way at once.
/// An exception is answered with 500, without its text.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual awaitable<HttpResponse> handle(HttpRequest& request) = 0;
  /// The server refuses a request itself (too large, too late, while it shuts down) that this handler would have got:
  /// adds the headers without which clients of this handler cannot read the answer. Of the request there is no body,
  /// and headers may be absent that have not come.
  virtual void complete_refusal(const HttpRequest& request, HttpResponse& response);
};

inline void HttpHandler::complete_refusal(const HttpRequest&, HttpResponse&) {}

}  // namespace tern::http
