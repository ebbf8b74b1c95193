#include "directline/clients.hpp"

#include "bare/listener.hpp"
#include "directline/connection.hpp"
#include "directline/log_book.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <future>
#include <string>
#include <tuple>
#include <utility>

namespace bench {

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using bare::tcp;
using Clock = LogBook::Clock;

constexpr auto patience = 10s;
constexpr auto poll_every = 1s;
constexpr std::size_t at_once = 32;  // clients that begin, or begin to follow

struct Client {
  std::string user;
  std::string conversation;
  std::string token;  // empty: none is asked for
};

/// One who follows a conversation at a server.
struct Follower {
  Follower(asio::io_context& io, std::uint16_t port, std::size_t which) : connection(io, port), server(which) {}
  Connection connection;
  FrameReader frames;
  std::size_t server;
};

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

struct DirectLineClients::World {
  /// What each client does, once: `number` is its own, `own` a connection to the first server.
  using Work = asio::awaitable<void> (World::*)(Connection& own, Client& client, std::size_t number);

  World(std::vector<DirectLineServer> all, Delivery way, std::size_t count)
      : servers(std::move(all)), delivery(way), clients(count), log(servers.size()) {}

  const DirectLineServer& home() const { return servers.front(); }
  static std::string path(const DirectLineServer& server, const Client& client, std::string_view call) {
    return (server.root + "/conversations/").append(client.conversation).append(call);
  }

  asio::awaitable<void> begin(Connection& own, Client& client, std::size_t number) {
    client.user = "user-" + std::to_string(number);
    const auto parameters = boost::json::serialize(boost::json::object{{"user", {{"id", client.user}}}});
    if (!home().secret.empty()) {
      const auto made = co_await own.ask(post_json(home().root + "/tokens/generate", home().secret, parameters));
      client.token = body_of(made).at("token").as_string();
    }
    const auto begun = co_await own.ask(post_json(home().root + "/conversations", client.token, parameters));
    client.conversation = body_of(begun).at("conversationId").as_string();
  }

  asio::awaitable<void> follow(Connection& own, Client& client, std::size_t number) {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      followers.push_back(std::make_unique<Follower>(io, servers[i].port, i));
      auto& follower = *followers.back();
      if (delivery == Delivery::polling) {
        co_await follower.connection.open();
        asio::co_spawn(io, poll(follower, client, number), bare::report);
        continue;
      }
      Connection other(io, servers[i].port);
      auto& connection = i == 0 ? own : other;
      const auto told = co_await connection.ask(get_json(path(servers[i], client, ""), client.token));
      const auto body = body_of(told);
      std::string stream(path_of(std::string_view(body.at("streamUrl").as_string())));
      const auto early = co_await follower.connection.become_web_socket(std::move(stream));
      take_frames(follower, early);
      asio::co_spawn(io, read_frames(follower), bare::report);
    }
  }

  void take_frames(Follower& follower, std::string_view bytes) {
    follower.frames.add(bytes, [&](FrameReader::Kind kind, std::string_view text) {
      if (kind == FrameReader::Kind::text) {
        log.see(text, follower.server);
      } else if (kind == FrameReader::Kind::close) {
        follower.connection.socket().close();
      }
    });
  }

  // All read into the same place: the memory of the load is taken from the machine that is measured.
  asio::awaitable<void> read_frames(Follower& follower) {
    auto& socket = follower.connection.socket();
    socket.non_blocking(true);
    boost::system::error_code error;
    while (!error) {
      std::tie(error) = co_await socket.async_wait(tcp::socket::wait_read, bare::tuple);
      while (!error) {
        const auto bytes = socket.read_some(asio::buffer(room), error);
        take_frames(follower, {room.data(), bytes});
      }
      error = error == asio::error::would_block ? boost::system::error_code() : error;
    }
    log.lose();
  }

  // Web Chat waits from one answer to the next question.
  asio::awaitable<void> poll(Follower& follower, Client& client, std::size_t number) {
    asio::steady_timer timer(io, duration_of(static_cast<double>(number) / static_cast<double>(clients.size())));
    std::string watermark;
    std::string answer;
    do {
      co_await timer.async_wait(asio::deferred);
      const auto call = watermark.empty() ? "/activities" : "/activities?watermark=" + watermark;
      auto question = get_json(path(servers[follower.server], client, call), client.token);
      answer = co_await follower.connection.ask(std::move(question));
      log.see(answer, follower.server);
      watermark = watermark_of(answer).value_or(watermark);
      timer.expires_after(poll_every);
    } while (status_of(answer) == 200);
    log.lose();
  }

  asio::awaitable<void> send(std::size_t number) {
    auto connection = take_idle();
    const auto& client = clients[number % clients.size()];
    const auto message = message_of_user(client.user, "number " + std::to_string(number));
    log.sent(number);
    const auto answer = co_await connection->ask(post_json(path(home(), client, "/activities"), client.token, message));
    log.answered(number, status_of(answer));
    idle.push_back(std::move(connection));
  }

  std::unique_ptr<Connection> take_idle() {
    if (idle.empty()) {
      return std::make_unique<Connection>(io, home().port);
    }
    auto connection = std::move(idle.back());
    idle.pop_back();
    return connection;
  }

  asio::awaitable<DeliveryFigures> measure(std::size_t per_second, double seconds, Clock::duration answered_after) {
    const auto count = static_cast<std::size_t>(seconds * static_cast<double>(per_second));
    log.begin(Clock::now(), duration_of(1 / static_cast<double>(per_second)), count);
    asio::steady_timer timer(io);
    for (auto number = log.first(); number < log.first() + count; ++number) {
      timer.expires_at(log.due(number));
      co_await timer.async_wait(asio::deferred);
      asio::co_spawn(io, send(number), bare::report);
    }
    const auto until = Clock::now() + answered_after + patience;
    while (!log.complete() && Clock::now() < until) {
      timer.expires_after(20ms);
      co_await timer.async_wait(asio::deferred);
    }
    co_return log.figures(answered_after);
  }

  asio::awaitable<void> some(std::size_t& next, Work work) {
    Connection own(io, home().port);
    while (next < clients.size()) {
      const auto number = next++;
      co_await (this->*work)(own, clients[number], number);
    }
  }

  // Returns when all have done it. Errors: the first one's.
  void for_all(Work work) {
    std::promise<void> done;
    std::size_t next = 0;
    std::size_t working = at_once;
    std::exception_ptr error;
    asio::post(io, [&] {
      for (std::size_t i = 0; i < at_once; ++i) {
        asio::co_spawn(io, some(next, work), [&](std::exception_ptr failed) {
          error = error ? error : failed;
          if (--working == 0) {
            done.set_value();
          }
        });
      }
    });
    done.get_future().get();
    if (error) {
      std::rethrow_exception(error);
    }
  }

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy{io.get_executor()};
  const std::vector<DirectLineServer> servers;
  const Delivery delivery;
  std::vector<Client> clients;
  std::vector<std::unique_ptr<Follower>> followers;
  std::vector<std::unique_ptr<Connection>> idle;  // to the first server
  std::array<char, 64 * 1024> room{};
  LogBook log;
};

DirectLineClients::DirectLineClients(std::vector<DirectLineServer> servers, Delivery delivery, std::size_t count)
    : world_(std::make_unique<World>(std::move(servers), delivery, count)),
      thread_([world = world_.get()] { world->io.run(); }) {}

DirectLineClients::~DirectLineClients() {
  world_->io.stop();
  thread_.join();
}

void DirectLineClients::begin() {
  world_->for_all(&World::begin);
}

void DirectLineClients::follow() {
  world_->for_all(&World::follow);
}

DeliveryFigures DirectLineClients::measure(std::size_t per_second, double seconds, double answered_after) {
  std::promise<DeliveryFigures> done;
  asio::post(world_->io, [&] {
    asio::co_spawn(world_->io, world_->measure(per_second, seconds, duration_of(answered_after)),
                   [&](std::exception_ptr error, DeliveryFigures figures) {
                     if (error) {
                       done.set_exception(error);
                     } else {
                       done.set_value(figures);
                     }
                   });
  });
  return done.get_future().get();
}

}  // namespace bench
