// How a connection ends, so that the client gets all of the last response.
#include "http_fixture.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

class HttpServerClose : public HttpServerTest {
 protected:
  /// A client whose kernel takes little, so that most of a response waits at the server's.
  WireClient slow_client() {
    WireClient client(server->port(), [this] { settle(); }, 32 * 1024);
    until([&] { return server->connections() == 1; });
    return client;
  }
};

TEST_F(HttpServerClose, AnAnswerArrivesWholeAlthoughTheClientThatAskedToCloseSendsMore) {
  for (const char* version : {"1.1\r\nHost: a\r\nConnection: close", "1.0"}) {
    auto client = slow_client();
    client.send("GET /large HTTP/" + std::string(version) + "\r\n\r\n");
    until([&] { return handler.answered > 0; });
    settle();
    client.send("\r\n");  // after the response was handed over, and before it was read
    arrived(client);
    client.send("more");
    arrived(client);
    const auto text = client.read_to_end();
    EXPECT_TRUE(text.ends_with(std::string(200'000, 'l'))) << text.size();
    EXPECT_FALSE(client.was_reset());
    client.close();
    until([&] { return server->connections() == 0; });
  }
}

TEST_F(HttpServerClose, AStreamForAnOldClientArrivesWhole) {
  handler.fed->feed(std::string(200'000, 's'));
  handler.fed->end();
  auto client = slow_client();
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  until([&] { return handler.answered > 0 && handler.fed->alive == 0; });
  client.send("xx");
  arrived(client);
  EXPECT_TRUE(client.read_to_end().ends_with(std::string(200'000, 's')));
  EXPECT_FALSE(client.was_reset());
}

TEST_F(HttpServerClose, AClientThatAskedToCloseAndStaysIsCutOff) {
  auto client = connect();
  client.send("GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.sees_end());
  settle();
  EXPECT_EQ(server->connections(), 1U);
  advance(2s + 2 * TimingWheel::tick);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerClose, AClientThatReadsSlowlyHasTimeWhileItReads) {
  auto client = slow_client();
  client.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  until([&] { return handler.answered > 0; });
  settle();
  std::string text;
  for (int i = 0; i < 3; ++i) {
    text += client.read_some(40'000);
    settle();
    advance(2s + 2 * TimingWheel::tick);
    ASSERT_EQ(server->connections(), 1U) << "it takes the rest bit by bit";
  }
  client.send("xx");
  arrived(client);
  text += client.read_to_end();
  EXPECT_TRUE(text.ends_with(std::string(200'000, 'l')));
  EXPECT_FALSE(client.was_reset());
}

TEST_F(HttpServerClose, ADrainDoesNotWaitForClientsThatAskedToClose) {
  auto client = slow_client();
  client.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  until([&] { return handler.answered > 0; });
  settle();
  std::optional<bool> drained;
  const auto keep = [](awaitable<bool> work, std::optional<bool>& into) -> awaitable<void> {
    into = co_await std::move(work);
  };
  asio::co_spawn(io, keep(server->drain(Deadline::after(14s, clock)), drained), ignore_end);
  until([&] { return drained.has_value(); });
  EXPECT_EQ(drained, true);
  EXPECT_EQ(server->connections(), 1U);
  client.send("xx");
  arrived(client);
  EXPECT_TRUE(client.read_to_end().ends_with(std::string(200'000, 'l')));
  EXPECT_FALSE(client.was_reset());
}

}  // namespace
}  // namespace tern::test
