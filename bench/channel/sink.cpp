// A channel that takes everything: answers 201 {"id":"1"} to each request as cheaply as it can, so that the machine's
// time goes to what is measured. One thread; it looks for the end of the header and Content-Length, nothing else.

#include "bare/listener.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;

constexpr std::string_view accepted =
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"id\":\"1\"}";
constexpr std::size_t largest_request = 1 << 20;

/// The length of the first request in `text`, header and body; nullopt when the header is not whole yet.
std::optional<std::size_t> request_length(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  constexpr std::string_view name = "\r\ncontent-length:";
  const auto header = text.substr(0, end);
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  const auto* found = std::search(header.begin(), header.end(), name.begin(), name.end(), same);
  std::size_t body = 0;
  if (found != header.end()) {
    auto value = header.substr(static_cast<std::size_t>(found - header.begin()) + name.size());
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    std::from_chars(value.data(), value.data() + value.size(), body);
  }
  return end + 4 + body;
}

asio::awaitable<void> serve(bare::tcp::socket socket) {
  std::array<char, 16 * 1024> piece;
  std::string waiting;
  for (;;) {
    auto [read_error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
    if (read_error || waiting.size() > largest_request) {
      co_return;
    }
    waiting.append(piece.data(), read);
    std::string answers;
    for (auto length = request_length(waiting); length && *length <= waiting.size(); length = request_length(waiting)) {
      waiting.erase(0, *length);
      answers += accepted;
    }
    if (!answers.empty()) {
      auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(answers), bare::tuple);
      if (write_error) {
        co_return;
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return bare::serve_on_port(argc, argv, [](bare::tcp::socket socket) { return serve(std::move(socket)); });
}
