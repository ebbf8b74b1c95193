// A channel of a bot's own in the bot's process, through a real app and in a world. Nothing in src/ knows of it.
#include <tern/tern.hpp>

#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"
#include "support/temporary_folder.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/testing.hpp>
#include <tern/turn/authenticator.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

const std::string pigeons = "urn:my-company:pigeons";

/// Where pigeons arrive.
class Loft {
 public:
  struct Arrival {
    std::string op;
    std::string text;
    std::string address;
    std::string conversation;
  };
  void add(Arrival arrival) {
    const std::lock_guard lock(mutex_);
    arrivals_.push_back(std::move(arrival));
    changed_.notify_all();
  }
  std::vector<std::string> texts() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    all.reserve(arrivals_.size());
    for (const auto& one : arrivals_) {
      all.push_back(one.text);
    }
    return all;
  }
  std::vector<Arrival> arrivals() const {
    const std::lock_guard lock(mutex_);
    return arrivals_;
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 30s, [&] { return arrivals_.size() >= count; }));
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Arrival> arrivals_;
};

class PigeonSender final : public ChannelSender {
 public:
  explicit PigeonSender(Loft& loft) : loft_(loft) {}
  awaitable<ResourceResponse> send(const Activity& activity, std::string, Deadline) override {
    note("send", activity);
    co_return ResourceResponse(json::object{{"id", "ring-1"}});
  }
  awaitable<ResourceResponse> update(const Activity& activity, Deadline) override {
    note("update", activity);
    co_return ResourceResponse();
  }
  awaitable<void> remove(const ConversationReference& reference, Deadline) override {
    note("remove", Activity(reference.json()));
    co_return;
  }
  awaitable<ConversationResourceResponse> create_conversation(std::string service_url, ConversationParameters,
                                                              Deadline) override {
    loft_.add({"create", "", service_url, ""});
    co_return ConversationResourceResponse(json::object{{"id", "new"}});
  }

 private:
  void note(std::string op, const Activity& activity) {
    loft_.add({std::move(op), std::string(activity.text()), std::string(activity.service_url().value_or("")),
               std::string(activity.conversation_id().value_or(""))});
  }
  Loft& loft_;
};

std::vector<InProcessChannel> with_pigeons(Loft& loft) {
  return {{pigeons, [&loft](const SenderContext&) { return std::make_unique<PigeonSender>(loft); }}};
}

json::object fields_of(const std::string& text, const std::string& id = {}) {
  return {{"type", "message"},
          {"id", id.empty() ? "in-" + text : id},
          {"text", text},
          {"channelId", "pigeons"},
          {"from", {{"id", "ada"}}},
          {"recipient", {{"id", "b"}}},
          {"conversation", {{"id", "c"}, {"conversationType", "personal"}}}};
}

/// Answers at once, and again after a delay. `who` is answered who has sent it.
BotFactory reply_bot(std::chrono::milliseconds later) {
  return [later] {
    auto bot = std::make_unique<FunctionBot>();
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
    bot->on_message([later](TurnContext& turn) -> awaitable<void> {
      const std::string text(turn.activity().text());
      if (text == "fail") {
        throw std::runtime_error("it failed");
      }
      if (text == "who") {
        const auto& caller = turn.identity();
        co_await turn.send(caller.app_id + " " + caller.tenant_id + " " + json::serialize(caller.claims));
        co_return;
      }
      co_await turn.send("now " + text);
      if (later > 0ms) {
        co_await turn.proactive().send_after(later, Activity::message("later " + text));
      }
    });
    bot->on_invoke("ask", [](TurnContext&) -> awaitable<std::optional<InvokeResponse>> {
      co_return InvokeResponse(207, {{"ok", true}});
    });
    return bot;
  };
}

Settings settings_for_a_test() {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = 2;
  settings.proactive.enabled = true;
  settings.log.level = log::Level::off;
  return settings;
}

/// An app with pigeons.
struct Coop {
  explicit Coop(std::chrono::milliseconds later = 0ms, Settings settings = settings_for_a_test(),
                App::Options options = {})
      : app(std::move(settings), reply_bot(later), added(std::move(options))) {
    app.start();
  }
  App::Options added(App::Options options) {
    options.channels = with_pigeons(loft);
    return options;
  }
  TurnResult bring(json::object fields, std::optional<Identity> caller = {}) {
    std::optional<TurnResult> result;
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
    app.post([&]() -> awaitable<void> {
         auto made = co_await app.inlet(pigeons).receive(Activity(fields), caller);
         result.emplace(std::move(made));
       })
        .get();
    return std::move(*result);
  }
  Loft loft;
  App app;
};

TEST(InProcessChannel, GetsRepliesAndScheduledSends) {
  Coop coop(20ms);
  EXPECT_EQ(coop.bring(fields_of("a")).outcome, TurnOutcome::done);
  coop.loft.wait_for(2);
  EXPECT_THAT(coop.loft.texts(), ElementsAre("now a", "later a"));
  EXPECT_EQ(coop.loft.arrivals().front().address, pigeons);
  EXPECT_TRUE(coop.app.stop());
}

TEST(InProcessChannel, LeavesOtherChannelsToTheirOwnWay) {
  Coop coop;
  test::FakeChannel other;
  auto fields = fields_of("a");
  fields["serviceUrl"] = other.url();
  EXPECT_EQ(test::post_activity(coop.app.port(), json::serialize(fields)).status, 200);
  EXPECT_EQ(json::parse(other.wait_for(1).back().body).at("text"), "now a");
  EXPECT_THAT(coop.loft.texts(), IsEmpty());
}

TEST(InProcessChannel, IsAskedFromAnyThread) {
  Coop coop;
  asio::io_context elsewhere;
  std::optional<TurnResult> result;
  asio::co_spawn(
      elsewhere,
      // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
      [&]() -> awaitable<void> {
        auto made = co_await coop.app.inlet(pigeons).receive(Activity(fields_of("a")));
        result.emplace(std::move(made));
      },
      asio::detached);
  elsewhere.run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->outcome, TurnOutcome::done);
  EXPECT_THAT(coop.loft.texts(), ElementsAre("now a"));
}

TEST(InProcessChannel, TellsWhatBecameOfATurn) {
  Coop coop;
  auto fields = fields_of("a");
  fields["deliveryMode"] = "expectReplies";
  const auto collected = coop.bring(fields);
  ASSERT_EQ(collected.replies.size(), 1U);
  EXPECT_EQ(collected.replies[0].text(), "now a");
  EXPECT_THAT(coop.loft.texts(), IsEmpty());

  auto ask = fields_of("", "ask-1");
  ask["type"] = "invoke";
  ask["name"] = "ask";
  const auto answered = coop.bring(ask);
  ASSERT_TRUE(answered.invoke_response);
  EXPECT_EQ(answered.invoke_response->status, 207);
  EXPECT_EQ(answered.invoke_response->body, json::parse(R"({"ok":true})"));
  ask["deliveryMode"] = "expectReplies";
  EXPECT_EQ(coop.bring(ask).invoke_response.value().status, 207);
  ask["deliveryMode"] = "stream";
  EXPECT_EQ(coop.bring(ask).invoke_response.value().status, 207);
  ask["name"] = "something else";
  ask["id"] = "ask-2";
  EXPECT_EQ(coop.bring(ask).invoke_response.value().status, 501);

  const auto failed = coop.bring(fields_of("fail"));
  EXPECT_EQ(failed.outcome, TurnOutcome::failed);
  EXPECT_FALSE(failed.is_accepted());
  EXPECT_THAT(failed.reason, HasSubstr("failed"));
  EXPECT_THAT(failed.reason, testing::Not(HasSubstr("it failed"))) << "that is for the log";
}

TEST(InProcessChannel, StreamsRepliesAsTheyAreSent) {
  Coop coop;
  auto fields = fields_of("a");
  fields["deliveryMode"] = "stream";
  EXPECT_THAT(coop.bring(fields).replies, testing::SizeIs(1));
  fields = fields_of("b");
  fields["deliveryMode"] = "stream";
  std::vector<std::string> streamed;
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> runs;
  coop.app
      // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
      .post([&]() -> awaitable<void> {
        const auto result =
            // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
            co_await coop.app.inlet(pigeons).receive(Activity(fields), {}, [&](StreamedReply reply) -> awaitable<void> {
              streamed.emplace_back(reply.activity.text());
              numbers.push_back(reply.number);
              runs.push_back(reply.run);
              co_return;
            });
        EXPECT_EQ(result.outcome, TurnOutcome::done);
        EXPECT_THAT(result.replies, IsEmpty());
      })
      .get();
  EXPECT_THAT(streamed, ElementsAre("now b"));
  EXPECT_THAT(numbers, ElementsAre(1U));
  EXPECT_THAT(runs, ElementsAre(testing::SizeIs(32)));
  fields = fields_of("fail");
  fields["deliveryMode"] = "stream";
  EXPECT_EQ(coop.bring(fields).outcome, TurnOutcome::failed);
}

TEST(InProcessChannel, ARepetitionGetsTheFirstAnswer) {
  Coop coop;
  for (const char* mode : {"normal", "expectReplies", "stream"}) {
    auto fields = fields_of("a", std::string("same-") + mode);
    fields["timestamp"] = "2026-11-30T10:00:00Z";
    fields["deliveryMode"] = mode;
    const auto first = coop.bring(fields);
    const auto second = coop.bring(fields);
    EXPECT_EQ(second.outcome, TurnOutcome::done);
    EXPECT_EQ(first.replies.size(), second.replies.size()) << mode;
  }
  EXPECT_THAT(coop.loft.texts(), ElementsAre("now a"));
}

TEST(InProcessChannel, SpeaksForItsUsersAndForNobodyElse) {
  Coop coop;
  coop.bring(fields_of("who", "1"));
  Identity claimed;
  claimed.kind = Identity::Kind::bot;
  claimed.app_id = "somebody else";
  claimed.tenant_id = "town";
  claimed.claims = {{"ring", 7}};
  coop.bring(fields_of("who", "2"), claimed);
  EXPECT_THAT(coop.loft.texts(), ElementsAre(pigeons + "  {}", pigeons + R"( town {"ring":7})"));
}

TEST(InProcessChannel, BringsNoActivityOfAnotherPlace) {
  Coop coop;
  for (const char* url : {"http://localhost:9", "urn:my-company:pigeons2", "urn:tern:direct-line", "urn:my-company",
                          "urn:my-company:pigeons:", "urn:my-company:pigeons:A", ""}) {
    auto fields = fields_of("a");
    fields["serviceUrl"] = url;
    EXPECT_THAT([&] { coop.bring(fields); }, ThrowsMessage<system_error>(HasSubstr("serviceUrl"))) << url;
  }
  auto untyped = fields_of("a");
  untyped.erase("type");
  EXPECT_THAT([&] { coop.bring(untyped); }, ThrowsMessage<system_error>(HasSubstr("type")));
  auto nowhere = fields_of("a");
  nowhere.erase("conversation");
  EXPECT_THAT([&] { coop.bring(nowhere); }, ThrowsMessage<system_error>(HasSubstr("conversation.id")));
  EXPECT_THAT([&] { (void)coop.app.inlet("urn:my-company:ravens"); },
              ThrowsMessage<system_error>(HasSubstr("urn:my-company:ravens")));
  auto below = fields_of("a");
  below["serviceUrl"] = pigeons + ":north";
  coop.bring(below);
  EXPECT_EQ(coop.loft.arrivals().at(0).address, pigeons + ":north");
}

TEST(InProcessChannel, IsToldWhenTheBotTakesNothingMore) {
  Loft loft;
  test::WorldOptions options;
  options.channels = with_pigeons(loft);
  options.settings = {{"limits.turns", 1}};
  test::World world(
      [] {
        auto bot = std::make_unique<FunctionBot>();
        bot->on_message([](TurnContext& turn) -> awaitable<void> { co_await sleep_for(1s, turn.clock()); });
        return bot;
      },
      std::move(options));
  const auto ada = world.user("ada");
  ada.say("takes the only place");
  const auto refused = world.run(world.inlet(pigeons).receive(Activity(fields_of("a"))));
  EXPECT_EQ(refused.outcome, TurnOutcome::overloaded);
  EXPECT_EQ(refused.retry_after, 1s);
  EXPECT_THAT(refused.reason, HasSubstr("limits.turns"));
}

TEST(InProcessChannel, IsToldWhenTheBotShutsDown) {
  Loft loft;
  App::Options options;
  options.channels = with_pigeons(loft);
  std::promise<void> begun;
  std::optional<TurnResult> refused;
  const auto bot = [&](const BotContext& context) {
    auto made = std::make_unique<FunctionBot>();
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
    made->on_message([&, inlet = &context.inlets.at(pigeons)](TurnContext& turn) -> awaitable<void> {
      if (turn.activity().text() != "first") {
        co_return;
      }
      begun.set_value();
      for (int i = 0; !refused; ++i) {  // this turn keeps the drain waiting
        auto fields = fields_of(std::to_string(i));
        fields["conversation"] = {{"id", "another"}};
        auto result = co_await inlet->receive(Activity(std::move(fields)));
        if (!result.is_accepted()) {
          refused.emplace(std::move(result));
        }
        co_await sleep_for(1ms, turn.clock());
      }
    });
    return made;
  };
  App app(settings_for_a_test(), bot, std::move(options));
  app.start();
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
  auto first = app.post([&]() -> awaitable<void> {
    const auto result = co_await app.inlet(pigeons).receive(Activity(fields_of("first")));
    EXPECT_EQ(result.outcome, TurnOutcome::done);
  });
  begun.get_future().get();
  EXPECT_TRUE(app.stop());
  first.get();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->outcome, TurnOutcome::shutting_down);
  EXPECT_EQ(refused->retry_after, 1s);
}

TEST(InProcessChannel, GetsUpdatesDeletionsAndNewConversations) {
  Loft loft;
  test::WorldOptions options;
  options.channels = with_pigeons(loft);
  test::World world(
      [] {
        auto bot = std::make_unique<FunctionBot>();
        bot->on_message([](TurnContext& turn) -> awaitable<void> {
          auto changed = Activity::message("changed");
          changed.set_id("ring-1");
          co_await turn.update(std::move(changed));
          co_await turn.remove("ring-1");
        });
        return bot;
      },
      std::move(options));
  world.run(world.inlet(pigeons).receive(Activity(fields_of("a"))));
  const auto made =
      world.run(world.proactive().create_conversation("pigeons", pigeons, ConversationParameters(), TurnHandler()));
  EXPECT_EQ(made.service_url(), pigeons);
  std::vector<std::string> ops;
  for (const auto& one : loft.arrivals()) {
    ops.push_back(one.op);
  }
  EXPECT_THAT(ops, ElementsAre("update", "remove", "create"));
}

/// Every way to write an address that somebody might take for one of a channel in the process.
const std::vector<std::string> disguises{
    "urn:my-company:pigeons",      "URN:my-company:pigeons",        "Urn:My-Company:Pigeons",
    "urn:tern:direct-line",        "URN:TERN:DIRECT-LINE",          "urn:tern:direct-line:",
    "urn:tern:direct%2Dline",      "urn%3Atern%3Adirect-line",      "%75rn:my-company:pigeons",
    " urn:my-company:pigeons",     "urn:my-company:pigeons ",       "\turn:my-company:pigeons",
    "urn: my-company:pigeons",     "urn:my-company:pigeons/",       "urn:my-company:pigeons?x=1",
    "urn:my-company:pigeons#x",    "urn://my-company:pigeons",      "urn:my-company:pigeons\n",
    "http:urn:my-company:pigeons", "http://urn:my-company:pigeons", "https://urn:my-company:pigeons/",
    "//urn:my-company:pigeons",    "urn\uFF1Amy-company:pigeons",   "u\u200Brn:my-company:pigeons"};

class Everybody final : public Authenticator {
 public:
  Authentication authenticate(const InboundRequest&) override {
    Identity caller;
    caller.kind = Identity::Kind::channel;
    return caller;
  }
};

TEST(InProcessChannel, NoStrangerSpeaksIntoItsConversations) {
  for (const bool is_authenticated : {false, true}) {
    App::Options options;
    if (is_authenticated) {
      options.authenticator = [](const BotContext&) { return std::make_unique<Everybody>(); };
    }
    auto settings = settings_for_a_test();
    settings.bot.allow_anonymous = !is_authenticated;
    Coop coop(0ms, std::move(settings), std::move(options));
    for (const auto& url : disguises) {
      for (const char* mode : {"normal", "expectReplies", "stream"}) {
        auto fields = fields_of("a");
        fields["serviceUrl"] = url;
        fields["deliveryMode"] = mode;
        const auto answer = test::post_activity(coop.app.port(), json::serialize(fields));
        EXPECT_EQ(answer.status, 400) << url << " " << mode;
        EXPECT_THAT(answer.body, HasSubstr("'serviceUrl' is wrong")) << url;
      }
    }
    EXPECT_THAT(coop.loft.texts(), IsEmpty());
  }
}

TEST(InProcessChannel, NoAuthenticatorTakesACallerForIt) {
  class Wrong final : public Authenticator {
   public:
    Authentication authenticate(const InboundRequest&) override {
      Identity caller;
      caller.kind = Identity::Kind::channel;
      caller.app_id = pigeons;
      return caller;
    }
  };
  App::Options options;
  options.authenticator = [](const BotContext&) { return std::make_unique<Wrong>(); };
  Coop coop(0ms, settings_for_a_test(), std::move(options));
  auto fields = fields_of("a");
  fields["serviceUrl"] = "http://localhost:9";
  EXPECT_EQ(test::post_activity(coop.app.port(), json::serialize(fields)).status, 500);
}

test::WorldOptions in_a_world(Loft& loft, bool is_authenticated) {
  test::WorldOptions options;
  options.channels = with_pigeons(loft);
  if (is_authenticated) {
    options.authenticator = [](const BotContext&) { return std::make_unique<Everybody>(); };
  }
  return options;
}

// Though a stranger may name its channel, its conversation and its user.
TEST(InProcessChannel, NobodyWhoComesOverHttpMovesItsConversations) {
  for (const bool is_authenticated : {false, true}) {
    Loft loft;
    test::World world(reply_bot(1h), in_a_world(loft, is_authenticated));
    world.run(world.inlet(pigeons).receive(Activity(fields_of("a"))));
    auto stranger = fields_of("b");
    stranger["serviceUrl"] = "http://localhost:9";
    stranger["deliveryMode"] = "expectReplies";
    world.user("ada").send(Activity(stranger)).expect_status(200);
    const auto found = world.run(world.proactive().find_reference("pigeons", "ada"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->service_url(), pigeons);
    auto removed = stranger;
    removed["type"] = "installationUpdate";
    removed["action"] = "remove";
    world.user("ada").send(Activity(removed)).expect_status(200);
    EXPECT_TRUE(world.run(world.proactive().find_reference("pigeons", "ada")));
    world.advance(1h);
    EXPECT_THAT(loft.texts(), testing::Contains("later a")) << is_authenticated;
    world.restart();
    world.run(world.proactive().send_after(*found, 1s, Activity::message("after the restart")));
    world.advance(1s);
    EXPECT_THAT(loft.texts(), testing::Contains("after the restart"));
  }
}

TEST(InProcessChannel, TakesNoConversationFromACheckedChannel) {
  Loft loft;
  test::World world(reply_bot(1h), in_a_world(loft, true));
  auto first = fields_of("a");
  first["serviceUrl"] = "http://localhost:9";
  world.user("ada").send(Activity(first)).expect_status(200);
  world.run(world.inlet(pigeons).receive(Activity(fields_of("b"))));
  EXPECT_EQ(world.run(world.proactive().find_reference("pigeons", "ada")).value().service_url(), "http://localhost:9");
  world.advance(1h);
  EXPECT_THAT(loft.texts(), ElementsAre("now b", "later b"));
}

TEST(InProcessChannel, NoServerBeginsAConversationThere) {
  /// Answers with another address than it was asked for.
  class Liar final : public ChannelSender {
   public:
    explicit Liar(std::string address) : address_(std::move(address)) {}
    awaitable<ResourceResponse> send(const Activity&, std::string, Deadline) override { co_return ResourceResponse(); }
    awaitable<ResourceResponse> update(const Activity&, Deadline) override { co_return ResourceResponse(); }
    awaitable<void> remove(const ConversationReference&, Deadline) override { co_return; }
    awaitable<ConversationResourceResponse> create_conversation(std::string, ConversationParameters,
                                                                Deadline) override {
      co_return ConversationResourceResponse(json::object{{"id", "c"}, {"serviceUrl", address_}});
    }

   private:
    std::string address_;
  };
  Loft loft;
  const auto begin_at = [&loft](const std::string& asked, const std::string& answered) {
    auto options = in_a_world(loft, false);
    options.channel_sender = [answered](const SenderContext&) { return std::make_unique<Liar>(answered); };
    test::World world(reply_bot(0ms), std::move(options));
    const auto made =
        world.run(world.proactive().create_conversation("x", asked, ConversationParameters(), TurnHandler()));
    return std::string(made.service_url().value_or(""));
  };
  EXPECT_EQ(begin_at("http://localhost:9", "http://localhost:8"), "http://localhost:8");
  EXPECT_THAT([&] { begin_at("http://localhost:9", pigeons); },
              ThrowsMessage<system_error>(HasSubstr("not one of its own")));
}

// In a bot that asks nobody, what was there before may have come from anybody.
TEST(InProcessChannel, TakesItsConversationBackFromWhoeverNamedItBefore) {
  Loft loft;
  test::World world(reply_bot(1h), in_a_world(loft, false));
  auto stranger = fields_of("a");
  stranger["serviceUrl"] = "http://localhost:9";
  world.user("ada").send(Activity(stranger)).expect_status(200);
  world.run(world.inlet(pigeons).receive(Activity(fields_of("b"))));
  EXPECT_EQ(world.run(world.proactive().find_reference("pigeons", "ada")).value().service_url(), pigeons);
}

// Of a reference that the bot has made itself, which nobody vouches for.
TEST(InProcessChannel, ASendToItStaysThereWhateverIsStored) {
  Loft loft;
  test::World world(reply_bot(1h), in_a_world(loft, false));
  ConversationReference made;
  made.set_service_url(pigeons).set_channel_id("pigeons");
  made.set_conversation(ConversationAccount().set_id("c"));
  made.set_user(ChannelAccount().set_id("ada"));
  world.run(world.proactive().send_after(made, 1s, Activity::message("by hand")));
  auto stranger = fields_of("a");
  stranger["serviceUrl"] = "http://localhost:9";
  world.user("ada").send(Activity(stranger)).expect_status(200);
  world.advance(1s);
  EXPECT_THAT(loft.texts(), ElementsAre("by hand"));
}

TEST(InProcessChannel, KeepsToLimitsOfSends) {
  Loft loft;
  auto options = in_a_world(loft, false);
  options.settings = {{"send_limits.others", "conversation=2/1m"}};
  test::World world(reply_bot(0ms), std::move(options));
  world.run(world.inlet(pigeons).receive(Activity(fields_of("a"))));
  const auto found = world.run(world.proactive().find_reference("pigeons", "ada"));
  for (const char* text : {"1", "2", "3"}) {
    world.run(world.proactive().send_after(found.value(), 1s, Activity::message(text)));
  }
  world.advance(30s);
  EXPECT_THAT(loft.texts(), testing::SizeIs(2));
  world.advance(5min);
  EXPECT_THAT(loft.texts(), ElementsAre("now a", "1", "2", "3"));
}

TEST(InProcessChannel, IsReachedFromTheProactivePaths) {
  auto settings = settings_for_a_test();
  settings.proactive.secret = "a secret of more than 32 characters";
  Coop coop(0ms, std::move(settings));
  const auto send = [&](std::string_view address) {
    const auto body = json::serialize(json::object{
        {"reference", {{"channelId", "pigeons"}, {"serviceUrl", address}, {"conversation", {{"id", "c"}}}}},
        {"activity", {{"type", "message"}, {"text", "from cron"}}}});
    return test::exchange_bytes(coop.app.port(),
                                "POST /proactive/send HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                "Authorization: Bearer a secret of more than 32 characters\r\n"
                                "Content-Type: application/json\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  EXPECT_EQ(send(pigeons).status, 200);
  EXPECT_THAT(coop.loft.texts(), ElementsAre("from cron"));
  EXPECT_EQ(send("urn:my-company:ravens").status, 403);
  EXPECT_EQ(send("URN:MY-COMPANY:PIGEONS").status, 403);
}

TEST(InProcessChannel, NeedsAnAddressOfItsOwn) {
  const auto refusal_of = [](std::vector<std::string> addresses) {
    Loft loft;
    App::Options options;
    for (auto& address : addresses) {
      options.channels.push_back(with_pigeons(loft).front());
      options.channels.back().address = std::move(address);
    }
    try {
      App(settings_for_a_test(), reply_bot(0ms), std::move(options));
    } catch (const system_error& e) {
      return message_of(e);
    }
    return std::string("none");
  };
  for (const char* address : {"", "urn:", "urn:x", "urn:x:", "urn::x", "URN:x:y", "urn:x:Y", "urn:x:y z",
                              "https://my-company.example", "mailto:x:y", "urn:x:y/z"}) {
    EXPECT_THAT(refusal_of({address}), HasSubstr("no usable address")) << address;
  }
  EXPECT_THAT(refusal_of({"urn:x:" + std::string(100, 'y')}), HasSubstr("64 characters"));
  EXPECT_THAT(refusal_of({"urn:tern:direct-line"}), HasSubstr("Tern's own"));
  EXPECT_THAT(refusal_of({"urn:x:y", "urn:x:y"}), HasSubstr("address of another channel"));
  EXPECT_THAT(refusal_of({"urn:x:y", "urn:x:y:z"}), HasSubstr("above or below"));
  EXPECT_THAT(refusal_of({"urn:x:y:z", "urn:x:y"}), HasSubstr("above or below"));
  EXPECT_EQ(refusal_of({"urn:x:y", "urn:x:yz", "urn:terns:y"}), "none");
}

TEST(InProcessChannel, NeedsASenderForEachShard) {
  App::Options options;
  options.channels = {{pigeons, {}}};
  EXPECT_THAT([&] { App(settings_for_a_test(), reply_bot(0ms), options); },
              ThrowsMessage<system_error>(HasSubstr("no factory")));
  options.channels = {{pigeons, [](const SenderContext&) { return std::unique_ptr<ChannelSender>(); }}};
  EXPECT_THAT([&] { App(settings_for_a_test(), reply_bot(0ms), options); },
              ThrowsMessage<system_error>(HasSubstr("returned no sender")));
}

#ifdef TERN_HAS_ROCKSDB
TEST(InProcessChannel, ItsReferencesAndSendsSurviveARestart) {
  const test::TemporaryFolder folder;
  Loft loft;
  auto settings = settings_for_a_test();
  settings.storage.kind = "rocksdb";
  settings.storage.path = folder.path() / "data";
  ManualClock clock;
  App::Options options;
  options.clock = &clock;
  options.channels = with_pigeons(loft);
  options.authenticator = [](const BotContext&) { return std::make_unique<Everybody>(); };
  {
    App app(settings, reply_bot(24h), options);
    app.start();
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it is kept until it has ended
    app.post([&]() -> awaitable<void> { (void)co_await app.inlet(pigeons).receive(Activity(fields_of("a"))); }).get();
    EXPECT_TRUE(app.stop());
  }
  clock.advance(25h);
  App app(settings, reply_bot(24h), options);
  app.start();
  loft.wait_for(2);
  EXPECT_THAT(loft.texts(), ElementsAre("now a", "later a"));
}
#endif

}  // namespace
}  // namespace tern
