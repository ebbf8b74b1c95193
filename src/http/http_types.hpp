#pragma once

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

/// A request that arrived whole. The views live as long as the request.
class HttpRequest {
 public:
  virtual ~HttpRequest() = default;
  virtual Method method() const noexcept = 0;
  /// The path, without the query, as it stood on the request line.
  virtual std::string_view path() const noexcept = 0;
  /// What follows `?`, "" without one.
  virtual std::string_view query() const noexcept = 0;
  /// A header by its name, any case; nullopt when absent.
  virtual std::optional<std::string_view> header(std::string_view name) const noexcept = 0;
  virtual std::string& body() noexcept = 0;
  /// The address of the peer, without its port.
  virtual std::string_view peer() const noexcept = 0;
};

/// A body that is not known yet: the server asks for pieces and writes each as a chunk as soon as it is there.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next piece (not empty), or nullopt at the end. Cancelled when the client has gone.
  virtual awaitable<std::optional<std::string>> next() = 0;
};

struct HttpResponse {
  HttpResponse() = default;
  explicit HttpResponse(unsigned s, std::string b = {}, std::string_view type = {})
      : status(s), body(std::move(b)), content_type(type) {}
  unsigned status = 200;
  std::string body;
  std::string_view content_type;  ///< a literal; "" leaves the header out
  std::vector<std::pair<std::string, std::string>> headers;
  std::unique_ptr<BodySource> source;  ///< when set, sent chunked instead of `body`
};

/// What a server does with a request. Called on the shard that owns the connection; several at once.
/// An exception becomes 500 without its text.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual awaitable<HttpResponse> handle(HttpRequest& request) = 0;
};

}  // namespace tern::http
