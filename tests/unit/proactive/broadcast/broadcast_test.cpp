#include "proactive/broadcast/broadcaster.hpp"
#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;

runtime::Runtime::MakeBot silent_bot() {
  return test::message_bot([](TurnContext&) -> awaitable<void> { co_return; });
}

class Broadcast : public ::testing::Test {
 protected:
  void know(int conversations) {
    for (int i = 0; i < conversations; ++i) {
      world.say("hello", "conversation-" + std::to_string(i));
    }
    world.sender.calls.clear();
  }
  std::string begin(Recipients recipients, BroadcastOptions options = {}) {
    auto id = test::run_on(
        world.io(), world.proactive->broadcasts().start(std::move(recipients), Activity::message("news"), options));
    world.settle();
    return id;
  }
  BroadcastProgress progress(const std::string& id) {
    return test::run_on(world.io(), world.proactive->broadcasts().progress(id)).value();
  }
  void know_groups(int conversations, int users, const std::string& tenant = {}) {
    for (int i = 0; i < conversations * users; ++i) {
      auto fields = world.message("x", "group-" + std::to_string(i % conversations)).json();
      fields["from"] = {{"id", "user-" + std::to_string(i / conversations)}};
      auto& conversation = fields["conversation"].as_object();
      conversation["isGroup"] = true;
      conversation["conversationType"] = "groupChat";
      if (!tenant.empty()) {
        conversation["tenantId"] = tenant;
      }
      world.receive(Activity(std::move(fields)));
      world.settle();
    }
    world.sender.calls.clear();
  }
  // How often each conversation got it.
  std::map<std::string, int> received() const {
    std::map<std::string, int> received;
    for (const auto& call : world.sender.calls) {
      ++received[std::string(call.activity.conversation_id().value_or(""))];
    }
    return received;
  }
  void expect_each_once(std::size_t conversations) const {
    EXPECT_EQ(received().size(), conversations);
    for (const auto& [conversation, times] : received()) {
      EXPECT_EQ(times, 1) << conversation;
    }
  }

  BotWorld world{silent_bot()};
};

TEST_F(Broadcast, GoesToEveryConversationOfAChannelOnceAtItsRate) {
  know(50);
  const auto id = begin(Recipients::channel("emulator"), BroadcastOptions().rate(10));
  world.pass(2s);
  EXPECT_NEAR(static_cast<double>(world.sender.texts().size()), 20, 3);
  EXPECT_EQ(progress(id).state, BroadcastState::running);
  world.pass(5s);
  expect_each_once(50);
  const auto done = progress(id);
  EXPECT_EQ(done.state, BroadcastState::done);
  EXPECT_EQ(done.scheduled, 50U);
  EXPECT_EQ(done.sent, 50U);
  EXPECT_TRUE(done.all_taken);
  world.pass(60s, 1s);
  expect_each_once(50);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).pending, 0U) << "nothing of it stays";
}

TEST_F(Broadcast, IsPausedResumedAndCancelled) {
  know(60);
  const auto id = begin(Recipients::channel("emulator"), BroadcastOptions().rate(10));
  world.pass(1s);
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().pause(id)));
  world.pass(5s);
  const auto paused = world.sender.texts().size();
  EXPECT_EQ(progress(id).state, BroadcastState::paused);
  EXPECT_LE(paused, 20U) << "what was taken, and no more";
  world.pass(20s, 100ms);
  EXPECT_EQ(world.sender.texts().size(), paused);

  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().resume(id)));
  world.pass(1s);
  EXPECT_GT(world.sender.texts().size(), paused);
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().cancel(id)));
  world.pass(20s, 100ms);
  EXPECT_LT(world.sender.texts().size(), 60U);
  EXPECT_EQ(progress(id).state, BroadcastState::cancelled);
  EXPECT_FALSE(test::run_on(world.io(), world.proactive->broadcasts().resume(id)));
  EXPECT_FALSE(test::run_on(world.io(), world.proactive->broadcasts().pause("another")));
}

// The old step is still pending when the broadcast is resumed: it must not run beside the new one.
TEST_F(Broadcast, PausedAndResumedAtOnceGoesNoFaster) {
  know(60);
  const auto id = begin(Recipients::channel("emulator"), BroadcastOptions().rate(10));
  world.pass(100ms);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().pause(id)));
    EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().resume(id)));
  }
  EXPECT_LE(progress(id).scheduled, 20U);
  world.pass(20s);
  expect_each_once(60);
}

TEST_F(Broadcast, SaysWhatBecameOfEachRecipient) {
  know(30);
  world.sender.judge = [](const Activity& activity) {
    if (activity.conversation_id() == "conversation-7") {
      throw ChannelError(404, "no", std::nullopt);
    }
  };
  const auto first = begin(Recipients::channel("emulator"), BroadcastOptions().rate(100));
  world.pass(5s);
  EXPECT_EQ(progress(first).sent, 29U);
  EXPECT_EQ(progress(first).dead, 1U);
  std::set<std::string> heard;
  std::string dead;
  RecipientOutcomes page;
  do {
    page = test::run_on(world.io(), world.proactive->broadcasts().outcomes(first, page.next, 7));
    for (const auto& one : page.outcomes) {
      heard.insert(one.conversation_id);
      dead = one.kind == RecipientOutcome::Kind::dead ? one.conversation_id + " " + one.reason : dead;
    }
  } while (!page.next.empty());
  EXPECT_EQ(heard.size(), 30U);
  EXPECT_EQ(dead, "conversation-7 conversation_gone");

  const auto second = begin(Recipients::channel("emulator"));
  world.pass(5s);
  EXPECT_EQ(progress(second).skipped, 1U) << "its reference is marked";
  EXPECT_EQ(progress(second).sent, 29U);
}

TEST_F(Broadcast, GoesToAList) {
  std::vector<ConversationReference> list;
  for (int i = 0; i < 95; ++i) {
    list.push_back(world.message("x", "listed-" + std::to_string(i)).reference());
  }
  const auto id = begin(Recipients::of(list), BroadcastOptions().rate(20));
  world.pass(10s);
  expect_each_once(95);
  EXPECT_EQ(progress(id).sent, 95U);
}

// In one step, and in another one later.
TEST_F(Broadcast, AListThatNamesAConversationTwiceGoesToItOnce) {
  std::vector<ConversationReference> list;
  for (int i = 0; i < 20; ++i) {
    list.push_back(world.message("x", "listed-" + std::to_string(i % 4)).reference());
  }
  const auto id = begin(Recipients::of(list), BroadcastOptions().rate(3));
  world.pass(15s);
  expect_each_once(4);
  EXPECT_EQ(progress(id).scheduled, 4U);
  EXPECT_EQ(progress(id).sent, 4U);
  EXPECT_EQ(progress(id).skipped, 16U);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).pending, 0U);
}

TEST_F(Broadcast, GoesToATenant) {
  for (int i = 0; i < 20; ++i) {
    auto fields = world.message("x", "conversation-" + std::to_string(i)).json();
    fields["conversation"].as_object()["tenantId"] = i % 4 == 0 ? "ours" : "theirs";
    world.receive(Activity(std::move(fields)));
    world.settle();
  }
  world.sender.calls.clear();
  const auto id = begin(Recipients::tenant("emulator", "ours"));
  world.pass(10s);
  expect_each_once(5);
  EXPECT_EQ(progress(id).skipped, 15U);
}

// A reference is kept for each user in each conversation.
TEST_F(Broadcast, AConversationOfManyUsersGetsItOnce) {
  know_groups(4, 30);
  const auto id = begin(Recipients::channel("emulator"), BroadcastOptions().rate(2));
  world.pass(30s);
  expect_each_once(4);
  EXPECT_EQ(progress(id).state, BroadcastState::done);
  EXPECT_EQ(progress(id).scheduled, 4U);
  EXPECT_EQ(progress(id).sent, 4U);
  EXPECT_EQ(progress(id).skipped, 116U);
}

TEST_F(Broadcast, AConversationOfTwoUsersOfATenantGetsItOnce) {
  know_groups(6, 2, "ours");
  const auto id = begin(Recipients::tenant("emulator", "ours"), BroadcastOptions().rate(1));
  world.pass(30s);
  expect_each_once(6);
  EXPECT_EQ(progress(id).scheduled, 6U);
  EXPECT_EQ(progress(id).sent, 6U);
  EXPECT_EQ(progress(id).skipped, 6U);
}

// The references of the second user come after all of the first one's.
TEST_F(Broadcast, OneThatRestedLongerThanIdempotencyKeysAreKeptStillGoesToEachOnce) {
  know_groups(10, 2);
  const auto id = begin(Recipients::channel("emulator"), BroadcastOptions().rate(5));
  world.pass(1s);
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().pause(id)));
  world.pass(8 * 24h, 1h);
  EXPECT_EQ(progress(id).sent, 10U);
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().resume(id)));
  world.pass(10s);
  expect_each_once(10);
  EXPECT_EQ(progress(id).state, BroadcastState::done);
  EXPECT_EQ(progress(id).skipped, 10U);
}

TEST_F(Broadcast, OneWhoseStepWasCancelledIsResumed) {
  know(60);
  const auto id = begin(Recipients::channel("emulator"), BroadcastOptions().rate(10));
  world.pass(1s);
  for (const auto& send : world.records()) {
    if (proactive::Broadcaster::is_step(send)) {
      EXPECT_EQ(proactive::Broadcaster::id_of(send), id);
      EXPECT_EQ(test::run_on(world.io(), world.proactive->cancel(send.handle)), CancelOutcome::cancelled);
    }
  }
  world.pass(20s);
  EXPECT_LT(received().size(), 60U);
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().resume(id)));
  world.pass(20s);
  expect_each_once(60);
  EXPECT_EQ(progress(id).state, BroadcastState::done);
}

TEST_F(Broadcast, TheSameIdBeginsOnce) {
  know(10);
  EXPECT_EQ(begin(Recipients::channel("emulator"), BroadcastOptions().id("friday")), "friday");
  world.pass(3s);
  EXPECT_EQ(begin(Recipients::channel("emulator"), BroadcastOptions().id("friday")), "friday");
  world.pass(3s);
  expect_each_once(10);
}

TEST_F(Broadcast, RefusesWhatCannotBe) {
  const auto code = [&](Recipients recipients, BroadcastOptions options) {
    try {
      begin(std::move(recipients), std::move(options));
    } catch (const system_error& e) {
      return e.code();
    }
    return error_code();
  };
  EXPECT_EQ(code(Recipients::of({}), {}), errc::invalid_argument);
  EXPECT_EQ(code(Recipients::channel("x"), BroadcastOptions().rate(0)), errc::invalid_argument);
  EXPECT_EQ(code(Recipients::channel("x"), BroadcastOptions().id("a/b")), errc::invalid_argument);
  EXPECT_EQ(code(Recipients::of({ConversationReference()}), {}), errc::invalid_argument);
}

// A process that ends after a step was written and before its outcome was: the step runs again, here or elsewhere.
TEST_F(Broadcast, AStepThatRunsTwiceTakesNobodyTwice) {
  know_groups(25, 3);
  std::vector<ScheduledSend> sends;
  const auto take = [&](const auto& more, const auto&) { sends.insert(sends.end(), more.begin(), more.end()); };
  proactive::Broadcaster here(world.storage, world.clock, "local", 5s, take);
  proactive::Broadcaster there(world.storage, world.clock, "local", 5s, take);
  test::run_on(world.io(),
               here.begin(Recipients::channel("emulator"), Activity::message("news"), BroadcastOptions().rate(5)));
  const auto step = sends.at(0);
  ASSERT_TRUE(proactive::Broadcaster::is_step(step));
  for (int i = 0; i < 32; ++i) {
    test::run_on(world.io(), here.step(step));
    test::run_on(world.io(), there.step(step));
    world.clock.advance(500ms);
  }
  std::set<std::string> taken;
  for (std::size_t i = 1; i < sends.size(); ++i) {
    taken.insert(sends[i].order_key);
  }
  EXPECT_EQ(taken.size(), 25U);
  EXPECT_EQ(sends.size(), 26U);
  const auto id = proactive::Broadcaster::id_of(step);
  EXPECT_EQ(test::run_on(world.io(), here.progress(id))->state, BroadcastState::done);
}

}  // namespace
}  // namespace tern
