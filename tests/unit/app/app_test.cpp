#include <tern/app/app.hpp>

#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/tern.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::FakeChannel;
using test::post_activity;
using testing::HasSubstr;

Settings on_a_free_port(std::size_t threads = 2) {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = threads;
  settings.proactive.enabled = true;
  settings.log.level = log::Level::error;
  return settings;
}

std::string message(const FakeChannel& channel, const std::string& text, const std::string& conversation = "c",
                    const std::string& id = "in-1") {
  json::object activity{{"type", "message"},
                        {"id", id},
                        {"text", text},
                        {"channelId", "emulator"},
                        {"serviceUrl", channel.url()},
                        {"from", {{"id", "u"}}},
                        {"recipient", {{"id", "b"}}},
                        {"conversation", {{"id", conversation}}}};
  return json::serialize(activity);
}

class Proactively : public ActivityHandler {
  awaitable<void> on_message(TurnContext& turn) override {
    co_await turn.send_typing();
    auto answer = Activity::message("You said, \"" + trimmed(turn.activity().text()) + "\"");
    co_await turn.proactive().send_after(50ms, std::move(answer));
  }
};

TEST(App, AnswersATurnAndSendsLaterWithoutOne) {
  FakeChannel channel;
  App app(on_a_free_port(), [] { return std::make_unique<Proactively>(); });
  app.start();
  const auto before = std::chrono::steady_clock::now();
  const auto response = post_activity(app.port(), message(channel, " hello "));
  EXPECT_EQ(response.status, 200);
  const auto requests = channel.wait_for(2);
  EXPECT_EQ(requests[0].target, "/v3/conversations/c/activities/in-1");
  EXPECT_EQ(requests[1].target, "/v3/conversations/c/activities");
  EXPECT_EQ(json::parse(requests[1].body).at("text"), "You said, \"hello\"");
  EXPECT_GE(requests[1].arrived - before, 50ms) << "never early";
  EXPECT_TRUE(app.stop());
}

TEST(App, StopWaitsForTheTurnThatRuns) {
  FakeChannel channel;
  std::promise<void> begun;
  App app(on_a_free_port(), [&begun] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&begun](TurnContext& turn) -> awaitable<void> {
      begun.set_value();
      co_await sleep_for(100ms, turn.clock());
      co_await turn.send("done");
    });
    return bot;
  });
  app.start();
  auto response = std::async(std::launch::async, [&] { return post_activity(app.port(), message(channel, "x")); });
  begun.get_future().wait();
  EXPECT_TRUE(app.stop());
  EXPECT_EQ(response.get().status, 200);
  EXPECT_EQ(channel.requests().size(), 1U);
}

TEST(App, StopCutsWhatTakesTooLong) {
  FakeChannel channel;
  std::promise<void> begun;
  auto settings = on_a_free_port();
  settings.drain.deadline = 100ms;
  App app(settings, [&begun] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&begun](TurnContext& turn) -> awaitable<void> {
      begun.set_value();
      co_await sleep_for(1h, turn.clock());
    });
    return bot;
  });
  app.start();
  auto response = std::async(std::launch::async, [&] { return post_activity(app.port(), message(channel, "x")); });
  begun.get_future().wait();
  EXPECT_FALSE(app.stop());
  EXPECT_EQ(response.get().status, 503);
}

/// A function on another thread that its test lets go on.
struct Blocking {
  std::promise<void> begun;
  std::promise<void> go;
  std::promise<bool> stopped;

  static auto function(std::shared_ptr<Blocking> self) {
    return [self = std::move(self)](std::stop_token stop) {
      self->begun.set_value();
      self->go.get_future().wait();
      self->stopped.set_value(stop.stop_requested());
    };
  }
};

TEST(App, IsDestroyedWhileATurnIsInOffload) {
  FakeChannel channel;
  auto work = std::make_shared<Blocking>();
  auto settings = on_a_free_port();
  settings.drain.deadline = 100ms;
  {
    App app(settings, [work] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on_message([work](TurnContext&) -> awaitable<void> { co_await offload(Blocking::function(work)); });
      return bot;
    });
    app.start();
    auto response = std::async(std::launch::async, [&] { return post_activity(app.port(), message(channel, "x")); });
    work->begun.get_future().wait();
    EXPECT_FALSE(app.stop());
    EXPECT_EQ(response.get().status, 503);
  }
  work->go.set_value();
  EXPECT_TRUE(work->stopped.get_future().get());
}

// Its turn runs on the shard of its conversation; the scheduler, on the shard of its slot, waits for it.
TEST(App, IsDestroyedWhileScheduledContinuationsAreInOffload) {
  FakeChannel channel;
  constexpr std::size_t count = 2;  // the pool has so many threads at least
  std::vector<std::shared_ptr<Blocking>> works;
  for (std::size_t i = 0; i < count; ++i) {
    works.push_back(std::make_shared<Blocking>());
  }
  auto settings = on_a_free_port(4);
  settings.drain.deadline = 100ms;
  {
    App app(settings, [works] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on_continue("block", [works](TurnContext& turn) -> awaitable<void> {
        co_await offload(Blocking::function(works.at(turn.activity().value()->to_number<std::size_t>())));
      });
      return bot;
    });
    app.start();
    asio::io_context io;
    for (std::size_t i = 0; i < count; ++i) {
      ConversationReference reference;
      reference.set_service_url(channel.url()).set_channel_id("emulator");
      reference.set_conversation(ConversationAccount().set_id("c" + std::to_string(i)));
      auto handle =
          asio::co_spawn(io, app.proactive().continue_after(reference, 0ms, "block", i, {}), asio::use_future);
      io.restart();
      io.run();
      handle.get();
    }
    for (const auto& work : works) {
      work->begun.get_future().wait();
    }
    EXPECT_FALSE(app.stop());
  }
  for (const auto& work : works) {
    work->go.set_value();
    EXPECT_TRUE(work->stopped.get_future().get());
  }
}

TEST(App, StopServesOnForTheDelayAndThenTakesNoConnections) {
  FakeChannel channel;
  ManualClock clock;
  auto settings = on_a_free_port();
  settings.drain.delay = 5s;
  settings.drain.deadline = 24h;
  App::Options options;
  options.clock = &clock;
  App app(settings, [] { return std::make_unique<Proactively>(); }, options);
  app.start();
  EXPECT_EQ(test::get(app.port(), "/readyz").status, 200);
  auto stopped = std::async(std::launch::async, [&app] { return app.stop(); });
  while (test::get(app.port(), "/readyz").status != 503) {
  }
  EXPECT_EQ(post_activity(app.port(), message(channel, "hello")).status, 200);
  EXPECT_EQ(test::get(app.port(), "/healthz").status, 200);
  // It may not wait yet when the clock moves for the first time.
  while (stopped.wait_for(10ms) != std::future_status::ready) {
    clock.advance(5s);
  }
  EXPECT_TRUE(stopped.get());
  EXPECT_THROW(test::get(app.port(), "/readyz"), system_error);
}

TEST(App, RefusesAPortThatIsTakenAndSaysWhatToDo) {
  App first(on_a_free_port(), [] { return std::make_unique<FunctionBot>(); });
  first.start();
  auto settings = on_a_free_port();
  settings.listen.port = first.port();
  App second(settings, [] { return std::make_unique<FunctionBot>(); });
  try {
    second.start();
    FAIL() << "two apps on one port";
  } catch (const system_error& e) {
    EXPECT_THAT(e.what(), HasSubstr(std::to_string(first.port())));
  }
}

// For ThreadSanitizer: a scheduler belongs to its shard, also when it is told to stop while it first looks at its
// slots.
TEST(App, StopsWhileItsSchedulersBegin) {
  for (int i = 0; i < 50; ++i) {
    App app(on_a_free_port(4), [] { return std::make_unique<FunctionBot>(); });
    app.start();
    EXPECT_TRUE(app.stop());
  }
}

TEST(App, ServesItsFiguresOnAPortOfTheirOwn) {
  auto settings = on_a_free_port(1);
  settings.metrics.port = 0;
  App app(settings, [] { return std::make_unique<FunctionBot>(); });
  app.start();
  EXPECT_NE(app.metrics_port(), app.port());
  EXPECT_EQ(test::get(app.metrics_port(), "/readyz").status, 200);
  EXPECT_THAT(test::get(app.metrics_port(), "/metrics").body, HasSubstr("tern_turns_total"));
  EXPECT_EQ(test::get(app.port(), "/metrics").status, 404);
}

TEST(App, SendsFromOutsideAnyTurn) {
  FakeChannel channel;
  App app(on_a_free_port(), [] { return std::make_unique<FunctionBot>(); });
  app.start();
  ConversationReference reference;
  reference.set_service_url(channel.url()).set_channel_id("emulator");
  reference.set_conversation(ConversationAccount().set_id("c"));
  asio::io_context io;
  auto sent = asio::co_spawn(io, app.proactive().send(reference, Activity::message("hello")), asio::use_future);
  io.run();
  EXPECT_EQ(sent.get().id(), "mock-1");
  EXPECT_EQ(channel.requests().at(0).target, "/v3/conversations/c/activities");
}

}  // namespace
}  // namespace tern
