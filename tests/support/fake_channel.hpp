#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::test {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// A request as the channel received it.
struct FakeRequest {
  std::string method;
  std::string target;
  HeaderList headers;  ///< in order of arrival, names as they came
  std::string body;
  std::chrono::steady_clock::time_point arrived;
  std::size_t connection = 0;  ///< which connection brought it, counted from 1 in order of acceptance

  /// A header by its name in any case; nullopt when absent.
  std::optional<std::string> header(std::string_view name) const;
};

/// What the channel does with one request.
struct FakeAnswer {
  enum class Kind {
    respond,   ///< status, headers and body below
    raw,       ///< the bytes of `body` as they are, then keeps the connection
    truncate,  ///< the first `cut` bytes of the response, then closes
    close,     ///< closes after the request was read, without a byte
    reset      ///< the same with a TCP reset
  };

  Kind kind = Kind::respond;
  int status = 201;
  HeaderList headers;               ///< besides Content-Length, and Content-Type for a body
  std::optional<std::string> body;  ///< nullopt: {"id":"mock-N"}, N counts such answers from 1
  std::size_t cut = 0;              ///< for `truncate`
  bool held = false;                ///< not given before `FakeChannel::release`
  bool close_after = false;         ///< closes the connection after the response, without announcing it

  static FakeAnswer with(int status, std::string body = {}, HeaderList headers = {});
  static FakeAnswer raw(std::string bytes);
  static FakeAnswer truncated(std::size_t cut);
  static FakeAnswer closing();
  static FakeAnswer resetting();
  /// The usual answer, given once the test calls `release`.
  static FakeAnswer holding();
};

/// How a `FakeChannel` listens. With a certificate and its key (PEM) it speaks https.
struct FakeChannelOptions {
  std::string certificate;
  std::string private_key;
  bool keep_requests = true;       ///< false: they are counted, and `answer_with` sees them, but they are not kept
  std::string host = "127.0.0.1";  ///< the literal address it listens on: "127.0.0.1" or "::1"
  std::uint16_t port = 0;          ///< 0: any that is free; one that is taken is a `system_error`
};

/// A channel's service for tests: a real HTTP server on a free port of loopback, on a thread of its own. It records
/// every request and answers 201 {"id":"mock-N"}, or what the test scripted. It never waits for time to pass.
///
/// Lifetime: the destructor closes all connections and ends the thread.
/// Thread safety: all functions from any thread.
class FakeChannel {
 public:
  explicit FakeChannel(FakeChannelOptions options = {});
  ~FakeChannel();
  FakeChannel(const FakeChannel&) = delete;
  FakeChannel& operator=(const FakeChannel&) = delete;

  /// The serviceUrl: `http://127.0.0.1:PORT` and `path`.
  std::string url(std::string_view path = {}) const;
  std::uint16_t port() const noexcept;

  /// Scripts the next request that has no scripted answer yet; called several times, answers follow in this order.
  void answer_next(FakeAnswer answer);
  /// Scripts all requests for which `answer_next` left nothing. Runs on the channel's thread; keep it short.
  void answer_with(std::function<FakeAnswer(const FakeRequest&)> script);
  /// From now on every answer is held (true), or none is unless its script says so (false).
  void hold(bool held = true);
  /// Gives held answers, the oldest first; what is not yet held is not affected.
  void release(std::size_t count = static_cast<std::size_t>(-1));

  /// Closes the next `count` connections as soon as they are accepted, without reading.
  void close_next_connections(std::size_t count);
  /// Closes every connection that is not in the middle of a request; one whose answer is being written is closed after
  /// it. Returns when they are closed.
  /// Errors: `std::runtime_error` after 30 s.
  void close_idle_connections();

  /// All requests so far, in order of arrival.
  std::vector<FakeRequest> requests() const;
  std::size_t request_count() const;
  /// How many answers are being held.
  std::size_t held_count() const;
  /// Connections accepted since the start, and those open now.
  std::size_t accepted() const;
  std::size_t open() const;

  /// Blocks until `count` requests have arrived and returns all so far.
  /// Errors: `std::runtime_error` after 30 s.
  std::vector<FakeRequest> wait_for(std::size_t count) const;
  /// Blocks until at most `count` connections are open.
  /// Errors: `std::runtime_error` after 30 s.
  void wait_for_open_at_most(std::size_t count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::test
