// An authenticator of a bot's own, through a real app over HTTP. Nothing in src/ knows of it.
#include <tern/tern.hpp>

#include "support/captured_log.hpp"
#include "support/raw_client.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/turn/authenticator.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace tern {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Who has which secret.
const std::map<std::string, std::string, std::less<>> secrets{{"secret-of-shop", "shop"}, {"secret-of-bank", "bank"}};

AuthResult judge(std::optional<std::string_view> secret, std::string_view channel) {
  const auto known = secrets.find(secret.value_or(""));
  if (known == secrets.end()) {
    return AuthRefusal::unauthorized("Send your secret in X-Secret.", "Secret realm=\"bot\"");
  }
  if (channel == "barred") {
    return AuthRefusal::forbidden("Nobody may speak for this channel.");
  }
  Identity caller;
  caller.kind = Identity::Kind::other;
  caller.app_id = known->second;
  caller.tenant_id = "town";
  caller.claims = {{"level", 3}};
  return caller;
}

/// Answers at once.
class SharedSecret final : public Authenticator {
 public:
  Authentication authenticate(const InboundRequest& request) override {
    return judge(request.header("x-secret"), request.activity().channel_id().value_or(""));
  }
};

/// Answers with a function of the test.
class Scripted final : public Authenticator {
 public:
  using Script = std::function<Authentication(const InboundRequest&)>;
  explicit Scripted(Script script) : script_(std::move(script)) {}
  Authentication authenticate(const InboundRequest& request) override { return script_(request); }

 private:
  Script script_;
};

App::Options with(Scripted::Script script) {
  App::Options options;
  options.authenticator = [script = std::move(script)](const BotContext&) {
    return std::make_unique<Scripted>(script);
  };
  return options;
}

App::Options with_shared_secret() {
  App::Options options;
  options.authenticator = [](const BotContext&) { return std::make_unique<SharedSecret>(); };
  return options;
}

Settings on_a_free_port() {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = 2;
  settings.log.level = log::Level::error;
  return settings;
}

/// Counts its turns, and answers who sent the activity.
BotFactory who_bot(std::shared_ptr<std::atomic<int>> turns = std::make_shared<std::atomic<int>>(0)) {
  return [turns] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([turns](TurnContext& turn) -> awaitable<void> {
      ++*turns;
      const auto& caller = turn.identity();
      co_await turn.send(caller.is_anonymous()
                             ? std::string("nobody was asked")
                             : caller.app_id + " of " + caller.tenant_id + " " + json::serialize(caller.claims));
    });
    return bot;
  };
}

std::string message(const std::string& id = "in-1", const std::string& channel = "emulator") {
  json::object activity{{"type", "message"},
                        {"id", id},
                        {"timestamp", "2026-11-29T10:00:00.000Z"},
                        {"text", "hello"},
                        {"channelId", channel},
                        {"deliveryMode", "expectReplies"},
                        {"from", {{"id", "u"}}},
                        {"recipient", {{"id", "b"}}},
                        {"conversation", {{"id", "c"}}}};
  return json::serialize(activity);
}

test::RawAnswer post(const App& app, const std::string& body, const std::string& headers = {}) {
  return test::exchange_bytes(app.port(),
                              "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                              "Content-Type: application/json\r\n" +
                                  headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

const std::string shop = "X-Secret: secret-of-shop\r\n";
const std::string bank = "X-Secret: secret-of-bank\r\n";

std::string text_in(const test::RawAnswer& answer) {
  return std::string(json::parse(answer.body).at("activities").at(0).at("text").as_string());
}

json::value error_in(const test::RawAnswer& answer) {
  return json::parse(answer.body).at("error");
}

/// Waits in each coroutine until the test lets all go.
class Gate {
 public:
  awaitable<void> wait() {
    ++waiting_;
    while (!open_) {
      co_await sleep_for(1ms);
    }
  }
  void open() { open_ = true; }
  int waiting() const { return waiting_; }

 private:
  std::atomic<bool> open_ = false;
  std::atomic<int> waiting_ = 0;
};

/// Returns once the app takes no work any more.
void wait_for_drain(const App& app) {
  try {
    for (;;) {
      app.post([]() -> awaitable<void> { co_return; }).wait();
    }
  } catch (const system_error& e) {
    ASSERT_EQ(e.code(), errc::shutting_down);
  }
}

TEST(OwnAuthenticator, TellsTheTurnWhoSentTheActivity) {
  App app(on_a_free_port(), who_bot(), with_shared_secret());
  app.start();
  EXPECT_EQ(text_in(post(app, message(), shop)), R"(shop of town {"level":3})");
  EXPECT_EQ(text_in(post(app, message("in-2"), bank)), R"(bank of town {"level":3})");
  EXPECT_THAT(app.metrics().expose(), HasSubstr("tern_authentications_total{outcome=\"accepted\"} 2\n"));
}

TEST(OwnAuthenticator, WithoutOneEachCallerIsAnonymous) {
  App app(on_a_free_port(), who_bot());
  app.start();
  EXPECT_EQ(text_in(post(app, message(), shop)), "nobody was asked");
  EXPECT_THAT(app.metrics().expose(), Not(HasSubstr("tern_authentications_total")));
}

TEST(OwnAuthenticator, ACallerThatShowsNothingGets401AndTheChallenge) {
  const auto turns = std::make_shared<std::atomic<int>>(0);
  App app(on_a_free_port(), who_bot(turns), with_shared_secret());
  app.start();
  const auto answer = post(app, message());
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.head, HasSubstr("\r\nWWW-Authenticate: Secret realm=\"bot\""));
  EXPECT_EQ(error_in(answer), (json::value{{"code", "Unauthorized"}, {"message", "Send your secret in X-Secret."}}));
  EXPECT_EQ(*turns, 0);
  EXPECT_THAT(app.metrics().expose(), HasSubstr("tern_authentications_total{outcome=\"refused\"} 1\n"));
}

TEST(OwnAuthenticator, ACallerThatMayNotDoThisGets403) {
  App app(on_a_free_port(), who_bot(), with_shared_secret());
  app.start();
  const auto answer = post(app, message("in-1", "barred"), shop);
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(error_in(answer).at("code"), "Forbidden");
  EXPECT_THAT(answer.head, Not(HasSubstr("WWW-Authenticate")));
}

TEST(OwnAuthenticator, AHeaderThatStandsTwiceCountsAsMissing) {
  App app(on_a_free_port(), who_bot(), with_shared_secret());
  app.start();
  EXPECT_EQ(post(app, message(), shop + bank).status, 401);
}

TEST(OwnAuthenticator, IsNotAskedAboutARequestWithoutAWellFormedActivity) {
  std::atomic<int> asked = 0;
  App app(on_a_free_port(), who_bot(), with([&asked](const InboundRequest&) -> Authentication {
            ++asked;
            return AuthRefusal::unauthorized("no");
          }));
  app.start();
  EXPECT_EQ(post(app, "{}").status, 400);
  EXPECT_EQ(test::get(app.port(), "/healthz").status, 200);
  EXPECT_EQ(test::get(app.port(), "/readyz").status, 200);
  EXPECT_EQ(asked, 0);
}

TEST(OwnAuthenticator, NobodyGetsTheAnswerThatAnotherCallerGot) {
  const auto turns = std::make_shared<std::atomic<int>>(0);
  App app(on_a_free_port(), who_bot(turns), with_shared_secret());
  app.start();
  EXPECT_THAT(text_in(post(app, message(), shop)), HasSubstr("shop"));
  EXPECT_THAT(text_in(post(app, message(), shop)), HasSubstr("shop"));
  EXPECT_EQ(*turns, 1) << "a repetition of the same caller";
  EXPECT_EQ(post(app, message()).status, 401);
  EXPECT_THAT(text_in(post(app, message(), bank)), HasSubstr("bank"));
  EXPECT_EQ(*turns, 2);
}

TEST(OwnAuthenticator, SeesTheRequestAndTheActivity) {
  std::promise<std::string> seen;
  App app(on_a_free_port(), who_bot(), with([&seen](const InboundRequest& request) -> Authentication {
            const bool in_time = request.deadline() <= Deadline::after(Authenticator::patience);
            seen.set_value(std::string(request.peer()) + " " + std::string(request.header("X-SECRET").value_or("")) +
                           " " + std::string(request.activity().recipient_id().value_or("")) + " " +
                           std::to_string(request.body().size()) + (in_time ? " in time" : ""));
            return AuthRefusal::unauthorized("no");
          }));
  app.start();
  post(app, message(), shop);
  EXPECT_EQ(seen.get_future().get(), "127.0.0.1 secret-of-shop b " + std::to_string(message().size()) + " in time");
}

TEST(OwnAuthenticator, MayWait) {
  Gate gate;
  App app(on_a_free_port(), who_bot(), with([&gate](const InboundRequest& request) -> Authentication {
            return [](Gate* to_wait_for, const InboundRequest* about) -> awaitable<AuthResult> {
              co_await to_wait_for->wait();
              co_return judge(about->header("x-secret"), about->activity().channel_id().value_or(""));
            }(&gate, &request);
          }));
  app.start();
  auto first = std::async(std::launch::async, [&] { return post(app, message(), shop); });
  auto second = std::async(std::launch::async, [&] { return post(app, message("in-2")); });
  while (gate.waiting() < 2) {
    std::this_thread::yield();
  }
  gate.open();
  EXPECT_THAT(text_in(first.get()), HasSubstr("shop"));
  EXPECT_EQ(second.get().status, 401);
}

TEST(OwnAuthenticator, CanSayThatItCannotTellNow) {
  App app(on_a_free_port(), who_bot(), with([](const InboundRequest&) -> Authentication {
            return AuthRefusal::unavailable("The keys could not be fetched.", 7s);
          }));
  app.start();
  const auto answer = post(app, message());
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.head, HasSubstr("\r\nRetry-After: 7"));
}

TEST(OwnAuthenticator, AnExceptionIsLoggedAndTellsTheCallerNothing) {
  test::CapturedLog written;
  App app(on_a_free_port(), who_bot(), with([](const InboundRequest& request) -> Authentication {
            if (request.header("x-later")) {
              return []() -> awaitable<AuthResult> {
                co_await sleep_for(1ms);
                throw std::runtime_error("the key is under the mat");
              }();
            }
            throw std::runtime_error("the key is under the mat");
          }));
  app.start();
  for (const std::string headers : {"", "X-Later: yes\r\n"}) {
    const auto answer = post(app, message(), headers);
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, AllOf(HasSubstr("ServiceError"), Not(HasSubstr("mat"))));
  }
  EXPECT_THAT(written.take(), HasSubstr("the key is under the mat"));
  EXPECT_THAT(app.metrics().expose(), HasSubstr("tern_authentications_total{outcome=\"failed\"} 2\n"));
}

TEST(OwnAuthenticator, OneThatDoesNotAnswerInTimeIsGivenUp) {
  ManualClock clock;
  std::atomic<bool> begun = false;
  auto options = with([&](const InboundRequest&) -> Authentication {
    return [](std::atomic<bool>* started, Clock* time) -> awaitable<AuthResult> {
      *started = true;
      co_await sleep_for(1h, *time);
      co_return Identity();
    }(&begun, &clock);
  });
  options.clock = &clock;
  App app(on_a_free_port(), who_bot(), std::move(options));
  app.start();
  auto answer = std::async(std::launch::async, [&] { return post(app, message()); });
  while (!begun) {
    std::this_thread::yield();
  }
  while (answer.wait_for(1ms) != std::future_status::ready) {
    clock.advance(1s);
  }
  const auto told = answer.get();
  EXPECT_EQ(told.status, 503);
  EXPECT_THAT(told.head, HasSubstr("Retry-After: 1"));
}

TEST(OwnAuthenticator, StopWaitsForAnAnswerUnderWayAndTakesNoTurnAfterIt) {
  Gate gate;
  auto options = with([&gate](const InboundRequest&) -> Authentication {
    return [](Gate* to_wait_for) -> awaitable<AuthResult> {
      co_await to_wait_for->wait();
      co_return Identity{Identity::Kind::other, "shop", "", {}};
    }(&gate);
  });
  App app(on_a_free_port(), who_bot(), std::move(options));
  app.start();
  auto answer = std::async(std::launch::async, [&] { return post(app, message()); });
  while (gate.waiting() == 0) {
    std::this_thread::yield();
  }
  auto stopped = std::async(std::launch::async, [&] { return app.stop(); });
  wait_for_drain(app);
  gate.open();
  EXPECT_EQ(answer.get().status, 503);
  EXPECT_TRUE(stopped.get());
}

TEST(OwnAuthenticator, AnAppEndsWhileOneHangs) {
  std::promise<void> begun;
  auto settings = on_a_free_port();
  settings.drain.deadline = 100ms;
  std::future<test::RawAnswer> answer;
  {
    App app(settings, who_bot(), with([&begun](const InboundRequest&) -> Authentication {
              return [](std::promise<void>* started) -> awaitable<AuthResult> {
                started->set_value();
                co_await sleep_for(1h);
                co_return Identity();
              }(&begun);
            }));
    app.start();
    answer = std::async(std::launch::async, [&] { return post(app, message()); });
    begun.get_future().wait();
    EXPECT_FALSE(app.stop());
  }
  EXPECT_EQ(answer.get().status, 0);
}

TEST(OwnAuthenticator, AFactoryThatFailsStopsTheStart) {
  App::Options options;
  options.authenticator = [](const BotContext&) -> std::unique_ptr<Authenticator> {
    throw std::runtime_error("no key file");
  };
  EXPECT_THAT([&] { App(on_a_free_port(), who_bot(), options); },
              testing::ThrowsMessage<std::runtime_error>("no key file"));
  options.authenticator = [](const BotContext&) { return std::unique_ptr<Authenticator>(); };
  EXPECT_THAT([&] { App(on_a_free_port(), who_bot(), options); },
              testing::ThrowsMessage<system_error>(HasSubstr("AppOptions::authenticator")));
}

TEST(OwnAuthenticator, IsMadeWithTheContextOfTheBot) {
  App::Options options;
  options.authenticator = [](const BotContext& context) {
    EXPECT_EQ(context.settings.listen.threads, 2U);
    context.metrics.counter("my_keys_total", "Keys.").inc();
    return std::make_unique<SharedSecret>();
  };
  App app(on_a_free_port(), who_bot(), std::move(options));
  app.start();
  EXPECT_THAT(app.metrics().expose(), HasSubstr("my_keys_total 1\n"));
}

TEST(OwnAuthenticator, LetsTheBotListenWhereOthersReachIt) {
  constexpr const char* arguments[] = {"bot", "--set", "listen.address=0.0.0.0"};
  EXPECT_EQ(load_config(3, arguments, {}, Environment(), {}, true).settings.listen.address, "0.0.0.0");
}

}  // namespace
}  // namespace tern
