// Streams from the bot to the client's socket, all on one thread.

#include "app/endpoints.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "support/bot_world.hpp"
#include "unit/http/http_client.hpp"

#include <tern/async/log.hpp>

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::WireClient;

constexpr std::size_t reply_bytes = 64 * 1024;
constexpr int replies = 1'000;  // more than any socket takes

class StreamEdge : public testing::Test {
 protected:
  StreamEdge() {
    log::configure(log::Level::off, log::Format::text);
    router_.add(http::Method::post, "/api/messages", messages_);
    server_ = std::make_unique<http::Server>(std::vector<http::ServerShard>{{world_.io(), world_.shards[0].wheel()}},
                                             router_, http::ServerLimits(), world_.clock, world_.metrics);
    server_->listen("127.0.0.1", 0);
    server_->start();
    world_.settle();
  }
  ~StreamEdge() override {
    server_->abort();
    world_.settle();
    log::configure(log::Level::info, log::Format::text);
  }

  std::unique_ptr<WireClient> ask(const std::string& text) {
    auto client = std::make_unique<WireClient>(server_->port(), [this] { world_.settle(); });
    auto activity = world_.message(text, "conv-1", "same");
    activity.set_delivery_mode("stream");
    const auto body = json::serialize(activity.json());
    client->send("POST /api/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body);
    return client;
  }

  /// "many" sends more than anybody should keep; anything else one reply now and one 20 s later.
  awaitable<void> answer(TurnContext& turn) {
    const std::string text(turn.activity().text());
    if (text != "many") {
      co_await turn.send("one");
      co_await sleep_for(20s, turn.clock());
      co_await turn.send("two");
      co_return;
    }
    for (int i = 0; i < replies; ++i) {
      co_await turn.send(std::string(reply_bytes, 'x'));
      ++sent_;
    }
  }

  int sent_ = 0;
  ClientGate clients_{0};
  BotWorld world_{test::message_bot([this](TurnContext& turn) { return answer(turn); })};
  MessagesEndpoint messages_{*world_.runtime, clients_, world_.clock, 0};
  http::Router router_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(StreamEdge, ARepetitionGetsTheWholeStream) {
  const auto first = ask("x");
  EXPECT_EQ(first->read_head().header("Content-Type"), "text/event-stream");
  const auto meanwhile = ask("x");
  EXPECT_EQ(meanwhile->read_head().header("Content-Type"), "text/event-stream");
  world_.pass(20s, 500ms);
  const auto read = [](WireClient& client) {
    std::string body;
    while (auto chunk = client.read_chunk()) {
      body += *chunk;
    }
    return body;
  };
  auto body = read(*first);
  EXPECT_NE(body.find("\"one\""), std::string::npos);
  EXPECT_NE(body.find("\"two\""), std::string::npos);
  EXPECT_EQ(read(*meanwhile), body);
  const std::string_view comment = "\n:\n\n";
  ASSERT_NE(body.find(comment), std::string::npos) << "it was silent for 20 s";
  body.erase(body.find(comment) + 1, comment.size() - 1);
  const auto afterwards = ask("x")->read();
  EXPECT_EQ(afterwards.header("Content-Type"), "text/event-stream");
  EXPECT_EQ(afterwards.body, body);
}

TEST_F(StreamEdge, ATurnWaitsForAClientThatDoesNotRead) {
  const auto client = ask("many");
  client->read_head();
  world_.settle();
  EXPECT_LT(sent_, replies / 2);
  std::size_t bytes = 0;
  while (auto chunk = client->read_chunk()) {
    bytes += chunk->size();
  }
  EXPECT_EQ(sent_, replies);
  EXPECT_GT(bytes, replies * reply_bytes);
}

TEST_F(StreamEdge, ATurnGoesOnWhenItsClientLeavesWithoutReading) {
  const auto client = ask("many");
  client->read_head();
  world_.settle();
  EXPECT_LT(sent_, replies / 2);
  client->reset();
  while (sent_ < replies) {
    world_.settle();
  }
  EXPECT_EQ(world_.runtime->turns_in_flight(), 0U);
}

TEST_F(StreamEdge, AClientThatNeitherReadsNorLeavesIsCutOffAndTheTurnGoesOn) {
  const auto client = ask("many");
  client->read_head();
  world_.settle();
  EXPECT_LT(sent_, replies / 2);
  world_.pass(31s, 1s);
  EXPECT_EQ(sent_, replies);
  EXPECT_EQ(server_->connections(), 0U);
}

}  // namespace
}  // namespace tern::app
