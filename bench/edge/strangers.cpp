#include "edge/strangers.hpp"

#include "auth/authority.hpp"
#include "bare/listener.hpp"
#include "edge/activity.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace bench {

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using bare::tcp;

constexpr std::size_t hosts_in_a_net = 250;
constexpr std::size_t flood_connections = 64;
constexpr auto pause = 1s;  // between bytes of the slow, and before a lost connection is made anew
constexpr auto flood_pause = 10ms;
constexpr std::size_t bad_tokens_a_second = 5'000;
constexpr int patient = 10;

// The first flight of a client of TLS. It may be sent again and again: it costs its sender nothing, and the server
// agrees on a key and signs each time.
std::string client_hello() {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  SSL_connect(ssl.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

struct Strangers::World {
  World(std::uint16_t bot_port, std::string url, bool at_once)
      : bot(asio::ip::address_v4::loopback(), bot_port), channel_url(std::move(url)), together(at_once) {}

  using Act = asio::awaitable<void> (World::*)(tcp::socket&, std::size_t);

  asio::awaitable<void> wait(asio::steady_timer::duration time) {
    asio::steady_timer timer(io, time);
    co_await timer.async_wait(bare::tuple);
  }

  // One stranger: acts until the bot closes the connection, and begins again. They begin one after the other within a
  // pause, so that what they do once a second they do not do at the same moment, unless that is what is asked for.
  asio::awaitable<void> live(std::size_t number, std::size_t of, Act act) {
    const bool floods = act == &World::flood || act == &World::shake_hands;
    const asio::steady_timer::duration again = floods ? asio::steady_timer::duration(flood_pause) : pause;
    if (!together) {
      co_await wait(again * number / of);
    }
    for (;;) {
      tcp::socket socket(io);
      socket.open(tcp::v4());
      if (act == &World::read_slowly) {
        socket.set_option(asio::socket_base::receive_buffer_size(4096));
      }
      if (floods || act == &World::bring_bad_tokens || act == &World::bring_bad_tokens_over_tls) {
        socket.bind({asio::ip::make_address_v4("127.0.0.2"), 0});  // one client, and not the one that is measured
      }
      auto [error] = co_await socket.async_connect(bot, bare::tuple);
      if (!error) {
        ++active;
        co_await (this->*act)(socket, number);
        --active;
      }
      boost::system::error_code ignored;
      socket.close(ignored);
      co_await wait(again);
    }
  }

  asio::awaitable<void> stay_idle(tcp::socket& socket, std::size_t) {
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(request), bare::tuple);
    std::array<char, 1024> piece;
    while (!write_error) {
      auto [error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      if (error) {
        co_return;
      }
    }
  }

  asio::awaitable<void> drip(tcp::socket& socket, std::string begin) {
    while (true) {
      auto [error, written] = co_await asio::async_write(socket, asio::buffer(begin), bare::tuple);
      if (error) {
        co_return;
      }
      begin = "a";
      co_await wait(pause);
    }
  }
  asio::awaitable<void> write_head_slowly(tcp::socket& socket, std::size_t) {
    return drip(socket, "POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ");
  }
  asio::awaitable<void> write_body_slowly(tcp::socket& socket, std::size_t) {
    return drip(socket,
                "POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                "Content-Length: 200000\r\n\r\n{\"text\":\"");
  }

  // Asks, and takes no answer, so that the bot has it to keep.
  asio::awaitable<void> read_slowly(tcp::socket& socket, std::size_t number) {
    std::string requests;
    for (int i = 0; i < 200; ++i) {
      auto body = message_json("slow-" + std::to_string(number) + "-" + std::to_string(++messages),
                               "slow-" + std::to_string(number), std::string(200, 's'), channel_url);
      body.insert(1, R"("deliveryMode":"expectReplies",)");
      requests += post_of(body);
    }
    auto [error, written] = co_await asio::async_write(socket, asio::buffer(requests), bare::tuple);
    while (!error) {
      co_await wait(pause);
      std::array<char, 1> byte;
      auto [read_error, read] = co_await socket.async_read_some(asio::buffer(byte), bare::tuple);
      if (read_error) {
        co_return;
      }
    }
  }

  asio::awaitable<void> flood(tcp::socket& socket, std::size_t) {
    for (;;) {
      const auto request = post_of(message_json("flood-" + std::to_string(++messages), "flood", "flood", channel_url));
      auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(request), bare::tuple);
      if (write_error) {
        co_return;
      }
      HttpPieces answers;
      std::array<char, 4096> piece;
      do {
        auto [error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
        if (error) {
          co_return;
        }
        answers.add({piece.data(), read});
      } while (!answers.next());
    }
  }

  asio::awaitable<void> bring_bad_tokens(tcp::socket& socket, std::size_t number) {
    return bring_bad_tokens_over(socket, number);
  }
  asio::awaitable<void> bring_bad_tokens_over_tls(tcp::socket& socket, std::size_t number) {
    asio::ssl::stream<tcp::socket&> stream(socket, context);
    auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, bare::tuple);
    if (!error) {
      co_await bring_bad_tokens_over(stream, number);
    }
  }

  // So many on each connection that all together bring the tokens of a second. Each bad token is another one.
  template <class Stream>
  asio::awaitable<void> bring_bad_tokens_over(Stream& stream, std::size_t number) {
    constexpr auto between = std::chrono::nanoseconds(1s) * flood_connections / bad_tokens_a_second;
    asio::steady_timer due(io, std::chrono::steady_clock::now());
    HttpPieces answers;
    std::array<char, 4096> piece;
    for (std::size_t i = number;; ++i) {
      const auto token =
          Authority::bad_token(static_cast<Authority::Fault>(i % Authority::faults), channel_url, ++messages);
      const auto request = post_of(message_json(std::to_string(messages), "bad", "bad", channel_url), token);
      auto [write_error, written] = co_await asio::async_write(stream, asio::buffer(request), bare::tuple);
      std::optional<std::string_view> answer;
      while (!write_error && !(answer = answers.next())) {
        auto [error, read] = co_await stream.async_read_some(asio::buffer(piece), bare::tuple);
        if (error) {
          co_return;
        }
        answers.add({piece.data(), read});
      }
      if (!answer) {
        co_return;
      }
      refused += answer->starts_with("HTTP/1.1 401") || answer->starts_with("HTTP/1.1 503") ? 1 : 0;
      due.expires_at(due.expiry() + between);
      co_await due.async_wait(bare::tuple);
    }
  }

  // Begins a handshake, and leaves when the bot has done its part. It leaves with a reset. With an orderly end each
  // port would be kept for a minute, soon all would be, and the kernel would spend the core of the users who are
  // measured on the search for a free one.
  asio::awaitable<void> shake_hands(tcp::socket& socket, std::size_t) {
    socket.set_option(asio::socket_base::linger(true, 0));
    auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(hello), bare::tuple);
    std::array<char, 4096> piece;
    if (!write_error) {
      auto [error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      refused += error ? 0 : 1;
    }
  }

  // A channel that takes everything.
  asio::awaitable<void> accept(tcp::socket socket) {
    HttpPieces requests;
    std::array<char, 16 * 1024> piece;
    for (;;) {
      auto [error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      if (error) {
        co_return;
      }
      requests.add({piece.data(), read});
      std::string answers;
      while (requests.next()) {
        answers += channel_accepts;
      }
      auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(answers), bare::tuple);
      if (write_error) {
        co_return;
      }
    }
  }

  // A channel of many names that takes "typing" and nothing else.
  asio::awaitable<void> hang(tcp::socket socket) {
    HttpPieces requests;
    std::array<char, 16 * 1024> piece;
    bool hangs = false;
    for (;;) {
      auto [error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      if (error) {
        active -= hangs ? 1 : 0;
        co_return;
      }
      requests.add({piece.data(), read});
      while (const auto request = requests.next()) {
        if (request->find("\"typing\"") == std::string_view::npos) {
          active += hangs ? 0 : 1;
          hangs = true;
        } else {
          co_await asio::async_write(socket, asio::buffer(channel_accepts), bare::tuple);
        }
      }
    }
  }
  // A message a second from users of each channel, as long as there are so many.
  asio::awaitable<void> talk_of_hanging(std::size_t hosts) {
    for (std::size_t i = 0;; ++i) {
      const auto host = i % hosts;
      const auto url = "http://127.0." + std::to_string(1 + host / hosts_in_a_net) + "." +
                       std::to_string(1 + host % hosts_in_a_net) + ":" +
                       std::to_string(channel.local_endpoint().port());
      asio::co_spawn(io, say("hanging-" + std::to_string(i), url), bare::report);
      co_await wait(5ms);
    }
  }
  asio::awaitable<void> say(std::string name, std::string url) {
    tcp::socket socket(io);
    auto [error] = co_await socket.async_connect(bot, bare::tuple);
    const auto request = post_of(message_json(name, name, "hello", url));
    if (!error) {
      auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(request), bare::tuple);
      std::array<char, 1024> piece;
      if (!write_error) {
        co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      }
    }
  }

  void start(std::string_view kind, std::size_t count) {
    const auto all = [&](Act act, std::size_t many) {
      for (std::size_t i = 0; i < many; ++i) {
        asio::co_spawn(io, live(i, many, act), bare::report);
      }
    };
    if (kind == "idle") {
      all(&World::stay_idle, count);
    } else if (kind == "slow-head") {
      all(&World::write_head_slowly, count);
    } else if (kind == "slow-body") {
      all(&World::write_body_slowly, count);
    } else if (kind == "slow-read") {
      all(&World::read_slowly, count);
    } else if (kind == "flood") {
      // What the bot sends to the flooder is answered here, and not by the thread that measures.
      channel_url = "http://127.0.0.2:" + std::to_string(channel.local_endpoint().port());
      serve = [this](tcp::socket socket) { return accept(std::move(socket)); };
      asio::co_spawn(io, bare::accept_all(channel, serve), bare::report);
      all(&World::flood, count * flood_connections);
    } else if (kind == "bad-tokens") {
      all(&World::bring_bad_tokens, count * flood_connections);
    } else if (kind == "bad-tokens-tls") {
      all(&World::bring_bad_tokens_over_tls, count * flood_connections);
    } else if (kind == "handshakes") {
      hello = client_hello();
      all(&World::shake_hands, count);
    } else if (kind == "hanging") {
      serve = [this](tcp::socket socket) { return hang(std::move(socket)); };
      asio::co_spawn(io, bare::accept_all(channel, serve), bare::report);
      asio::co_spawn(io, talk_of_hanging(count), bare::report);
    } else {
      throw std::invalid_argument("there are no strangers of the kind " + std::string(kind));
    }
  }

  asio::io_context io{1};
  asio::ssl::context context{asio::ssl::context::tls_client};  // any certificate is good
  const tcp::endpoint bot;
  std::string channel_url;
  const bool together;
  tcp::acceptor channel{io, {asio::ip::address_v4::any(), 0}};
  std::function<asio::awaitable<void>(tcp::socket)> serve;
  std::size_t messages = 0;
  std::string hello;
  std::atomic<std::size_t> active{0};
  std::atomic<std::size_t> refused{0};
};

const std::vector<Strangers::Kind>& Strangers::kinds() {
  static const std::vector<Kind> all{
      {"idle", "connections that say nothing more", 5'000, true, false},
      {"slow-head", "connections that send a head at a byte a second", 1'000, true, false},
      {"slow-body", "connections that send a body at a byte a second", 1'000, true, false},
      {"slow-read", "connections that ask 200 times and read a byte a second", 1'000, true, false},
      {"hanging", "channels that take typing and never a message, 200 messages a second", 500, false, false},
      {"flood", "client that sends as fast as it can over 64 connections", 1, false, true},
      {"bad-tokens", "client that brings 5,000 bad tokens a second over 64 connections", 1, false, false,
       "bad tokens were refused"},
      {"bad-tokens-tls", "client that brings 5,000 bad tokens a second over 64 connections with TLS", 1, false, false,
       "bad tokens were refused", true},
      {"handshakes", "connections that begin a handshake of TLS as often as they can", 200, false, false,
       "handshakes were answered", true},
  };
  return all;
}

Strangers::Strangers(std::string_view kind, std::size_t count, std::uint16_t port, std::string channel_url,
                     bool together)
    : world_(std::make_unique<World>(port, std::move(channel_url), together)) {
  world_->start(kind, count);
  thread_ = std::thread([world = world_.get()] {
    ::setpriority(PRIO_PROCESS, 0, patient);  // of this thread: what is measured are the others
    world->io.run();
  });
}

Strangers::~Strangers() {
  world_->io.stop();
  thread_.join();
}

std::size_t Strangers::active() const noexcept {
  return world_->active;
}

std::size_t Strangers::refused() const noexcept {
  return world_->refused;
}

}  // namespace bench
