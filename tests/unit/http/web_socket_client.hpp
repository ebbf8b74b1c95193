#pragma once

#include "http_client.hpp"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tern::test {

/// The kinds of frames (RFC 6455, 5.2).
enum class WebSocketOp { more = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct WebSocketFrame {
  WebSocketOp op = WebSocketOp::text;
  std::string payload;
  bool last = true;

  /// Of a close frame; 0 for one without a code.
  unsigned code() const {
    return payload.size() < 2 ? 0
                              : static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
  }
};

/// The bytes of a frame as a client sends it. `head`: the first byte; `masked`: false breaks the rules.
inline std::string wire_frame(unsigned head, std::string_view payload, bool masked = true) {
  std::string wire(1, static_cast<char>(head));
  const unsigned mask_bit = masked ? 0x80 : 0;
  const std::size_t size = payload.size();
  const auto put = [&wire](std::size_t number, int bytes) {
    while (bytes-- > 0) {
      wire += static_cast<char>((number >> (8 * bytes)) & 0xff);
    }
  };
  if (size < 126) {
    put(mask_bit | size, 1);
  } else if (size < 65536) {
    put(mask_bit | 126, 1);
    put(size, 2);
  } else {
    put(mask_bit | 127, 1);
    put(size, 8);
  }
  constexpr std::array<char, 4> mask{'\x37', '\x0a', '\x21', '\x3d'};
  if (masked) {
    wire.append(mask.data(), mask.size());
  }
  for (std::size_t i = 0; i < size; ++i) {
    wire += masked ? static_cast<char>(payload[i] ^ mask[i % 4]) : payload[i];
  }
  return wire;
}

inline std::string close_payload(unsigned code, std::string_view reason = "") {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + std::string(reason);
}

inline constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";  // of RFC 6455, 1.3

inline std::string handshake_of(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: " +
         std::string(sample_key) + "\r\n" + std::string(more) + "\r\n";
}

/// A WebSocket of the client, frame by frame.
class WebSocketClient {
 public:
  explicit WebSocketClient(WireClient wire) : wire_(std::move(wire)) {}

  /// Does the handshake. `early`: what is sent right behind it.
  WireResponse open(std::string_view path, std::string_view early = "") {
    wire_.send(handshake_of(path) + std::string(early));
    return wire_.read(true);
  }
  void send(WebSocketOp op, std::string_view payload, bool last = true) {
    wire_.send(wire_frame((last ? 0x80U : 0U) | static_cast<unsigned>(op), payload));
  }
  void send_text(std::string_view text) { send(WebSocketOp::text, text); }

  WebSocketFrame read() {
    need(2);
    const unsigned head = byte(0);
    std::size_t size = byte(1);
    std::size_t at = 2;
    if (size > 127) {
      throw std::runtime_error("a server does not mask");
    }
    if (size > 125) {
      const std::size_t bytes = size == 126 ? 2 : 8;
      need(at + bytes);
      size = 0;
      for (std::size_t i = 0; i < bytes; ++i) {
        size = size * 256 + byte(at++);
      }
    }
    need(at + size);
    WebSocketFrame frame{static_cast<WebSocketOp>(head & 0x0f), input_.substr(at, size), (head & 0x80) != 0};
    if ((head & 0x70) != 0) {
      throw std::runtime_error("nothing was agreed on that uses reserved bits");
    }
    input_.erase(0, at + size);
    return frame;
  }
  std::string read_text() {
    WebSocketFrame frame = read();
    if (frame.op != WebSocketOp::text || !frame.last) {
      throw std::runtime_error("a frame that is no text: " + std::to_string(static_cast<int>(frame.op)) + " " +
                               std::to_string(frame.code()) + " " + frame.payload);
    }
    return std::move(frame.payload);
  }
  /// The code of the close frame that must be next.
  unsigned read_close() {
    const WebSocketFrame frame = read();
    if (frame.op != WebSocketOp::close) {
      throw std::runtime_error("a frame that closes nothing: " + frame.payload);
    }
    return frame.code();
  }
  /// True when the server has sent something that is not read yet, or has closed.
  bool has_input() { return !input_.empty() || wire_.has_input(); }
  WireClient& wire() noexcept { return wire_; }

 private:
  unsigned byte(std::size_t at) const { return static_cast<unsigned char>(input_[at]); }
  void need(std::size_t bytes) {
    while (input_.size() < bytes) {
      const std::string more = wire_.read_some(1);
      if (more.empty()) {
        throw std::runtime_error("WebSocketClient: the server closed");
      }
      input_ += more;
    }
  }

  WireClient wire_;
  std::string input_;
};

}  // namespace tern::test
