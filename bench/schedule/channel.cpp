#include "schedule/channel.hpp"

#include "bare/listener.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>

namespace bench {

namespace {

namespace asio = boost::asio;

constexpr std::string_view accepted =
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"id\":\"1\"}";
constexpr std::size_t most_arrivals = 2'000'000;

std::int64_t number_after(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  std::int64_t value = 0;
  if (at != std::string_view::npos) {
    std::from_chars(text.data() + at + name.size(), text.data() + text.size(), value);
  }
  return value;
}

/// The length of the first request in `text`; nullopt when it is not whole yet. Our own connector writes the header so.
std::optional<std::size_t> request_length(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const auto body = number_after(text.substr(0, end), "Content-Length: ");
  const auto length = end + 4 + static_cast<std::size_t>(body);
  return length <= text.size() ? std::optional(length) : std::nullopt;
}

}  // namespace

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Channel::Server {
  asio::io_context io{1};
  bare::tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
};

Channel::Channel() : server_(std::make_unique<Server>()) {
  arrivals_.resize(most_arrivals);
  const auto serve = [this](bare::tcp::socket socket) -> asio::awaitable<void> {
    std::array<char, 16 * 1024> piece;
    std::string waiting;
    for (;;) {
      auto [read_error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      if (read_error) {
        co_return;
      }
      waiting.append(piece.data(), read);
      std::string answers;
      while (const auto length = request_length(waiting)) {
        const auto at = now_us();
        const auto request = std::string_view(waiting).substr(0, *length);
        const auto due = number_after(request, "\"text\":\"");
        const auto number = number_after(request, "\"user-");
        const auto place = count_.load(std::memory_order_relaxed);
        if (place < most_arrivals) {
          arrivals_[place] = {at, at - due, number};
        }
        count_.store(place + 1, std::memory_order_release);
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
  };
  thread_ = std::thread([this, serve] {
    asio::co_spawn(server_->io, bare::accept_all(server_->acceptor, serve), bare::report);
    server_->io.run();
  });
}

Channel::~Channel() {
  server_->io.stop();
  thread_.join();
}

std::string Channel::url() const {
  return "http://127.0.0.1:" + std::to_string(server_->acceptor.local_endpoint().port());
}

std::vector<Channel::Arrival> Channel::arrivals(std::size_t from) const {
  const auto end = std::min(count(), most_arrivals);
  return from >= end ? std::vector<Arrival>()
                     : std::vector<Arrival>(arrivals_.begin() + static_cast<std::ptrdiff_t>(from),
                                            arrivals_.begin() + static_cast<std::ptrdiff_t>(end));
}

std::size_t Channel::distinct(std::size_t from) const {
  std::set<std::int64_t> numbers;
  for (const auto& one : arrivals(from)) {
    numbers.insert(one.number);
  }
  return numbers.size();
}

void Channel::wait_for(std::size_t wanted, std::chrono::seconds patience) const {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (count() < wanted) {
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error("only " + std::to_string(count()) + " of " + std::to_string(wanted) +
                               " sends have arrived within " + std::to_string(patience.count()) + " s");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace bench
