#include "wire/raw_http.hpp"

#include <array>
#include <charconv>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace tern::wire {

namespace {

constexpr long patience_seconds = 30;

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) {
      return false;
    }
  }
  return true;
}

std::size_t number(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) {
    throw std::runtime_error("the response has \"" + std::string(text) + "\" where a number is due");
  }
  return value;
}

/// A blocking connection whose input can be read piece by piece.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{patience_seconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket_);
      throw std::runtime_error("the bot does not accept connections on port " + std::to_string(port));
    }
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Stops early when the other side does not want more: it has answered then.
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  std::string line() {
    std::size_t end = 0;
    while ((end = input_.find("\r\n")) == std::string::npos) {
      need_more();
    }
    auto text = input_.substr(0, end);
    input_.erase(0, end + 2);
    return text;
  }

  std::string bytes(std::size_t count) {
    while (input_.size() < count) {
      need_more();
    }
    auto text = input_.substr(0, count);
    input_.erase(0, count);
    return text;
  }

  std::string rest() {
    while (read_some()) {
    }
    return std::move(input_);
  }

 private:
  bool read_some() {
    std::array<char, 16384> buffer;
    const auto got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
      input_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return got > 0;
  }
  void need_more() {
    if (!read_some()) {
      throw std::runtime_error("the response did not come, or not to its end; so far: \"" + input_ + "\"");
    }
  }

  int socket_;
  std::string input_;
};

std::string chunks(Connection& connection) {
  std::string body;
  for (;;) {
    const auto size = number(connection.line(), 16);
    if (size == 0) {
      while (!connection.line().empty()) {
      }
      return body;
    }
    body += connection.bytes(size);
    connection.line();
  }
}

std::string body_of(Connection& connection, const RawResponse& response, bool bodiless) {
  if (bodiless || response.status == 204 || response.status == 304) {
    return {};
  }
  if (response.header("Transfer-Encoding")) {
    return chunks(connection);
  }
  if (const auto length = response.header("Content-Length")) {
    return connection.bytes(number(*length, 10));
  }
  return connection.rest();
}

}  // namespace

std::optional<std::string_view> RawResponse::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (same_name(known, name)) {
      return value;
    }
  }
  return std::nullopt;
}

RawResponse exchange(std::uint16_t port, std::string_view bytes, bool bodiless) {
  const auto began = std::chrono::steady_clock::now();
  Connection connection(port);
  connection.write(bytes);
  RawResponse response;
  const auto status_line = connection.line();
  if (!status_line.starts_with("HTTP/1.1 ") || status_line.size() < 12) {
    throw std::runtime_error("this is no status line: \"" + status_line + "\"");
  }
  response.status = static_cast<unsigned>(number(std::string_view(status_line).substr(9, 3), 10));
  for (auto line = connection.line(); !line.empty(); line = connection.line()) {
    const auto colon = line.find(':');
    const auto value = line.find_first_not_of(' ', colon + 1);
    response.headers.emplace_back(line.substr(0, colon),
                                  value == std::string::npos ? std::string() : line.substr(value));
  }
  response.body = body_of(connection, response, bodiless);
  response.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  return response;
}

}  // namespace tern::wire
