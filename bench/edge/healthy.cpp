#include "edge/healthy.hpp"

#include "bare/listener.hpp"
#include "edge/activity.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <future>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using bare::tcp;

constexpr auto patience = 10s;
constexpr auto answered_after = 3s;  // as `proactive_bot` does
constexpr auto longest_lateness = 5s;
constexpr std::size_t conversations = 500;
constexpr std::string_view marker = "number ";

double at_share(std::vector<double>& values, double share) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

double ms(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

struct Healthy::World {
  World(std::uint16_t bot_port, std::size_t rate, bool with_tls)
      : bot(asio::ip::address_v4::loopback(), bot_port), per_second(rate), tls(with_tls) {}

  /// One message of a measurement.
  struct Message {
    Clock::time_point due;       // when it was to be sent
    Clock::time_point answered;  // by the bot, with 200
    Clock::time_point replied;   // by the scheduled answer
  };
  struct Connection {
    Connection(asio::io_context& io, asio::ssl::context& context) : stream(io, context), socket(stream.next_layer()) {}
    asio::ssl::stream<tcp::socket> stream;
    tcp::socket& socket;
    bool open = false;
  };

  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()); }

  // The channel: takes everything, and notes which message an answer is for.
  asio::awaitable<void> serve(tcp::socket socket) {
    HttpPieces requests;
    std::array<char, 16 * 1024> piece;
    for (;;) {
      auto [error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      if (error) {
        co_return;
      }
      requests.add({piece.data(), read});
      std::string answers;
      while (const auto request = requests.next()) {
        note_answer(*request);
        answers += channel_accepts;
      }
      if (!answers.empty()) {
        auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(answers), bare::tuple);
        if (write_error) {
          co_return;
        }
      }
    }
  }

  void note_answer(std::string_view request) {
    const auto at = request.find(marker);
    std::size_t number = 0;
    if (at != std::string_view::npos) {
      std::from_chars(request.data() + at + marker.size(), request.data() + request.size(), number);
    }
    // Numbers go on from one measurement to the next.
    if (number > first && number - first <= messages.size()) {
      auto& message = messages[number - first - 1];
      if (message.replied == Clock::time_point()) {
        message.replied = Clock::now();
      }
    }
  }

  asio::awaitable<void> send(std::size_t index) {
    const auto number = first + index + 1;
    auto connection = take_connection();
    const auto body =
        message_json("healthy-" + std::to_string(number), "healthy-" + std::to_string(number % conversations),
                     std::string(marker) + std::to_string(number), url());
    const auto answer = co_await exchange(*connection, post_of(body, token));
    if (answer.starts_with("HTTP/1.1 200")) {
      messages[index].answered = Clock::now();
      idle.push_back(std::move(connection));
    }
    --under_way;
  }

  std::unique_ptr<Connection> take_connection() {
    if (idle.empty()) {
      return std::make_unique<Connection>(io, context);
    }
    auto connection = std::move(idle.back());
    idle.pop_back();
    return connection;
  }

  // Empty when there was none in time.
  asio::awaitable<std::string> exchange(Connection& connection, std::string request) {
    asio::steady_timer timer(io, patience);
    timer.async_wait([&connection](boost::system::error_code error) {
      if (!error) {
        connection.socket.close(error);
      }
    });
    if (!connection.open) {
      auto [error] = co_await connection.socket.async_connect(bot, bare::tuple);
      if (!error) {
        connection.socket.set_option(tcp::no_delay(true));
      }
      if (!error && tls) {
        auto [failed] = co_await connection.stream.async_handshake(asio::ssl::stream_base::client, bare::tuple);
        error = failed;
      }
      if (error) {
        co_return std::string();
      }
      connection.open = true;
    }
    co_return co_await (tls ? ask(connection.stream, std::move(request)) : ask(connection.socket, std::move(request)));
  }

  template <class Stream>
  static asio::awaitable<std::string> ask(Stream& stream, std::string request) {
    auto [write_error, written] = co_await asio::async_write(stream, asio::buffer(request), bare::tuple);
    HttpPieces answers;
    std::array<char, 4096> piece;
    while (!write_error) {
      auto [error, read] = co_await stream.async_read_some(asio::buffer(piece), bare::tuple);
      if (error) {
        break;
      }
      answers.add({piece.data(), read});
      if (const auto answer = answers.next()) {
        co_return std::string(*answer);
      }
    }
    co_return std::string();
  }

  asio::awaitable<void> send_all(std::size_t count) {
    asio::steady_timer timer(io);
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      messages[i].due = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                                    static_cast<double>(i) / static_cast<double>(per_second)));
      timer.expires_at(messages[i].due);
      co_await timer.async_wait(bare::tuple);
      ++under_way;
      asio::co_spawn(io, send(i), bare::report);
    }
    timer.expires_after(answered_after + longest_lateness);
    co_await timer.async_wait(bare::tuple);
    while (under_way > 0) {
      timer.expires_after(20ms);
      co_await timer.async_wait(bare::tuple);
    }
  }

  HealthyFigures figures() {
    HealthyFigures found;
    std::vector<double> turns;
    std::vector<double> late;
    for (const auto& message : messages) {
      ++found.turns;
      if (message.answered == Clock::time_point()) {
        ++found.failed;
        turns.push_back(ms(patience));
        continue;
      }
      turns.push_back(ms(message.answered - message.due));
      ++found.answers;
      if (message.replied == Clock::time_point()) {
        ++found.missing;
        late.push_back(ms(longest_lateness));
      } else {
        // The bot counts from the turn, which lies between these two; so this is at most the time of the turn too high.
        late.push_back(ms(message.replied - message.due - answered_after));
      }
    }
    found.turn_p50_ms = at_share(turns, 0.5);
    found.turn_p99_ms = at_share(turns, 0.99);
    found.late_p50_ms = at_share(late, 0.5);
    found.late_p99_ms = at_share(late, 0.99);
    return found;
  }

  asio::io_context io{1};
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  const tcp::endpoint bot;
  const std::size_t per_second;
  const bool tls;
  std::string token;  // of their channel
  asio::ssl::context context{asio::ssl::context::tls_client};
  std::vector<std::unique_ptr<Connection>> idle;
  std::vector<Message> messages;
  std::size_t first = 0;  // messages of earlier measurements
  std::size_t under_way = 0;
};

Healthy::Healthy(std::uint16_t port, std::size_t per_second, const TokenFor& token_for, bool tls)
    : world_(std::make_unique<World>(port, per_second, tls)) {
  if (token_for) {
    world_->token = token_for(world_->url());
  }
  thread_ = std::thread([world = world_.get()] {
    asio::co_spawn(
        world->io,
        bare::accept_all(world->acceptor, [world](tcp::socket socket) { return world->serve(std::move(socket)); }),
        bare::report);
    world->io.run();
  });
}

Healthy::~Healthy() {
  world_->io.stop();
  thread_.join();
}

std::string Healthy::channel_url() const {
  return world_->url();
}

HealthyFigures Healthy::measure(double seconds) {
  const auto count = static_cast<std::size_t>(seconds * static_cast<double>(world_->per_second));
  std::promise<HealthyFigures> done;
  asio::post(world_->io, [this, count, &done] {
    world_->first += world_->messages.size();
    world_->messages.assign(count, {});
    asio::co_spawn(world_->io, world_->send_all(count), [this, &done](std::exception_ptr error) {
      if (error) {
        done.set_exception(error);
      } else {
        done.set_value(world_->figures());
      }
    });
  });
  return done.get_future().get();
}

}  // namespace bench
