#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"

#include <tern/tern.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::FakeChannel;
using ::testing::HasSubstr;
using ::testing::Not;

Settings served_on_a_free_port(std::size_t threads = 2) {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = threads;
  settings.proactive.enabled = true;
  settings.log.level = log::Level::error;
  return settings;
}

ConversationReference conversation_of(const FakeChannel& channel, const std::string& conversation = "c") {
  ConversationReference made;
  made.set_channel_id("emulator").set_service_url(channel.url());
  made.set_user(ChannelAccount("u")).set_bot(ChannelAccount("b"));
  return made.set_conversation(ConversationAccount(conversation));
}

/// Counts, and remembers what it was made with.
class CountingBot : public ActivityHandler {
 public:
  explicit CountingBot(const BotContext& context)
      : orders_(context.metrics.counter("orders_total", "Orders.")), context_(context) {
    orders_.inc();
  }

 private:
  Counter orders_;
  BotContext context_;
};

std::string ask(std::uint16_t port, const std::string& target, const std::string& method = "GET") {
  const auto answer =
      test::exchange_bytes(port, method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return answer.head + "\r\n\r\n" + answer.body;
}

TEST(BotContext, BringsThePartsOfTheApp) {
  const Settings* given = nullptr;
  Clock* clock = nullptr;
  App app(served_on_a_free_port(), [&](const BotContext& context) {
    given = &context.settings;
    clock = &context.clock;
    EXPECT_EQ(context.storage.traits().name, "memory");
    return std::make_unique<CountingBot>(context);
  });
  app.start();
  ASSERT_NE(given, nullptr);
  EXPECT_EQ(given->listen.threads, 2U);
  EXPECT_EQ(clock, &system_clock());
  EXPECT_THAT(app.metrics().expose(), HasSubstr("orders_total 1\n"));
  EXPECT_THAT(ask(app.port(), "/metrics"), HasSubstr("orders_total 1\n"));
}

TEST(BotContext, IsGivenToBotsThatTakeItAndNotToOthers) {
  App with(served_on_a_free_port(), BotFactory::of<CountingBot>());
  EXPECT_THAT(with.metrics().expose(), HasSubstr("orders_total 1\n"));
  App without(served_on_a_free_port(), BotFactory::of<ActivityHandler>());
  App bare(served_on_a_free_port(), [] { return std::make_unique<FunctionBot>(); });
  EXPECT_THAT(bare.metrics().expose(), Not(HasSubstr("orders_total")));
}

TEST(Post, RunsACoroutineOfAnotherThread) {
  FakeChannel channel;
  App app(served_on_a_free_port(), BotFactory::of<ActivityHandler>());
  app.start();
  std::thread::id there;
  app.post([&]() -> awaitable<void> {
       there = std::this_thread::get_id();
       co_await app.proactive().send(conversation_of(channel), Activity::message("from outside"));
     })
      .get();
  EXPECT_NE(there, std::this_thread::get_id());
  EXPECT_EQ(json::parse(channel.wait_for(1)[0].body).at("text"), "from outside");
}

TEST(Post, RunsWhereTheTurnsOfAConversationRun) {
  FakeChannel channel;
  App app(served_on_a_free_port(4), BotFactory::of<ActivityHandler>());
  app.start();
  for (int i = 0; i < 8; ++i) {
    const auto here = conversation_of(channel, "c" + std::to_string(i));
    std::thread::id posted;
    std::promise<std::thread::id> turn;
    app.post(here,
             [&](Conversation conversation) -> awaitable<void> {
               posted = std::this_thread::get_id();
               co_await conversation.continue_conversation([&](TurnContext&) -> awaitable<void> {
                 turn.set_value(std::this_thread::get_id());
                 co_return;
               });
             })
        .get();
    EXPECT_EQ(turn.get_future().get(), posted);
  }
}

TEST(Post, PassesOnWhatIsThrown) {
  App app(served_on_a_free_port(), BotFactory::of<ActivityHandler>());
  app.start();
  auto end = app.post([]() -> awaitable<void> {
    throw std::runtime_error("broken");
    co_return;
  });
  EXPECT_THROW(end.get(), std::runtime_error);
  EXPECT_THROW(app.post(std::function<awaitable<void>()>()), system_error);
  EXPECT_THROW(app.post(ConversationReference(), BackgroundWork()), system_error);
}

TEST(Post, IsRefusedDuringADrainWhichWaitsForWhatRuns) {
  App app(served_on_a_free_port(), BotFactory::of<ActivityHandler>());
  app.start();
  std::promise<void> begun;
  auto end = app.post([&]() -> awaitable<void> {
    begun.set_value();
    co_await sleep_for(100ms);
  });
  begun.get_future().wait();
  EXPECT_TRUE(app.stop());
  EXPECT_EQ(end.wait_for(0s), std::future_status::ready);
  EXPECT_NO_THROW(end.get());
  try {
    app.post([]() -> awaitable<void> { co_return; });
    ADD_FAILURE() << "it was taken";
  } catch (const system_error& e) {
    EXPECT_EQ(e.code(), errc::shutting_down);
  }
}

TEST(Post, IsToldWhenTheDrainCutsIt) {
  auto settings = served_on_a_free_port();
  settings.drain.deadline = 100ms;
  App app(settings, BotFactory::of<ActivityHandler>());
  app.start();
  auto end = app.post([]() -> awaitable<void> { co_await sleep_for(1h); });
  EXPECT_FALSE(app.stop());
  EXPECT_ANY_THROW(end.get());
}

AppOptions options_with(Routes routes) {
  AppOptions options;
  options.routes = std::move(routes);
  return options;
}

TEST(Routes, AreServedBesideTerns) {
  Routes routes;
  routes.add("GET", "/orders", [](const WebRequest& request, const BotContext& context) -> awaitable<WebResponse> {
    WebResponse response(200, std::string(request.query()) + " of " + std::string(request.header("host").value_or("")));
    response.headers.emplace_back("X-Storage", context.storage.traits().name);
    co_return response;
  });
  routes.add_below("/files", [](const WebRequest& request, const BotContext&) -> awaitable<WebResponse> {
    co_return WebResponse(404, std::string(request.method()) + " " + std::string(request.path()));
  });
  App app(served_on_a_free_port(), BotFactory::of<ActivityHandler>(), options_with(std::move(routes)));
  app.start();
  const auto orders = ask(app.port(), "/orders?all");
  EXPECT_THAT(orders, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(orders, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(orders, HasSubstr("X-Storage: memory\r\n"));
  EXPECT_THAT(orders, HasSubstr("\r\n\r\nall of localhost"));
  EXPECT_THAT(ask(app.port(), "/orders", "DELETE"), HasSubstr("HTTP/1.1 405"));
  EXPECT_THAT(ask(app.port(), "/files/a/b", "DELETE"), HasSubstr("DELETE /files/a/b"));
  EXPECT_THAT(ask(app.port(), "/healthz"), HasSubstr("HTTP/1.1 200"));
}

TEST(Routes, AnswerFailuresWithoutTheirText) {
  Routes routes;
  routes.add("GET", "/throws", [](const WebRequest&, const BotContext&) -> awaitable<WebResponse> {
    throw std::runtime_error("a secret");
    co_return WebResponse();
  });
  routes.add("GET", "/status",
             [](const WebRequest&, const BotContext&) -> awaitable<WebResponse> { co_return WebResponse(99); });
  routes.add("GET", "/header", [](const WebRequest&, const BotContext&) -> awaitable<WebResponse> {
    co_return WebResponse(200, "", "text/plain\r\nX-Injected: 1");
  });
  App app(served_on_a_free_port(), BotFactory::of<ActivityHandler>(), options_with(std::move(routes)));
  app.start();
  for (const auto* path : {"/throws", "/status", "/header"}) {
    const auto response = ask(app.port(), path);
    EXPECT_THAT(response, HasSubstr("HTTP/1.1 500")) << path;
    EXPECT_THAT(response, Not(HasSubstr("secret"))) << path;
    EXPECT_THAT(response, Not(HasSubstr("Injected"))) << path;
  }
}

TEST(Routes, AreRefusedWhereTernHasItsOwn) {
  const auto handler = [](const WebRequest&, const BotContext&) -> awaitable<WebResponse> { co_return WebResponse(); };
  for (const auto* path : {"/api/messages", "/api/messages/", "/healthz", "/readyz", "/metrics", "/proactive",
                           "/proactive/sends", "orders", "", "/orders?x"}) {
    EXPECT_THROW(Routes().add("POST", path, handler), system_error) << path;
  }
  EXPECT_THROW(Routes().add("HEAD", "/orders", handler), system_error);
  EXPECT_THROW(Routes().add("GET", "/orders", nullptr), system_error);
  EXPECT_THROW(Routes().add("GET", "/orders", handler).add("GET", "/orders/", handler), system_error);
  EXPECT_THROW(Routes().add_below("/", handler), system_error);
  EXPECT_NO_THROW(Routes().add("GET", "/orders", handler).add("POST", "/orders", handler).add_below("/api", handler));
}

}  // namespace
}  // namespace tern
