// A channel of a bot's own, through a real app. Nothing in src/ knows of it.
#include <tern/tern.hpp>

#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"
#include "support/temporary_folder.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/testing.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view box_url = "https://mailbox.invalid/";

/// Where the messages of the channel arrive: letters in memory.
class MailBox {
 public:
  struct Letter {
    std::string text;
    std::string conversation;
    std::string request_id;
    std::thread::id by;
  };

  /// What happens to the next letters instead of arriving.
  void fail_next(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(std::move(error));
  }
  std::string put(Letter letter) {
    const std::lock_guard lock(mutex_);
    tries_.push_back(letter.request_id);
    changed_.notify_all();
    if (!failures_.empty()) {
      const auto failure = failures_.front();
      failures_.pop_front();
      std::rethrow_exception(failure);
    }
    letters_.push_back(std::move(letter));
    return "letter-" + std::to_string(letters_.size());
  }
  std::vector<Letter> letters() const {
    const std::lock_guard lock(mutex_);
    return letters_;
  }
  /// The request ids of all letters, those that did not arrive included.
  std::vector<std::string> tries() const {
    const std::lock_guard lock(mutex_);
    return tries_;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& letter : letters()) {
      all.push_back(letter.text);
    }
    return all;
  }
  /// Waits until so many letters have arrived.
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 30s, [&] { return letters_.size() >= count; }));
  }
  /// Waits until the sender has tried so often.
  void wait_for_tries(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 30s, [&] { return tries_.size() >= count; }));
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Letter> letters_;
  std::deque<std::exception_ptr> failures_;
  std::vector<std::string> tries_;
};

/// Puts letters into the box, after a while if it is told so. What is not for the box goes to Tern's own sender.
class MailSender final : public ChannelSender {
 public:
  MailSender(MailBox& box, const SenderContext& context, std::chrono::milliseconds takes)
      : box_(box),
        clock_(context.clock),
        connector_(context.connector),
        takes_(takes),
        begun_(context.metrics.counter("my_letters_begun_total", "")),
        sent_(context.metrics.counter("my_letters_total", "Letters.")) {}

  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) override {
    return send_if(activity, std::move(request_id), by, {});
  }
  awaitable<ResourceResponse> send_if(const Activity& activity, std::string request_id, Deadline by,
                                      std::function<bool()> may_begin) override {
    if (activity.service_url() != box_url) {
      auto response = co_await connector_.send_if(activity, std::move(request_id), by, std::move(may_begin));
      co_return response;
    }
    begun_.inc();
    if (takes_ > 0ms) {
      co_await sleep_for(takes_, clock_);
    }
    if (may_begin && !may_begin()) {
      throw_error(errc::timed_out, "The letter may not go any more.");
    }
    const auto id = box_.put({std::string(activity.text()), std::string(activity.conversation_id().value_or("")),
                              request_id, std::this_thread::get_id()});
    sent_.inc();
    co_return ResourceResponse(json::object{{"id", id}});
  }
  awaitable<ResourceResponse> update(const Activity&, Deadline) override {
    throw_error(errc::channel_rejected, "A letter is not changed any more.");
  }
  awaitable<void> remove(const ConversationReference&, Deadline) override {
    throw_error(errc::channel_rejected, "A letter does not come back.");
  }
  awaitable<ConversationResourceResponse> create_conversation(std::string, ConversationParameters, Deadline) override {
    co_return ConversationResourceResponse(json::object{{"id", "new"}});
  }
  bool sends_to(std::string_view service_url) const noexcept override {
    return service_url == box_url || connector_.sends_to(service_url);
  }

 private:
  MailBox& box_;
  Clock& clock_;
  ChannelSender& connector_;
  std::chrono::milliseconds takes_;
  Counter begun_;
  Counter sent_;
};

App::Options through(MailBox& box, std::chrono::milliseconds takes = 0ms) {
  App::Options options;
  options.channel_sender = [&box, takes](const SenderContext& context) {
    return std::make_unique<MailSender>(box, context, takes);
  };
  return options;
}

Settings on_a_free_port() {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = 2;
  settings.proactive.enabled = true;
  settings.log.level = log::Level::off;
  return settings;
}

std::string message(const std::string& text, std::string_view service_url = box_url,
                    const std::string& conversation = "c") {
  json::object activity{{"type", "message"},
                        {"id", "in-" + text},
                        {"text", text},
                        {"channelId", "letters"},
                        {"serviceUrl", service_url},
                        {"from", {{"id", "u"}}},
                        {"recipient", {{"id", "b"}}},
                        {"conversation", {{"id", conversation}}}};
  return json::serialize(activity);
}

/// Answers at once, and again after a delay.
BotFactory echo_bot(std::chrono::milliseconds later) {
  return [later] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([later](TurnContext& turn) -> awaitable<void> {
      const std::string text(turn.activity().text());
      co_await turn.send("now " + text);
      co_await turn.proactive().send_after(later, Activity::message("later " + text));
    });
    return bot;
  };
}

TEST(OwnChannel, GetsRepliesAndScheduledSends) {
  MailBox box;
  App app(on_a_free_port(), echo_bot(20ms), through(box));
  app.start();
  EXPECT_EQ(test::post_activity(app.port(), message("a")).status, 200);
  box.wait_for(2);
  EXPECT_THAT(box.texts(), ElementsAre("now a", "later a"));
  EXPECT_THAT(box.letters().back().request_id, testing::Not(IsEmpty())) << "the same at each try";
  EXPECT_TRUE(app.stop());
  EXPECT_THAT(app.metrics().expose(), HasSubstr("my_letters_total 2\n"));
}

TEST(OwnChannel, LeavesOtherChannelsToTernsOwnSender) {
  MailBox box;
  test::FakeChannel other;
  App app(on_a_free_port(), echo_bot(0ms), through(box));
  app.start();
  EXPECT_EQ(test::post_activity(app.port(), message("a", other.url())).status, 200);
  EXPECT_EQ(json::parse(other.wait_for(2).back().body).at("text"), "later a");
  EXPECT_THAT(box.texts(), IsEmpty());
}

TEST(OwnChannel, SaysWhereTheBotMayAnswer) {
  MailBox box;
  App app(on_a_free_port(), echo_bot(0ms), through(box));
  app.start();
  const auto refused = test::post_activity(app.port(), message("a", "https://elsewhere.invalid/"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(json::parse(refused.body).at("error").at("code"), "ServiceUrlNotAllowed");
}

TEST(OwnChannel, EachShardHasItsOwnSender) {
  MailBox box;
  auto settings = on_a_free_port();
  settings.listen.threads = 4;
  std::vector<executor> shards;
  App::Options options;
  options.channel_sender = [&](const SenderContext& context) {
    shards.push_back(context.shard);
    return std::make_unique<MailSender>(box, context, 0ms);
  };
  App app(settings, echo_bot(24h), std::move(options));
  EXPECT_EQ(shards.size(), 4U);
  app.start();
  for (int i = 0; i < 32; ++i) {
    const auto name = std::to_string(i);
    EXPECT_EQ(test::post_activity(app.port(), message(name, box_url, name)).status, 200);
  }
  std::set<std::thread::id> threads;
  for (const auto& letter : box.letters()) {
    threads.insert(letter.by);
  }
  EXPECT_GT(threads.size(), 1U);
  shards.clear();
}

ConversationReference reference(const std::string& conversation = "c") {
  ConversationReference made;
  made.set_service_url(std::string(box_url)).set_channel_id("letters");
  made.set_conversation(ConversationAccount().set_id(conversation));
  return made;
}

/// Schedules a message from outside any turn.
void schedule(const App& app, WallTime::duration delay, std::string text, SendOptions options = {}) {
  app.post([&]() -> awaitable<void> {
       (void)co_await app.proactive().send_after(reference(), delay, Activity::message(text), options);
     })
      .get();
}

std::exception_ptr refusal(int status) {
  return std::make_exception_ptr(ChannelError(status, "Refused", std::nullopt, "no", ChannelError::By::channel));
}

BotFactory silent_bot() {
  return [] { return std::make_unique<FunctionBot>(); };
}

SendCounts counts(const App& app) {
  SendCounts found;
  app.post([&]() -> awaitable<void> { found = co_await app.proactive().counts(); }).get();
  return found;
}

test::WorldOptions in_a_world(MailBox& box) {
  test::WorldOptions options;
  options.channel_sender = through(box).channel_sender;
  return options;
}

void schedule(test::World& world, WallTime::duration delay, const std::string& text) {
  (void)world.run(world.proactive().send_after(reference(), delay, Activity::message(text)));
}

TEST(OwnChannel, ASendThatFailedIsTriedAgainWithTheSameRequestId) {
  MailBox box;
  test::World world(silent_bot(), in_a_world(box));
  box.fail_next(refusal(503));
  schedule(world, 1s, "patient");
  world.advance(1s);
  EXPECT_EQ(box.tries().size(), 1U);
  EXPECT_THAT(box.texts(), IsEmpty());
  world.advance(1h);
  EXPECT_THAT(box.texts(), ElementsAre("patient"));
  EXPECT_THAT(box.tries(), ElementsAre(box.tries().front(), box.tries().front()));
  world.expect_nothing_pending();
}

TEST(OwnChannel, ASendThatItRefusesIsDead) {
  MailBox box;
  box.fail_next(refusal(400));
  App app(on_a_free_port(), silent_bot(), through(box));
  app.start();
  schedule(app, 0ms, "unwanted");
  box.wait_for_tries(1);
  while (counts(app).dead == 0) {
    std::this_thread::yield();
  }
  EXPECT_THAT(box.texts(), IsEmpty());
}

TEST(OwnChannel, KeepsToTheLimitsOfItsChannel) {
  MailBox box;
  auto options = in_a_world(box);
  options.settings = {{"send_limits.others", "conversation=2/1m"}};
  test::World world(silent_bot(), std::move(options));
  for (const char* text : {"1", "2", "3"}) {
    schedule(world, 1s, text);
  }
  world.advance(30s);
  EXPECT_THAT(box.texts(), ElementsAre("1", "2"));
  world.advance(5min);
  EXPECT_THAT(box.texts(), ElementsAre("1", "2", "3"));
}

TEST(OwnChannel, LeavesOtherChannelsToTheChannelOfAWorld) {
  MailBox box;
  auto world = test::World(echo_bot(1s), in_a_world(box));
  const auto ada = world.user("ada");
  ada.say("a");
  world.advance(1s);
  ada.expect({"now a", "later a"});
  EXPECT_THAT(box.texts(), IsEmpty());
}

TEST(OwnChannel, StopWaitsForASendUnderWay) {
  MailBox box;
  App app(on_a_free_port(), silent_bot(), through(box, 100ms));
  app.start();
  schedule(app, 0ms, "slow");
  while (app.metrics().counter("my_letters_begun_total", "").value() == 0) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(app.stop());
  EXPECT_THAT(box.texts(), ElementsAre("slow"));
}

TEST(OwnChannel, AnAppEndsWhileASendHangs) {
  MailBox box;
  auto settings = on_a_free_port();
  settings.drain.deadline = 100ms;
  {
    App app(settings, silent_bot(), through(box, 1h));
    app.start();
    schedule(app, 0ms, "stuck");
    while (app.metrics().counter("my_letters_begun_total", "").value() == 0) {
      std::this_thread::yield();
    }
    EXPECT_FALSE(app.stop());
  }
  EXPECT_THAT(box.texts(), IsEmpty());
}

TEST(OwnChannel, AFactoryThatFailsStopsTheStart) {
  App::Options options;
  options.channel_sender = [](const SenderContext&) -> std::unique_ptr<ChannelSender> {
    throw std::runtime_error("no post office");
  };
  EXPECT_THAT([&] { App(on_a_free_port(), silent_bot(), options); },
              testing::ThrowsMessage<std::runtime_error>("no post office"));
  options.channel_sender = [](const SenderContext&) { return std::unique_ptr<ChannelSender>(); };
  EXPECT_THAT([&] { App(on_a_free_port(), silent_bot(), options); },
              testing::ThrowsMessage<system_error>(HasSubstr("AppOptions::channel_sender")));
}

#ifdef TERN_HAS_ROCKSDB
TEST(OwnChannel, AScheduledSendSurvivesARestart) {
  const test::TemporaryFolder folder;
  MailBox box;
  auto settings = on_a_free_port();
  settings.storage.kind = "rocksdb";
  settings.storage.path = folder.path() / "data";
  ManualClock clock;
  auto options = through(box);
  options.clock = &clock;
  {
    App app(settings, silent_bot(), options);
    app.start();
    schedule(app, 24h, "tomorrow");
    EXPECT_TRUE(app.stop());
  }
  clock.advance(25h);
  App app(settings, silent_bot(), options);
  app.start();
  box.wait_for(1);
  EXPECT_THAT(box.texts(), ElementsAre("tomorrow"));
}
#endif

}  // namespace
}  // namespace tern
