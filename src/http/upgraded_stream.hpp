#pragma once

#include "http/stream_socket.hpp"
#include "http/tls_stream.hpp"

#include <tern/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace tern::http {

/// The bytes of an upgraded connection, as Beast wants them (an AsyncStream): of a socket, or of TLS over it.
///
/// Lifetime: socket and TLS outlive it, and it outlives the operations that it has begun.
/// Thread safety: none.
class UpgradedStream {
 public:
  using executor_type = StreamSocket::executor_type;

  /// `tls`: nullptr without TLS. `early`: input that has been read already, which comes first.
  UpgradedStream(StreamSocket& socket, TlsStream* tls, std::string early)
      : socket_(socket), tls_(tls), early_(std::move(early)) {}

  executor_type get_executor() noexcept { return socket_.get_executor(); }

  /// Until this call output is dropped: Beast opens a stream only by answering the handshake, which the session does.
  void open() noexcept { open_ = true; }
  /// True when input has come since the last call.
  bool take_heard() noexcept { return std::exchange(heard_, false); }
  /// The bytes that the socket has taken.
  std::uint64_t written() const noexcept { return tls_ != nullptr ? tls_->written() : written_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    asio::mutable_buffer into;
    for (auto at = asio::buffer_sequence_begin(buffers); into.size() == 0 && at != asio::buffer_sequence_end(buffers);
         ++at) {
      into = *at;
    }
    return asio::async_compose<Token, void(error_code, std::size_t)>(Operation<Reading>{*this, {into}}, token, socket_);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    Output output;
    auto into = output.begin();
    for (auto at = asio::buffer_sequence_begin(buffers);
         into != output.end() && at != asio::buffer_sequence_end(buffers); ++at) {
      if (const asio::const_buffer piece = *at; piece.size() > 0) {
        *into++ = piece;
      }
    }
    return asio::async_compose<Token, void(error_code, std::size_t)>(Operation<Writing>{*this, {output}}, token,
                                                                     socket_);
  }

 private:
  // A frame is its head, and a text.
  using Output = std::array<asio::const_buffer, 4>;

  struct Reading {
    asio::mutable_buffer into;
    static bool is_plain(const UpgradedStream& s) noexcept { return s.tls_ == nullptr && s.early_.empty(); }
    template <class Self>
    void begin_plain(UpgradedStream& s, Self&& self) const {
      const auto buffer = into;  // `self` holds the other one, and moves
      s.socket_.async_read_some(buffer, std::forward<Self>(self));
    }
    std::size_t attempt(UpgradedStream& s, error_code& ec) const noexcept { return s.read(into, ec); }
    static StreamSocket::wait_type readiness(const UpgradedStream& s) noexcept {
      return s.tls_->reading_waits_to_write() ? StreamSocket::wait_write : StreamSocket::wait_read;
    }
    static void count(UpgradedStream& s, std::size_t bytes) noexcept { s.heard_ = s.heard_ || bytes > 0; }
  };

  struct Writing {
    Output output;
    static bool is_plain(const UpgradedStream& s) noexcept { return s.tls_ == nullptr && s.open_; }
    template <class Self>
    void begin_plain(UpgradedStream& s, Self&& self) const {
      const Output buffers = output;
      s.socket_.async_write_some(buffers, std::forward<Self>(self));
    }
    std::size_t attempt(UpgradedStream& s, error_code& ec) const noexcept { return s.write(output, ec); }
    static StreamSocket::wait_type readiness(const UpgradedStream&) noexcept { return StreamSocket::wait_write; }
    static void count(UpgradedStream& s, std::size_t bytes) noexcept { s.written_ += bytes; }
  };

  /// Reads or writes once. Without TLS the socket does it; with TLS it is tried whenever the socket is ready.
  template <class Way>
  struct Operation {
    enum class Step { begin, ready, over };
    UpgradedStream& stream;
    Way way;
    Step step = Step::begin;
    error_code outcome{};
    std::size_t bytes = 0;

    template <class Self>
    void operator()(Self& self, error_code ec = {}, std::size_t done = 0) {
      const Step before = std::exchange(step, Step::over);
      if (before == Step::begin && Way::is_plain(stream)) {
        way.begin_plain(stream, std::move(self));
        return;
      }
      if (before != Step::over) {
        done = ec ? 0 : way.attempt(stream, ec);
        if (ec == asio::error::would_block) {
          step = Step::ready;
          stream.socket_.async_wait(Way::readiness(stream), std::move(self));
          return;
        }
      }
      outcome = outcome ? outcome : ec;
      bytes += done;
      if (before == Step::begin) {  // it completes after the function that began it has returned
        asio::post(stream.get_executor(), std::move(self));
        return;
      }
      Way::count(stream, bytes);
      self.complete(outcome, bytes);
    }
  };

  std::size_t read(asio::mutable_buffer into, error_code& ec) noexcept;
  std::size_t write(const Output& output, error_code& ec) noexcept;

  StreamSocket& socket_;
  TlsStream* tls_;
  std::string early_;
  std::uint64_t written_ = 0;
  bool open_ = false;
  bool heard_ = false;
};

}  // namespace tern::http
