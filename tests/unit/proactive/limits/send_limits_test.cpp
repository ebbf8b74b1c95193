// The whole schedule against channels with limits, on a manual clock.
#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using proactive::ChannelLimits;
using proactive::SendWindow;
using test::BotWorld;

runtime::Runtime::MakeBot silent_bot() {
  return test::message_bot([](TurnContext&) -> awaitable<void> { co_return; });
}

proactive::SendLimits limits_of(const std::string& channel, const std::string& text) {
  proactive::SendLimits limits;
  limits.channels[channel] = *ChannelLimits::parse(text);
  return limits;
}

/// A channel that enforces its limits and remembers who was told to wait.
class LimitedChannel {
 public:
  LimitedChannel(Clock& clock, const std::string& limits) : clock_(clock), limits_(*ChannelLimits::parse(limits)) {}

  /// Every so many sends, one is refused for no reason that the bot can know.
  double refuses = 0;
  /// All of the tenant is refused in this time.
  std::string tenant_in_trouble;
  SteadyTime trouble_begins = SteadyTime::max();
  SteadyTime trouble_ends{};

  std::size_t accepted = 0;
  std::size_t throttled = 0;
  std::vector<std::string> broken;
  std::map<std::string, SteadyTime> last_accepted;
  std::map<std::string, SteadyTime::duration> frozen;

  void judge(const Activity& activity) {
    const auto now = clock_.now();
    const auto conversation = std::string(activity.conversation_id().value_or(""));
    const auto tenant = conversation.substr(0, conversation.find('/'));
    if (now < told_[conversation]) {
      broken.push_back(conversation + " inside its Retry-After");
    }
    look_at(conversation, limits_.conversation, now);
    look_at(tenant, limits_.tenant, now);
    look_at("bot", limits_.bot, now);
    if (tenant == tenant_in_trouble && now >= trouble_begins && now < trouble_ends) {
      refuse(conversation, std::chrono::ceil<std::chrono::seconds>(trouble_ends - now));
    }
    if (std::uniform_real_distribution<double>(0, 1)(random_) < refuses) {
      refuse(conversation, 2s);
    }
    ++accepted;
    last_accepted[conversation] = now;
    for (const auto& scope : {conversation, tenant, std::string("bot")}) {
      counted_[scope].push_back(now);
    }
  }

 private:
  void look_at(const std::string& scope, const std::vector<SendWindow>& windows, SteadyTime now) {
    const auto& times = counted_[scope];
    for (const auto& window : windows) {
      const auto since = std::upper_bound(times.begin(), times.end(), now - window.length);
      if (static_cast<std::size_t>(times.end() - since) >= window.sends) {
        broken.push_back(scope + " over " + std::to_string(window.sends) + " in " +
                         std::to_string(window.length.count()) + " ms");
      }
    }
  }
  [[noreturn]] void refuse(const std::string& conversation, std::chrono::milliseconds wait) {
    ++throttled;
    told_[conversation] = clock_.now() + wait;
    frozen[conversation] += wait;
    throw ChannelError(429, "too many", wait);
  }

  Clock& clock_;
  const ChannelLimits limits_;
  std::map<std::string, std::vector<SteadyTime>> counted_;
  std::map<std::string, SteadyTime> told_;
  std::minstd_rand random_{7};
};

class SendLimitsTest : public ::testing::Test {
 protected:
  void begin(const std::string& channel_name, const std::string& limits) {
    name_ = channel_name;
    world_.emplace(silent_bot(), runtime::RuntimeOptions(), true, proactive::SchedulerOptions(),
                   std::make_shared<test::StorageFaults>(), limits_of(channel_name, limits));
    channel_.emplace(world_->clock, limits);
    world_->sender.takes = 30ms;
    world_->sender.judge = [this](const Activity& activity) { channel_->judge(activity); };
  }

  void schedule(const std::string& tenant, const std::string& conversation, int count) {
    auto message = world_->message("x", tenant + "/" + conversation);
    message.set_channel_id(name_);
    auto fields = message.json();
    fields["conversation"].as_object()["tenantId"] = tenant;
    const auto reference = Activity(std::move(fields)).reference();
    for (int i = 0; i < count; ++i) {
      test::run_on(world_->io(),
                   world_->proactive->send_after(reference, 1s, Activity::message(std::to_string(i)), {}));
    }
    scheduled_ += static_cast<std::size_t>(count);
  }

  // How long it took until all had arrived.
  std::chrono::duration<double> deliver(std::chrono::seconds patience) {
    world_->pass(999ms);
    const auto start = world_->clock.now();
    auto last = start;
    while (channel_->accepted < scheduled_ && world_->clock.now() < start + patience) {
      world_->pass(10ms, 5ms);
      last = world_->clock.now();
    }
    EXPECT_EQ(channel_->accepted, scheduled_) << "everything is delivered";
    EXPECT_THAT(channel_->broken, testing::IsEmpty());
    return last - start;
  }

  std::string name_;
  std::optional<BotWorld> world_;
  std::optional<LimitedChannel> channel_;
  std::size_t scheduled_ = 0;
};

constexpr const char* teams = "conversation=7/1s,8/2s,60/30s,1800/1h tenant=50/1s";

// Three tenants with 1,200 sends each at once, at most 50 a second each: 24 s. One tenant is refused altogether for 3
// s.
TEST_F(SendLimitsTest, AStormInTeamsIsDeliveredAtTheRateThatItsLimitsAllow) {
  begin("msteams", teams);
  for (const auto* tenant : {"one", "two", "three"}) {
    for (int i = 0; i < 40; ++i) {
      schedule(tenant, std::to_string(i), 30);
    }
  }
  channel_->tenant_in_trouble = "two";
  channel_->trouble_begins = world_->clock.now() + 6s;
  channel_->trouble_ends = world_->clock.now() + 9s;
  const auto took = deliver(120s);
  EXPECT_GT(channel_->throttled, 0U);
  EXPECT_LT(channel_->throttled, 60U) << "the tenant is frozen once a few of its conversations are refused";
  EXPECT_LE(took.count(), (24.0 + 3.0) / 0.9);
}

// A conversation with more than its share.
TEST_F(SendLimitsTest, OneConversationInTeamsGoesAsFastAsItsWindowsAllow) {
  begin("msteams", teams);
  schedule("one", "c", 200);
  EXPECT_LE(deliver(300s).count(), (90.0 + 4.0) / 0.9) << "60 in 30 s, and the last 20 with 8 in 2 s";
}

// Fifty channels with twenty sends each, one a second in each, and one in twenty is refused for 2 s.
TEST_F(SendLimitsTest, AStormInSlackIsDeliveredAtTheRateThatItsLimitsAllow) {
  begin("slack", "conversation=1/1s");
  constexpr int channels = 50;
  constexpr int each = 20;
  for (int i = 0; i < channels; ++i) {
    schedule("team", std::to_string(i), each);
  }
  channel_->refuses = 0.05;
  const auto start = world_->clock.now() + 1s;
  deliver(300s);
  EXPECT_GT(channel_->throttled, 20U);
  double allowed = 0;
  double took = 0;
  for (const auto& [conversation, last] : channel_->last_accepted) {
    const auto frozen = std::chrono::duration<double>(channel_->frozen[conversation]).count();
    allowed += static_cast<double>(each - 1) + frozen;
    took += std::chrono::duration<double>(last - start).count();
  }
  EXPECT_GE(allowed / took, 0.9);
}

// Two thousand chats, 30 a second in all: most of them wait in the store, and none comes back in vain for long.
TEST_F(SendLimitsTest, MoreThanMemoryHoldsWaitsInTheStoreAndComesBackInTime) {
  begin("telegram", "conversation=1/1s bot=30/1s");
  for (int i = 0; i < 2'000; ++i) {
    schedule("", std::to_string(i), 1);
  }
  EXPECT_LE(deliver(300s).count(), 2'000.0 / 30.0 / 0.9);
}

TEST_F(SendLimitsTest, WhatWaitsInTheStoreOrInMemoryCanBeCancelled) {
  begin("slack", "conversation=1/20s");
  schedule("team", "c", 1);
  auto fields = world_->message("x", "team/c").json();
  fields["channelId"] = "slack";
  fields["conversation"].as_object()["tenantId"] = "team";
  const auto handle = test::run_on(world_->io(), world_->proactive->send_after(Activity(std::move(fields)).reference(),
                                                                               2s, Activity::message("never"), {}));
  deliver(10s);
  world_->pass(5s);  // the second is due, and has 16 s to wait: in the store
  EXPECT_EQ(test::run_on(world_->io(), world_->proactive->cancel(handle)), CancelOutcome::cancelled);
  world_->pass(60s);
  EXPECT_EQ(channel_->accepted, 1U);
}

TEST_F(SendLimitsTest, CancelAllTakesWhatWaitsForAMoment) {
  begin("slack", "conversation=1/3s");
  schedule("team", "c", 5);
  world_->pass(2s);
  ASSERT_EQ(channel_->accepted, 1U);
  auto fields = world_->message("x", "team/c").json();
  fields["channelId"] = "slack";
  EXPECT_EQ(test::run_on(world_->io(), world_->proactive->cancel_all(Activity(std::move(fields)).reference())), 4U);
  world_->pass(60s);
  EXPECT_EQ(channel_->accepted, 1U);
  EXPECT_EQ(test::run_on(world_->io(), world_->proactive->counts()).pending, 0U);
}

TEST_F(SendLimitsTest, AStopLeavesWhatWaitsForTheNextProcess) {
  begin("slack", "conversation=1/4s");
  schedule("team", "c", 2);
  world_->pass(2s);
  EXPECT_EQ(channel_->accepted, 1U);
  EXPECT_TRUE(test::run_on(world_->io(), world_->proactive->drain(Deadline::after(1s, world_->clock))));
  EXPECT_EQ(test::run_on(world_->io(), world_->proactive->counts()).pending, 1U);
}

// A bad secret: every conversation is refused. Nobody's conversation is gone.
TEST_F(SendLimitsTest, ABurstOfRefusalsPausesTheBotAndBuriesNothing) {
  begin("slack", "none");
  for (int i = 0; i < 40; ++i) {
    schedule("team", std::to_string(i), 1);
  }
  bool is_refused = true;
  std::size_t refused = 0;
  world_->sender.judge = [&](const Activity& activity) {
    if (is_refused) {
      ++refused;
      throw ChannelError(403, "no", std::nullopt);
    }
    channel_->judge(activity);
  };
  world_->pass(100s, 50ms);
  EXPECT_LE(refused, 65U) << "after the first burst the bot rests, tries a few, and rests for longer";
  is_refused = false;
  world_->pass(300s, 50ms);
  EXPECT_EQ(channel_->accepted, 40U);
  EXPECT_EQ(test::run_on(world_->io(), world_->proactive->counts()).dead, 0U);
}

TEST_F(SendLimitsTest, OneRefusalIsTheConversationsOwn) {
  begin("slack", "none");
  schedule("team", "c", 1);
  world_->sender.judge = [](const Activity&) { throw ChannelError(403, "no", std::nullopt); };
  world_->pass(10s, 50ms);
  EXPECT_EQ(test::run_on(world_->io(), world_->proactive->counts()).dead, 0U) << "others may be refused as well";
  world_->pass(30s, 50ms);
  const auto dead = test::run_on(world_->io(), world_->proactive->dead_letters().list());
  ASSERT_EQ(dead.letters.size(), 1U);
  EXPECT_EQ(dead.letters[0].reason, "conversation_gone");
}

TEST_F(SendLimitsTest, AReferenceWhoseConversationIsGoneIsFoundNoMoreUntilTheUserWrites) {
  begin("emulator", "none");
  const auto write = [&] {
    world_->say("hello", "team/c");
    world_->settle();
  };
  const auto find = [&] { return test::run_on(world_->io(), world_->proactive->find_reference("emulator", "user-1")); };
  write();
  ASSERT_TRUE(find());
  world_->sender.judge = [](const Activity&) { throw ChannelError(404, "no", std::nullopt); };
  test::run_on(world_->io(), world_->proactive->send_after(*find(), 1s, Activity::message("x"), {}));
  world_->pass(2s);
  EXPECT_FALSE(find());
  world_->sender.judge = nullptr;
  write();
  EXPECT_TRUE(find());
}

}  // namespace
}  // namespace tern
