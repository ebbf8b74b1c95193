#pragma once

#include "http/tls_context.hpp"

#include <tern/error.hpp>

#include <boost/asio/buffer.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace tern::http {

namespace asio = boost::asio;

/// How a handshake of TLS ended.
enum class HandshakeEnd {
  done,
  plain_http,   ///< the client spoke HTTP without TLS
  no_tls,       ///< the client spoke something else
  unsupported,  ///< client and server have no version, cipher, curve or protocol in common
  refused,      ///< the client refused, by an alert: it does not trust the certificate, for instance
  failed,       ///< the client broke the rules of TLS
  left,         ///< the connection ended
  late,         ///< `ServerLimits::header_timeout` passed
  closing       ///< the server closes
};
/// The label of each `HandshakeEnd` in `tern_tls_handshakes_total`, in the same order.
inline constexpr std::array<std::string_view, 9> handshake_ends{
    "done", "plain_http", "no_tls", "unsupported", "refused", "failed", "left", "late", "closing"};

/// TLS on one accepted connection. It has no coroutine and does not wait.
///
/// The handshake touches no socket: the owner reads into the memory of `room`, calls `step` when `next` says so, and
/// writes `output`. So a step, which costs much, may run on another thread, even when the connection ends meanwhile.
/// After the handshake the stream reads from the socket and writes to it by itself.
///
/// Thread safety: one thread at a time, except `give_up`.
class TlsStream {
 public:
  explicit TlsStream(std::shared_ptr<const TlsContext> context);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// What the handshake needs next.
  enum class Next {
    input,   ///< read into `room`, then call `add`
    step,    ///< call `step`
    output,  ///< write `output`, then call `sent`
    end      ///< it has ended: `end` says how. An output that tells the client of a failure may be left.
  };
  Next next() const noexcept;
  /// Memory for input of the handshake, never empty.
  asio::mutable_buffer room();
  void add(std::size_t bytes) noexcept;
  /// Does the next part of the handshake, which may be a signature.
  void step() noexcept;
  asio::const_buffer output() const noexcept;
  void sent(std::size_t bytes) noexcept;
  HandshakeEnd end() const noexcept { return end_; }
  /// What OpenSSL says about a handshake that failed; "" otherwise. A literal.
  const char* reason() const noexcept { return reason_; }
  /// Nobody waits for the handshake any more: a step that has not begun does nothing. From any thread.
  void give_up() noexcept { given_up_ = true; }

  /// The handshake is done: from now on the stream reads from this socket, and writes to it. The socket does not block.
  void attach(int descriptor) noexcept;
  /// The socket is about to be closed: nothing more is read or written, since another socket may get its number. Does
  /// nothing before `attach`.
  void detach() noexcept {
    if (descriptor_ >= 0) {
      broken_ = true;
    }
  }
  /// Reads what is there; `would_block` when that is nothing, and `eof` at the client's end. One call reads one record
  /// at most, so another call may find more although the socket is empty.
  std::size_t read(asio::mutable_buffer into, error_code& ec) noexcept;
  /// True when the last `read` that was blocked waits until it can write.
  bool reading_waits_to_write() const noexcept { return waits_to_write_; }
  /// Writes as much as the socket takes, up to `most_at_once`; `would_block` when that is nothing. What was not written
  /// is written by the next call, which begins with the same bytes.
  std::size_t write(std::span<const asio::const_buffer> buffers, error_code& ec) noexcept;
  /// The bytes that the socket has taken since `attach`, encrypted.
  std::uint64_t written() const noexcept { return written_; }
  /// Tells the client that nothing follows (close_notify). Nothing is read or written after it. False when the socket
  /// does not take it now: call again when it can be written to.
  bool say_end() noexcept;

  static constexpr std::size_t most_at_once = 256 * 1024;

 private:
  struct Bio;

  void find_records() noexcept;
  void fail() noexcept;
  bool begin() noexcept;

  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;  // made by the first step
  std::string in_;         // input of the handshake; what is left of it afterwards is read before the socket
  std::size_t taken_ = 0;  // bytes of `in_` that OpenSSL has taken
  std::size_t whole_ = 0;  // bytes of `in_` up to the end of the last record that is whole
  std::string out_;        // output of the handshake
  std::size_t out_sent_ = 0;
  std::uint64_t written_ = 0;
  int descriptor_ = -1;
  HandshakeEnd end_ = HandshakeEnd::left;
  const char* reason_ = "";
  std::atomic<bool> given_up_ = false;
  bool ended_ = false;
  bool broken_ = false;  // no more bytes may be read or written
  bool waits_to_write_ = false;
  bool eof_ = false;  // the socket has no more input
};

}  // namespace tern::http
