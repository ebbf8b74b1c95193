#pragma once

#include <tern/async/deadline.hpp>
#include <tern/http/http_headers.hpp>

#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern {

/// @cond
namespace http_client {
class Shared;
}  // namespace http_client
/// @endcond

/// A request to a server.
struct HttpRequest {
  /// `GET`, `POST`, or any other method but `CONNECT`.
  std::string method = "GET";
  /// An absolute URL with `http` or `https`. It has no user name, no character that a URL must write as `%XX`, and no
  /// `%` without two hexadecimal digits. Brackets may stand in the query only. No part of the host's name is empty; one
  /// dot may end it. What follows `#` is not sent.
  std::string url;
  /// Further headers. The client itself writes those of length and connection: `Host`, `Content-Length`,
  /// `Transfer-Encoding`, `Connection`, `Keep-Alive`, `Upgrade`, `Expect`, `TE`, `Trailer`, `Proxy-Authorization` and
  /// `Proxy-Connection` are refused.
  HttpHeaders headers;
  /// Any bytes. `Content-Type` is the caller's business.
  std::string body;
};

/// The answer of a server, with any status.
struct HttpResponse {
  /// 200 to 999.
  int status = 0;
  /// All headers in their order; no trailers.
  HttpHeaders headers;
  /// The whole body, without the coding of chunks.
  std::string body;

  /// True for 200 to 299.
  bool ok() const noexcept { return status >= 200 && status <= 299; }
  /// The body as JSON, which Tern parses strictly (see `parse_json`).
  /// Errors: `errc::bad_answer` when it is no JSON.
  boost::json::value json() const;
};

/// The bounds and the rules of an `HttpClient`. The counts hold for each thread that uses the client; zero means 1. A
/// time is at most a day. A proxy counts as the host of all http requests through it; each https host counts by itself,
/// with a proxy or without.
struct HttpClientOptions {
  /// The most bytes of an answer's body. A longer body is an error, whatever its status.
  std::size_t max_body = 1024 * 1024;
  /// How many redirects a request follows, one after another; zero follows none. A redirect that is not followed is the
  /// answer.
  std::size_t redirects = 0;
  /// Send through the proxies that the environment names: see `HttpClient`.
  bool proxy_from_environment = true;
  /// A file of certificates (PEM) of further authorities, which are trusted like those of the system. Empty: none.
  std::string ca_file;
  /// The `User-Agent` of requests that have none. Empty: `tern/` and the version of Tern.
  std::string user_agent;
  /// The time for a whole request with its redirects, if its deadline is not earlier. With zero each request fails with
  /// `errc::timed_out`.
  std::chrono::milliseconds request_timeout{30'000};
  /// The time for name resolution, all addresses of the host and the TLS handshake together. Zero leaves no time, so
  /// requests fail with `errc::timed_out`.
  std::chrono::milliseconds connect_timeout{10'000};
  /// How long an unused connection is kept; shorter when the server's Keep-Alive says so. Zero keeps none. The
  /// io_context has work for about this time after the last request, so its `run` returns later; destroying the client
  /// ends that.
  std::chrono::milliseconds idle_timeout{4'000};
  /// The most connections to one host, and so the most requests under way to it.
  std::size_t connections_per_host = 16;
  /// The most connections to all hosts together. Hosts that have never answered may have three quarters of them.
  std::size_t connections = 256;
  /// The most requests that wait for a connection to one host; one more fails with `errc::overloaded`.
  std::size_t waiting = 1'000;
  /// The most hosts that are remembered. Hosts that have never answered may have three quarters of them. When requests
  /// to so many are under way, one to another host fails with `errc::overloaded`.
  std::size_t hosts = 1'000;
  /// The name servers to ask, such as `192.0.2.53, [2001:db8::53]:5353`. Empty: those of /etc/resolv.conf.
  std::string nameservers;
};

/// Sends requests over HTTP/1.1, with TLS for `https`, and keeps connections. A bot has one for all that it asks of
/// other services.
///
/// The certificate of an https server must be signed by an authority that the system or `ca_file` trusts, and must have
/// the name of the host; TLS is 1.2 or later. This cannot be switched off. An answer with an error status is an answer
/// and no exception. Answers are bounded: the body by `max_body`, the headers by 16 KiB, and everything else, such as
/// interim answers, by 64 KiB and 16 bytes for each byte of the body.
///
/// **Repetition.** A server may close a kept connection at any time. When a request meets such a connection, and no
/// byte of an answer has come, the request is sent again on another connection, if none of it was written or the method
/// is idempotent (`GET`, `HEAD`, `PUT`, `DELETE`, `OPTIONS`, `TRACE`). So a server may see an idempotent request twice.
/// Nothing else is repeated.
///
/// **Long bodies.** A server may answer before it has taken the whole body, such as with 413, and close the connection:
/// that answer is the answer. The client reads only after it has written, so when such a server takes no more and
/// leaves the connection open, the request ends at its deadline.
///
/// **Redirects** are followed if `HttpClientOptions::redirects` says so. After 303, and after 301 and 302 for `POST`,
/// the request goes on as `GET` without its body. From https to http no redirect is followed. To another origin
/// (scheme, host and port) only `GET` and `HEAD` without a body follow, with the headers `Accept`, `Accept-Language`
/// and `User-Agent` alone: so no token goes to another server.
///
/// **Proxies.** `https_proxy` or `HTTPS_PROXY` names the proxy for https, through which the client asks for a tunnel;
/// `http_proxy` names the proxy for http. `HTTP_PROXY` is not read, because a client of a CGI program sets it. A proxy
/// is `http://host:port`, with `user:password@` before the host if it asks for them. `no_proxy` or `NO_PROXY` lists the
/// hosts that are reached without one, separated by commas: `*` for all; a name, which stands for the names below it as
/// well; an address, or a range such as `10.0.0.0/8`; each but the range also with a port. The hosts of this machine
/// (`localhost`, 127.0.0.0/8, `[::1]`) are never reached through a proxy. The variables are read when the client is
/// made.
///
/// Lifetime: requests under way when the client is destroyed end with `operation_aborted`. The client may outlive the
///   io_context. The clock outlives both.
/// Thread safety: all functions from any thread. The coroutine that awaits a request runs on an `io_context` that one
///   thread runs, as each coroutine of a bot does; the client does not notice when several threads run it, and has data
///   races then. Each such thread has connections of its own, so that no request waits for another thread.
/// Cancellation: terminal cancellation closes the connection of the request and throws `operation_aborted`; the server
///   may have received the request.
/// Errors: what the functions throw names the host, or the proxy where there is one, and never the path, the query, the
///   value of a header, or the body.
///   `errc::invalid_argument` for a malformed request, and for a coroutine that runs on something else than an
///   io_context, such as a strand. `errc::timed_out` at the deadline. `errc::host_unreachable` when the host could not
///   be connected to, or when the connection was lost. `errc::bad_answer` when what came is no HTTP or exceeds a bound.
///   `errc::overloaded` when `waiting` or `hosts` is reached, or three quarters of `hosts` by hosts that have not
///   answered yet.
/// Source: RFC 9110, RFC 9112.
class HttpClient {
 public:
  /// `clock`: for the deadlines and time-outs.
  /// Errors: `errc::invalid_argument` when a variable of the environment, `ca_file` or `nameservers` is unusable; the
  ///   message names which, and has no password.
  explicit HttpClient(HttpClientOptions options = {}, Clock& clock = system_clock());
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends the request and waits for the whole answer, at most until `by`.
  awaitable<HttpResponse> send(HttpRequest request, Deadline by = Deadline::never());

  /// Sends `GET url`.
  awaitable<HttpResponse> get(std::string url, Deadline by = Deadline::never());
  /// Sends `POST url` with this JSON.
  awaitable<HttpResponse> post_json(std::string url, boost::json::value body, Deadline by = Deadline::never());
  /// Sends `POST url` with these fields, as a form of a web page does (`application/x-www-form-urlencoded`).
  awaitable<HttpResponse> post_form(std::string url, std::vector<std::pair<std::string, std::string>> fields,
                                    Deadline by = Deadline::never());

 private:
  std::shared_ptr<http_client::Shared> shared_;  // the requests under way share it
};

}  // namespace tern
