// A bot that asks another service.
#include "support/fake_channel.hpp"

#include <tern/http/http_client.hpp>
#include <tern/tern.hpp>
#include <tern/testing.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace tern::http_client::test {
namespace {

class AskingBot : public ActivityHandler {
 public:
  explicit AskingBot(std::string url) : url_(std::move(url)) {}

  awaitable<void> on_message(TurnContext& turn) override {
    const auto response = co_await client_.post_json(url_, {{"text", turn.activity().text()}});
    co_await turn.send("status " + std::to_string(response.status));
  }

 private:
  std::string url_;
  HttpClient client_;
};

TEST(BotWithAClient, AsksAServiceInItsTurn) {
  tern::test::FakeChannel service;
  tern::test::World world(BotFactory([&service] { return std::make_unique<AskingBot>(service.url("/ask")); }));
  auto user = world.user();
  for (int i = 0; i < 2; ++i) {
    user.say("hello").wait();
    user.expect("status 201");
  }
  EXPECT_EQ(service.wait_for(2)[0].body, R"({"text":"hello"})");
  EXPECT_EQ(service.accepted(), 1U);
}

}  // namespace
}  // namespace tern::http_client::test
