// Which activities are the same one that comes again: in the dedupe window and by the keys of a turn's sends.

#include "turn/same_activity.hpp"
#include "support/bot_world.hpp"
#include "support/captured_log.hpp"

#include <tern/async/log.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

/// A bot that counts its turns, and answers each later with the type and text of what came.
class SameActivityTest : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot bot() {
    struct Counting : Bot {
      explicit Counting(SameActivityTest& t) : test(t) {}
      awaitable<void> on_turn(TurnContext& turn) override { return test.handle(turn); }
      SameActivityTest& test;
    };
    return [this] { return std::make_unique<Counting>(*this); };
  }
  static runtime::RuntimeOptions options() {
    runtime::RuntimeOptions made;
    made.dedupe_window = 1s;
    return made;
  }
  awaitable<void> handle(TurnContext& turn) {
    types.emplace_back(turn.activity().type());
    const std::string text(turn.activity().text());
    co_await turn.proactive().send_after(3s, Activity::message("You said \"" + text + "\""));
  }
  /// As a channel posts it: B of the issue that this mends, with members changed.
  void post(const json::object& changed) {
    auto fields = json::parse(R"({"type":"message","id":"m1","channelId":"msteams","serviceUrl":"http://localhost:9",
      "conversation":{"id":"a:1","conversationType":"personal","tenantId":"t1"},"from":{"id":"29:u"},
      "recipient":{"id":"28:b"},"text":"hi"})")
                      .as_object();
    for (const auto& [name, value] : changed) {
      fields[name] = value;
    }
    const auto reply = world.receive(Activity(std::move(fields)));
    world.settle();
    ASSERT_TRUE(reply->reply);
    EXPECT_EQ(reply->status(), 200U);
  }
  std::vector<std::string> answers() {
    world.pass(20s, 100ms);
    return world.sender.texts();
  }
  double known() { return world.metrics.counter("tern_known_sends_total", "").value(); }

  std::vector<std::string> types;
  BotWorld world{bot(), options()};
};

TEST_F(SameActivityTest, EditsDeletionsAndReactionsAreNoRepetitionsOfTheMessageThatTheyAreAbout) {
  post({});
  post({{"type", "messageUpdate"}, {"text", "v2"}, {"timestamp", "2026-11-28T10:00:01Z"}});
  post({{"type", "messageUpdate"}, {"text", "v3"}, {"timestamp", "2026-11-28T10:00:02Z"}});
  post({{"type", "messageDelete"}});
  const json::object liked{{"type", "messageReaction"}, {"reactionsAdded", {{{"type", "like"}}}}};
  post(liked);
  post(liked);
  EXPECT_THAT(types, ElementsAre("message", "messageUpdate", "messageUpdate", "messageDelete", "messageReaction"));
  EXPECT_EQ(answers().size(), 5U) << "what their handlers schedule comes as well";
  EXPECT_EQ(known(), 0);
}

TEST_F(SameActivityTest, WithATimestampTheContentDoesNotCount) {
  const json::object at{{"timestamp", "2026-11-28T10:00:01Z"}};
  post(at);
  auto again = at;
  again["text"] = "as another gateway writes it";
  post(again);
  EXPECT_EQ(types.size(), 1U);
  again["timestamp"] = "2026-11-28T10:00:01.001Z";
  post(again);
  EXPECT_EQ(types.size(), 2U);
}

TEST_F(SameActivityTest, AMomentIsTheSameInEverySpelling) {
  for (const auto* spelling :
       {"2026-11-28T10:00:00Z", "2026-11-28T10:00:00.000Z", "2026-11-28T10:00:00+00:00", "2026-11-28T10:00:00.0000000Z",
        "2026-11-28t10:00:00z", "2026-11-28T10:00:00", "2026-11-28T12:30:00+02:30", "2026-11-28T09:00:00.0-01:00"}) {
    post({{"timestamp", spelling}, {"text", spelling}});
    EXPECT_EQ(types.size(), 1U) << spelling;
  }
  world.pass(5s, 100ms);
  post({{"timestamp", "2026-11-28T11:00:00+01:00"}, {"text", "2026-11-28T10:00:00Z"}});
  EXPECT_EQ(types.size(), 2U) << "after the window";
  EXPECT_EQ(answers().size(), 1U) << "its send is the same all the same";
  post({{"timestamp", "2026-11-28T10:00:00.0000001Z"}});
  EXPECT_EQ(types.size(), 3U) << "another moment";
}

TEST_F(SameActivityTest, ATimestampThatTellsNoMomentCountsAsNone) {
  for (const auto* none : {"soon", "2026-11-28", "2026-13-28T10:00:00Z", "2026-11-28T25:00:00Z", "28.11.2026 10:00",
                           "0001-01-01T00:00:00", "9999-12-31T23:59:59Z", ""}) {
    types.clear();
    const json::object at{{"timestamp", none}};
    post(at);
    post(at);
    EXPECT_EQ(types.size(), 1U) << none << ": equal content is a repetition";
    auto other = at;
    other["text"] = "another text";
    post(other);
    EXPECT_EQ(types.size(), 2U) << none << ": other content is none";
  }
}

TEST_F(SameActivityTest, WithoutATimestampTheContentTellsApart) {
  post({});
  post({{"text", "hello"}});
  post({{"value", {{"n", 1}}}});
  post({{"value", {{"n", 1.5}}}});
  post({{"value", {{"n", 2}}}});
  post({{"channelData", {{"eventType", "undeleteMessage"}}}});
  post({{"attachments", {{{"contentType", "image/png"}, {"contentUrl", "http://a/1"}}}}});
  post({{"attachments", {{{"contentType", "image/png"}, {"contentUrl", "http://a/2"}}}}});
  post({{"timestamp", 1'795'376'653'847}});
  post({{"from", {{"id", "29:v"}}}});
  EXPECT_EQ(types.size(), 10U);
}

TEST_F(SameActivityTest, WhatAChannelMayChangeBetweenTwoDeliveriesDoesNotCount) {
  post({{"value", {{"a", 1}, {"b", 2}}}});
  post({{"value", {{"b", 2}, {"a", 1}}}});
  post({{"value", {{"a", 1}, {"b", 2}}},
        {"serviceUrl", "http://localhost:10/moved"},
        {"from", {{"id", "29:u"}, {"name", "New name"}}},
        {"recipient", {{"id", "28:b"}, {"name", "Bot"}}},
        {"conversation", {{"id", "a:1"}, {"name", "renamed"}}},
        {"localTimestamp", "2026-11-28T11:00:01+01:00"},
        {"localTimezone", "Europe/Berlin"}});
  EXPECT_EQ(types.size(), 1U);
  world.pass(5s, 100ms);
  post({{"value", {{"a", 1}, {"b", 2}}}, {"serviceUrl", "http://localhost:11"}});
  EXPECT_EQ(types.size(), 2U) << "after the window";
  EXPECT_EQ(answers().size(), 1U) << "its send is the same all the same";
  EXPECT_EQ(known(), 1);
}

TEST_F(SameActivityTest, WithoutAnIdNothingIsARepetition) {
  for (const auto& id : {json::value(""), json::value(nullptr), json::value(1)}) {
    for (int i = 0; i < 3; ++i) {
      post({{"id", id}});
    }
  }
  EXPECT_EQ(types.size(), 9U);
  EXPECT_EQ(answers().size(), 9U);
  EXPECT_EQ(known(), 0);
}

TEST_F(SameActivityTest, AnotherTextUnderAnOldIdHasItsAnswerAfterTheWindow) {
  post({{"id", "1"}, {"text", "one"}});
  world.pass(5s, 100ms);
  post({{"id", "1"}, {"text", "two"}});
  EXPECT_THAT(answers(), ElementsAre("You said \"one\"", "You said \"two\""));
}

TEST_F(SameActivityTest, AnEditThatComesAgainAfterTheWindowDoublesNothingAndIsSaid) {
  log::configure(log::Level::info, log::Format::text);
  test::CapturedLog captured;
  for (int i = 0; i < 2; ++i) {
    post({{"type", "messageUpdate"}, {"text", "v2"}, {"timestamp", "2026-11-28T10:00:01Z"}});
    world.pass(5s, 100ms);
  }
  EXPECT_EQ(types.size(), 2U);
  EXPECT_EQ(answers().size(), 1U);
  EXPECT_EQ(known(), 1);
  EXPECT_THAT(captured.take(), HasSubstr("is known"));
  log::configure(log::Level::error, log::Format::text);
}

TEST(SameActivity, IsTheSameInEveryProcess) {
  const auto key_of = [](const std::string& text) {
    std::string key;
    const Activity activity(json::parse(text).as_object());
    detail::same_activity(activity).value().append_to(key);
    return key;
  };
  EXPECT_EQ(key_of(R"({"type":"message","id":"a/1","timestamp":"2026-11-28T10:00:01Z"})"),
            "a%2F1/message///2026-11-28T10:00:01Z");
  for (const auto& [written, kept] : {std::pair("2026-11-28T10:00:01.120Z", "2026-11-28T10:00:01.120Z"),
                                      std::pair("2026-11-28T10:00:01.1234567Z", "2026-11-28T10:00:01.1234567Z"),
                                      std::pair("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.9999999Z"),
                                      std::pair("2026-11-28T11:00:01.5000000+01:00", "2026-11-28T10:00:01.500Z"),
                                      std::pair("2026-11-28T10:00:01.000Z", "2026-11-28T10:00:01Z")}) {
    const auto fields =
        R"({"type":"message","id":"1","from":{"id":"u/1"},"recipient":{"id":"b"},"timestamp":")" + std::string(written);
    EXPECT_EQ(key_of(fields + "\"}"), "1/message/b/u%2F1/" + std::string(kept));
  }
  EXPECT_EQ(key_of(R"({"type":"message","id":"1","text":"hi"})"), "1/message///~4dbc6a319bb2235c37c736b53d11e2da");
  EXPECT_EQ(
      key_of(R"({"type":"invoke","name":"signin/tokenExchange","id":"f:1","value":{"id":"x"},"from":{"id":"u"}})"),
      "x/signin%2FtokenExchange//u");
}

/// A bot that answers a token exchange after a second with what it is told to.
class TokenExchange : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot bot() {
    return [this] {
      auto made = std::make_unique<FunctionBot>();
      made->on("invoke", [this](TurnContext& turn) -> awaitable<void> {
        ++turns;
        co_await sleep_for(1s, turn.clock());
        turn.set_invoke_response(InvokeResponse(status, {{"failureDetail", "consent"}}));
      });
      return made;
    };
  }
  std::shared_ptr<BotWorld::Reply> ask(const std::string& id, const std::string& exchange = "ex-1",
                                       const std::string& user = "29:u", const std::string& conversation = "a:1",
                                       const std::string& name = "signin/tokenExchange") {
    auto activity = world.message("", conversation, id);
    activity.set_type("invoke").set_name(name).set_value({{"id", exchange}, {"token", "t-" + id}, {"state", exchange}});
    ChannelAccount from;
    from.set_id(user);
    activity.set_from(from);
    activity.json()["timestamp"] = "2026-11-28T10:00:0" + std::to_string(++asked) + "Z";
    auto reply = world.receive(std::move(activity));
    world.settle();
    return reply;
  }

  int status = 412;
  int turns = 0;
  int asked = 0;
  BotWorld world{bot()};
};

TEST_F(TokenExchange, OfTwoClientsIsOneTurnAndBothGetItsAnswer) {
  for (const int each : {412, 200}) {
    status = each;
    turns = 0;
    const auto exchange = "ex-" + std::to_string(each);
    const auto first = ask("f:1", exchange);
    const auto second = ask("f:2", exchange);
    world.pass(1s);
    const auto late = ask("f:3", exchange);
    EXPECT_EQ(turns, 1);
    for (const auto& reply : {first, second, late}) {
      ASSERT_TRUE(reply->reply);
      EXPECT_EQ(reply->status(), static_cast<unsigned>(each));
      EXPECT_EQ(reply->reply->body, R"({"failureDetail":"consent"})");
    }
  }
}

TEST_F(TokenExchange, OfAnotherUserConversationOrExchangeIsAnotherTurn) {
  ask("f:1");
  ask("f:2", "ex-2");
  ask("f:3", "ex-1", "29:v");
  ask("f:4", "ex-1", "29:u", "a:2");
  world.pass(5s);
  EXPECT_EQ(turns, 4);
}

TEST_F(TokenExchange, ThatFailedIsTriedAgain) {
  status = 500;
  ask("f:1");
  world.pass(1s);
  ask("f:2");
  world.pass(1s);
  EXPECT_EQ(turns, 2);
}

// Their id names one attempt of one client, and what they carry may be the same twice.
TEST_F(TokenExchange, OtherInvokesWithTheSameValueAreTurnsOfTheirOwn) {
  ask("f:1", "ex-1", "29:u", "a:1", "signin/verifyState");
  ask("f:2", "ex-1", "29:u", "a:1", "signin/verifyState");
  ask("f:3", "", "29:u", "a:1");
  ask("f:4", "", "29:u", "a:1");
  world.pass(5s);
  EXPECT_EQ(turns, 4);
}

/// A bot whose invoke fails, with what its `on_turn_error` does.
class FailedInvoke : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot bot() {
    return [this] {
      auto made = std::make_unique<FunctionBot>();
      made->on("invoke", [](TurnContext& turn) -> awaitable<void> {
        turn.set_invoke_response(InvokeResponse(200, {{"done", true}}));
        throw std::runtime_error("secret");
        co_return;
      });
      made->on_error([this](TurnContext& turn, std::exception_ptr error) -> awaitable<void> {
        if (response) {
          turn.set_invoke_response(*response);
        } else if (rethrows) {
          std::rethrow_exception(error);
        }
        if (turn.activity().delivery_mode() != delivery_modes::stream) {
          co_await turn.send("sorry");
        }
      });
      return made;
    };
  }
  std::shared_ptr<BotWorld::Reply> ask(std::string_view mode = "normal") {
    auto activity = world.message("");
    activity.set_type("invoke").set_name("task/fetch").set_delivery_mode(mode);
    auto reply = world.receive(std::move(activity));
    world.settle();
    return reply;
  }

  std::optional<InvokeResponse> response;
  bool rethrows = false;
  BotWorld world{bot()};
};

TEST_F(FailedInvoke, ThatTheBotHasDealtWithIs500) {
  test::CapturedLog log;
  const auto reply = ask();
  EXPECT_THAT(log.take(), AllOf(HasSubstr("an invoke is answered 500"), HasSubstr("secret")));
  EXPECT_EQ(reply->status(), 500U) << "501 says that the bot does not know it, and 200 what the failed handler had set";
  EXPECT_THAT(reply->body(), HasSubstr("ServiceError"));
  EXPECT_THAT(world.sender.texts(), ElementsAre("sorry"));
  rethrows = true;
  EXPECT_EQ(ask()->status(), 500U);
}

TEST_F(FailedInvoke, IsAnsweredWithWhatTheHandlerOfTheErrorSet) {
  test::CapturedLog log;
  for (const int status : {200, 404, 503}) {
    response = InvokeResponse(status, {{"retry", true}});
    const auto reply = ask();
    EXPECT_EQ(reply->status(), static_cast<unsigned>(status));
    EXPECT_EQ(reply->body(), R"({"retry":true})");
  }
  EXPECT_THAT(log.take(), testing::Not(HasSubstr("is answered 500")));
}

TEST_F(FailedInvoke, SaysSoAmongCollectedRepliesAndInAStream) {
  const auto collected = json::parse(ask("expectReplies")->reply.value().body).at("activities").as_array();
  ASSERT_EQ(collected.size(), 2U);
  EXPECT_EQ(collected[1].at("type"), "invokeResponse");
  EXPECT_EQ(collected[1].at("value").at("status"), 500);
  EXPECT_EQ(ask("stream")->plain.value().invoke_status, 500);
}

TEST_F(FailedInvoke, ThatNobodyAnsweredIsStill501) {
  auto activity = world.message("");
  activity.set_type("invoke");
  BotWorld other([] { return std::make_unique<FunctionBot>(); });
  auto reply = other.receive(std::move(activity));
  other.settle();
  EXPECT_EQ(reply->status(), 501U);
}

}  // namespace
}  // namespace tern
