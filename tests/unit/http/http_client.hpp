#pragma once

#include "http/ascii.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <charconv>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::test {

/// A response as it came over the wire.
struct WireResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  std::optional<std::string> header(std::string_view name) const {
    for (const auto& [n, v] : headers) {
      if (http::same_text(n, name)) {
        return v;
      }
    }
    return std::nullopt;
  }
};

/// What a client puts between its bytes and its socket, such as TLS. Like a socket that does not block.
class WireLayer {
 public:
  virtual ~WireLayer() = default;
  /// Begins, or goes on with that; `would_block` until it is done, and `connection_refused` when the server says that
  /// it has no place.
  virtual void begin(boost::system::error_code& ec) = 0;
  virtual std::size_t read(char* into, std::size_t size, boost::system::error_code& ec) = 0;
  virtual std::size_t write(std::string_view bytes, boost::system::error_code& ec) = 0;
  /// Says that nothing follows.
  virtual void end() = 0;
};

/// A client that sends and receives raw bytes. `pump` runs the server when that is on the same thread.
class WireClient {
 public:
  using tcp = boost::asio::ip::tcp;
  using MakeLayer = std::function<std::unique_ptr<WireLayer>(int socket)>;

  /// The layer of clients that are given none: nullptr for none.
  inline static MakeLayer usual_layer;

  /// `kept`: how many bytes that nobody has read its kernel keeps, about; 0: as is usual.
  explicit WireClient(std::uint16_t port, std::function<void()> pump = {}, int kept = 0)
      : WireClient(port, std::move(pump), kept, usual_layer) {}
  WireClient(std::uint16_t port, std::function<void()> pump, int kept, const MakeLayer& make_layer)
      : pump_(std::move(pump)) {
    socket_.open(tcp::v4());
    if (kept > 0) {
      socket_.set_option(tcp::socket::receive_buffer_size(kept));
    }
    socket_.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
    socket_.non_blocking(true);
    socket_.set_option(tcp::no_delay(true));
    layer_ = make_layer ? make_layer(socket_.native_handle()) : nullptr;
  }

  /// Does the handshake of the layer, if there is one. Whatever sends does it first.
  void begin() {
    while (layer_ && !begun_) {
      boost::system::error_code ec;
      layer_->begin(ec);
      begun_ = !ec;
      if (ec == boost::asio::error::would_block) {
        wait(POLLIN);
      } else if (ec == boost::asio::error::connection_refused) {
        refused_ = begun_ = true;
      } else if (ec) {
        throw boost::system::system_error(ec, "WireClient::begin");
      }
    }
  }

  void send(std::string_view bytes) {
    begin();
    while (!bytes.empty() && !refused_) {
      boost::system::error_code ec;
      const std::size_t n = write_some(bytes, ec);
      bytes.remove_prefix(n);
      if (ec == boost::asio::error::would_block) {
        wait(POLLOUT);
      } else if (ec) {
        throw boost::system::system_error(ec, "WireClient::send");
      }
    }
  }

  /// Sends as much as the sockets take; true when that was all.
  bool try_send(std::string_view bytes) {
    begin();
    boost::system::error_code ec;
    return write_some(bytes, ec) == bytes.size();
  }

  /// Waits until the server's kernel has all that was sent, or the connection is lost.
  void delivered() {
    for (int left = 1; left > 0;) {
      pollfd p{socket_.native_handle(), 0, 0};
      if (::ioctl(p.fd, SIOCOUTQ, &left) != 0 || (::poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)) != 0)) {
        return;  // reset: it will never be delivered
      }
    }
  }

  /// The next response. `to_head`: it has no body whatever its header says. 503 stands for the alert by which a server
  /// of TLS says that it has no place.
  WireResponse read(bool to_head = false) {
    begin();
    if (std::exchange(refused_, false)) {
      ended_ = true;
      return {.status = 503, .headers = {}, .body = {}};
    }
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      more();
    }
    WireResponse response = parse_head(input_.substr(0, end + 2));
    input_.erase(0, end + 4);
    if (to_head || response.status < 200 || response.status == 204) {
      return response;
    }
    if (response.header("Transfer-Encoding") == "chunked") {
      while (auto chunk = read_chunk()) {
        response.body += *chunk;
      }
    } else {
      const std::size_t length = std::stoul(response.header("Content-Length").value());
      while (input_.size() < length) {
        more();
      }
      response.body = input_.substr(0, length);
      input_.erase(0, length);
    }
    return response;
  }

  /// Status line and header alone; what follows stays.
  WireResponse read_head() { return read(true); }

  /// The next chunk, or nullopt for the last one.
  std::optional<std::string> read_chunk() {
    std::size_t eol = 0;
    while ((eol = input_.find("\r\n")) == std::string::npos) {
      more();
    }
    const std::size_t size = std::stoul(input_.substr(0, eol), nullptr, 16);
    while (input_.size() < eol + 2 + size + 2) {
      more();
    }
    std::string chunk = input_.substr(eol + 2, size);
    input_.erase(0, eol + 2 + size + 2);
    return size > 0 ? std::optional(std::move(chunk)) : std::nullopt;
  }

  /// What is there, once it is so many bytes.
  std::string read_some(std::size_t bytes) {
    while (!ended_ && input_.size() < bytes) {
      fill();
    }
    return std::exchange(input_, {});
  }

  /// Everything until the server closes.
  std::string read_to_end() {
    while (!ended_) {
      fill();
    }
    return std::exchange(input_, {});
  }

  /// True when the server closed in an orderly way without sending more; waits for it.
  bool sees_end() { return read_to_end().empty() && !reset_; }
  bool was_reset() const noexcept { return reset_; }
  /// With TLS: the server has said that it has no place.
  bool was_refused() const noexcept { return refused_; }

  /// True when bytes or the end are there already.
  bool has_input() {
    if (layer_ && begun_) {
      read_some();
      return !input_.empty() || ended_;
    }
    pollfd p{socket_.native_handle(), POLLIN, 0};
    return !input_.empty() || ::poll(&p, 1, 0) > 0;
  }

  void half_close() {
    if (layer_) {
      begin();
      layer_->end();
    }
    socket_.shutdown(tcp::socket::shutdown_send);
  }
  void close() {
    has_input();  // what the kernel of a client has that closes, such as a ticket of TLS, would make it send a reset
    socket_.close();
  }
  void reset() {
    if (socket_.is_open()) {
      socket_.set_option(boost::asio::socket_base::linger(true, 0));
      socket_.close();
    }
  }
  tcp::socket& socket() noexcept { return socket_; }

 private:
  static WireResponse parse_head(std::string_view text) {
    WireResponse response;
    if (!text.starts_with("HTTP/1.1 ")) {
      throw std::runtime_error("no status line: " + std::string(text));
    }
    std::from_chars(text.data() + 9, text.data() + 12, response.status);
    for (text.remove_prefix(text.find("\r\n") + 2); !text.empty(); text.remove_prefix(text.find("\r\n") + 2)) {
      const std::string_view line = text.substr(0, text.find("\r\n"));
      const std::size_t colon = line.find(": ");
      response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    return response;
  }

  void wait(short events) {
    if (pump_) {
      pump_();
    }
    pollfd p{socket_.native_handle(), events, 0};
    ::poll(&p, 1, pump_ ? 1 : 1000);
    if (std::chrono::steady_clock::now() - since_ > std::chrono::seconds(60)) {
      throw std::runtime_error("WireClient: nothing comes; so far: " + input_.substr(0, 400));
    }
  }

  void more() {
    if (ended_) {
      throw std::runtime_error("WireClient: the server closed; so far: " + input_.substr(0, 400));
    }
    fill();
  }

  std::size_t write_some(std::string_view bytes, boost::system::error_code& ec) {
    return layer_ ? layer_->write(bytes, ec) : socket_.write_some(boost::asio::buffer(bytes), ec);
  }

  void fill() {
    begin();
    if (read_some() == boost::asio::error::would_block) {
      wait(POLLIN);
    }
  }

  boost::system::error_code read_some() {
    char bytes[16 * 1024];
    boost::system::error_code ec;
    const std::size_t n =
        layer_ ? layer_->read(bytes, sizeof(bytes), ec) : socket_.read_some(boost::asio::buffer(bytes), ec);
    input_.append(bytes, n);
    if (ec == boost::asio::error::would_block) {
      return ec;
    }
    if (ec) {
      ended_ = true;
      reset_ = ec != boost::asio::error::eof;
    } else {
      since_ = std::chrono::steady_clock::now();
    }
    return ec;
  }

  std::function<void()> pump_;
  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>();
  tcp::socket socket_{*io_};
  std::string input_;
  std::unique_ptr<WireLayer> layer_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  bool begun_ = false;  // the layer is ready
  bool refused_ = false;
  bool ended_ = false;
  bool reset_ = false;
};

}  // namespace tern::test
