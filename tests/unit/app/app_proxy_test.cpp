// A bot behind a proxy: its limits count by the clients that the proxy names.
#include "unit/http/http_client.hpp"

#include <tern/app/app.hpp>
#include <tern/tern.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

namespace tern::test {
namespace {

std::string message_through_proxy(const std::string& client, const std::string& text) {
  const std::string body = R"({"type":"message","channelId":"emulator","deliveryMode":"expectReplies","text":")" +
                           text + R"(","conversation":{"id":")" + text + client + R"("},"from":{"id":"u"}})";
  return "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Forwarded-For: " +
         client + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(AppBehindAProxy, BoundsTheRequestsOfEachClientAlone) {
  std::promise<void> begun;
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  Settings settings;
  settings.listen.port = 0;
  settings.listen.trusted_proxies = "127.0.0.1";
  settings.limits.client_requests = 1;
  settings.log.level = log::Level::error;
  App app(settings, [&] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&](TurnContext& turn) -> awaitable<void> {
      if (turn.activity().text() == "wait") {
        begun.set_value();
        co_await offload([gone] { gone.wait(); });
      }
    });
    return bot;
  });
  app.start();
  const auto ask = [&](const std::string& client) {
    WireClient connection(app.port());
    connection.send(message_through_proxy(client, "hello"));
    return connection.read().status;
  };
  WireClient waits(app.port());
  waits.send(message_through_proxy("192.0.2.1", "wait"));
  begun.get_future().wait();
  EXPECT_EQ(ask("192.0.2.2"), 200);
  EXPECT_EQ(ask("192.0.2.1"), 429);
  EXPECT_EQ(ask("192.0.2.1, 127.0.0.1"), 429);
  EXPECT_EQ(ask("nonsense"), 200) << "the proxy itself has nothing under way";
  go.set_value();
  EXPECT_EQ(waits.read().status, 200);
  EXPECT_TRUE(app.stop());
}

}  // namespace
}  // namespace tern::test
