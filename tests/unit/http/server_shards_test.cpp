#include "http_fixture.hpp"

#include "async/timing_wheel.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <boost/asio/use_future.hpp>
#include <mutex>
#include <set>

namespace tern::test {
namespace {

using namespace std::chrono_literals;

/// A shard with a thread of its own.
struct ThreadShard {
  explicit ThreadShard(Clock& clock = system_clock()) : wheel(clock, io.get_executor()) {
    asio::co_spawn(io, wheel.run(), ignore_end);
    thread = std::thread([this] { io.run(); });
  }
  ~ThreadShard() { end_thread(); }
  ThreadShard(const ThreadShard&) = delete;
  ThreadShard& operator=(const ThreadShard&) = delete;

  void end_thread() {
    io.stop();
    if (thread.joinable()) {
      thread.join();
    }
  }

  asio::io_context io{1};
  TimingWheel wheel;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

/// Ends both threads before it destroys a shard, as `ServerShard` asks for.
struct TwoShards {
  explicit TwoShards(Clock& clock = system_clock()) : a(clock), b(clock) {}
  ~TwoShards() {
    a.end_thread();
    b.end_thread();
  }
  TwoShards(const TwoShards&) = delete;
  TwoShards& operator=(const TwoShards&) = delete;

  std::vector<http::ServerShard> both() { return {{a.io, a.wheel}, {b.io, b.wheel}}; }

  ThreadShard a;
  ThreadShard b;
};

class ThreadNoting final : public http::HttpHandler {
 public:
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override {
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    }
    co_return http::HttpResponse(200, std::move(request.body()), "text/plain");
  }
  std::mutex mutex;
  std::set<std::thread::id> threads;
};

TEST(HttpServerShards, ConnectionsAreDealtOutToAllThreads) {
  ThreadNoting handler;
  Metrics metrics;
  TwoShards shards;
  http::Server server(shards.both(), handler, {}, system_clock(), metrics);
  speak_as_told(server);
  server.listen("127.0.0.1", 0);
  server.start();

  std::vector<std::thread> clients;
  clients.reserve(8);
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&server, c] {
      WireClient client(server.port());
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(c) + ":" + std::to_string(i);
        client.send(post("/echo", body));
        ASSERT_EQ(client.read().body, body);
      }
    });
  }
  for (auto& client : clients) {
    client.join();
  }
  EXPECT_EQ(handler.threads.size(), 2U);
  auto drained = asio::co_spawn(shards.b.io, server.drain(Deadline::after(20s)), asio::use_future);
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(metrics.counter("tern_http_requests_total", "", {{"code", "2xx"}}).value(), 1600);
}

/// Never answers a POST.
class Holding final : public http::HttpHandler {
 public:
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override {
    if (request.method() == http::Method::post) {
      co_await sleep_for(1h, system_clock());
    }
    co_return http::HttpResponse(200, "", "text/plain");
  }
};

TEST(HttpServerShards, ClientsThatSentTheirEndGiveWayOnWhicheverShardTheyAre) {
  Holding handler;
  Metrics metrics;
  TwoShards shards;
  http::Server server(shards.both(), handler, {.connections = 5}, system_clock(), metrics);
  speak_as_told(server);
  server.listen("127.0.0.1", 0);
  server.start();
  std::vector<WireClient> gone;
  for (int i = 0; i < 40; ++i) {
    int status = 0;
    for (int tries = 0; status != 200; ++tries) {  // until some are known to have sent their end
      ASSERT_LT(tries, 10'000);
      WireClient good(server.port());
      good.try_send(get_empty);
      status = good.read().status;
    }
    auto& client = gone.emplace_back(server.port());
    client.try_send(post("/", "body"));
    client.half_close();
  }
  server.abort();
}

/// Counts the requests it holds.
class Counting final : public http::HttpHandler {
 public:
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override {
    if (request.method() == http::Method::post) {
      ++held;
      co_await sleep_for(1h, system_clock());
    }
    co_return http::HttpResponse(200, "", "text/plain");
  }
  std::atomic<int> held = 0;
};

// The clock stands still, so nobody is found to have gone but by a look.
TEST(HttpServerShards, AllShardsLookBeforeANewClientIsRefused) {
  for (std::size_t round = 0; round < 10; ++round) {
    Counting handler;
    Metrics metrics;
    ManualClock clock;
    TwoShards shards(clock);
    http::Server server(shards.both(), handler, {.connections = 4}, clock, metrics);
    speak_as_told(server);
    server.listen("127.0.0.1", 0);
    server.start();
    std::vector<WireClient> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back(server.port()).send(post("/", "body"));
    }
    while (handler.held < 4) {
      std::this_thread::yield();
    }
    for (std::size_t i = round % 2; i < clients.size(); i += 2) {  // those of one shard: the shards take turns
      clients[i].reset();
    }
    WireClient good(server.port());
    good.send(get_empty);
    ASSERT_EQ(good.read().status, 200) << round;
    server.abort();
  }
}

TEST(HttpServerShards, ShutdownWhileClientsComeAndGo) {
  for (int round = 0; round < 10; ++round) {
    ThreadNoting handler;
    Metrics metrics;
    TwoShards shards;
    http::Server server(shards.both(), handler, {}, system_clock(), metrics);
    speak_as_told(server);
    server.listen("127.0.0.1", 0);
    server.start();
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    clients.reserve(4);
    for (int c = 0; c < 4; ++c) {
      clients.emplace_back([&] {
        try {
          for (;;) {
            WireClient client(server.port());
            client.send(post("/echo", "body"));
            client.read();
            ++answered;
          }
        } catch (const std::exception&) {
          // Refused or closed: the server is going down.
        }
      });
    }
    while (answered < 20) {
      std::this_thread::yield();
    }
    if (round % 2 == 0) {
      auto drained = asio::co_spawn(shards.a.io, server.drain(Deadline::after(20s)), asio::use_future);
      EXPECT_TRUE(drained.get());
    } else {
      server.abort();
    }
    for (auto& client : clients) {
      client.join();
    }
  }
}

}  // namespace
}  // namespace tern::test
