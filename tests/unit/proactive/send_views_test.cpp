#include "proactive/send_views.hpp"

#include "support/bot_world.hpp"

#include <tern/tern.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::IsEmpty;

runtime::Runtime::MakeBot bot() {
  return [] {
    auto made = std::make_unique<FunctionBot>();
    made->on_continue("ask", [](TurnContext&) -> awaitable<void> { co_return; });
    return made;
  };
}

PendingSend only_send(BotWorld& world) {
  auto page = test::run_on(world.io(), world.proactive->list({}));
  EXPECT_EQ(page.sends.size(), 1U);
  return page.sends.at(0);
}

TEST(SendViews, ShowAMessageAsItWasAskedFor) {
  BotWorld world(bot());
  const auto due = world.clock.wall_now() + 1h;
  SendOptions options;
  options.key("tea").order_key("kitchen").expires(due + 1h).strict().at_most_once().cancel_on_reply();
  const auto handle = test::run_on(world.io(), world.proactive->send_at(world.message("x").reference(), due,
                                                                        Activity::message("Tea is ready"), options));
  const auto send = only_send(world);
  EXPECT_EQ(send.handle, handle);
  EXPECT_EQ(send.kind, PendingSend::Kind::activity);
  EXPECT_EQ(send.due, due);
  EXPECT_EQ(send.next_try(), due);
  EXPECT_EQ(send.not_before, std::nullopt);
  EXPECT_EQ(send.expires, due + 1h);
  EXPECT_EQ(send.attempts, 0U);
  EXPECT_EQ(send.reference.conversation_id(), "conv-1");
  EXPECT_EQ(send.activity.value().text(), "Tea is ready");
  EXPECT_THAT(send.continuation, IsEmpty());
  EXPECT_TRUE(send.value.is_null());
  EXPECT_THAT(send.broadcast, IsEmpty());
  EXPECT_EQ(send.order_key, "kitchen");
  EXPECT_EQ(send.key, "tea");
  EXPECT_EQ(send.key_scope, KeyScope::bot);
  EXPECT_TRUE(send.strict);
  EXPECT_TRUE(send.at_most_once);
  EXPECT_TRUE(send.cancel_on_reply);
  EXPECT_THAT(send.scheduled_by, IsEmpty());
}

TEST(SendViews, ShowAContinuationThatComesAgain) {
  BotWorld world(bot());
  const auto every = Recurrence::daily(TimeOfDay(9));
  SendOptions options;
  options.key("tea", KeyScope::conversation).every(every).time_zone("UTC+02:00");
  options.quiet_hours(QuietHours(TimeOfDay(22), TimeOfDay(7)));
  test::run_on(world.io(),
               world.proactive->continue_after(world.message("x").reference(), 1h, "ask", {{"cups", 2}}, options));
  const auto send = only_send(world);
  EXPECT_EQ(send.kind, PendingSend::Kind::continuation);
  EXPECT_EQ(send.continuation, "ask");
  EXPECT_EQ(send.value, (json::value{{"cups", 2}}));
  EXPECT_EQ(send.activity, std::nullopt);
  EXPECT_EQ(send.key, "tea");
  EXPECT_EQ(send.key_scope, KeyScope::conversation);
  EXPECT_EQ(send.every, every);
  EXPECT_EQ(send.quiet_hours.value().to(), TimeOfDay(7));
  EXPECT_EQ(send.time_zone, "UTC+02:00");
  EXPECT_EQ(send.order_key, world.proactive->order_key(world.message("x").reference()));
}

TEST(SendViews, ShowWhenASendThatFailedIsTriedAgain) {
  BotWorld world(bot());
  world.sender.failures.push_back(std::make_exception_ptr(ChannelError(503, "no", std::nullopt)));
  test::run_on(world.io(), world.proactive->send_after(world.message("x").reference(), 1s, Activity::message("x"), {}));
  world.pass(1100ms);
  const auto send = only_send(world);
  EXPECT_EQ(send.attempts, 1U);
  ASSERT_TRUE(send.not_before);
  EXPECT_GT(*send.not_before, send.due);
  EXPECT_EQ(send.next_try(), *send.not_before);
}

TEST(SendViews, ADeadLetterSaysWhyAndWhen) {
  BotWorld world(bot());
  world.sender.failures.push_back(std::make_exception_ptr(ChannelError(400, "no", std::nullopt)));
  test::run_on(world.io(),
               world.proactive->send_after(world.message("x").reference(), 1s, Activity::message("lost"), {}));
  world.pass(2s);
  const auto page = test::run_on(world.io(), world.proactive->dead_letters().list());
  ASSERT_EQ(page.letters.size(), 1U);
  EXPECT_EQ(page.letters[0].activity.value().text(), "lost");
  EXPECT_THAT(page.letters[0].reason, testing::StartsWith("rejected with 400"));
  EXPECT_GE(page.letters[0].died, page.letters[0].due);
  EXPECT_THAT(page.next, IsEmpty());
}

TEST(SendViews, LeaveOutWhatIsDamaged) {
  ScheduledSend send;
  send.payload = "{";
  send.reference = "[]";
  send.annotations = "no";
  auto view = view_of(send);
  EXPECT_EQ(view.activity.value().text(), "");
  EXPECT_EQ(view.reference.conversation_id(), std::nullopt);
  EXPECT_EQ(view.every, std::nullopt);
  send.kind = SendKind::continuation;
  send.payload = R"({"name":7})";
  view = view_of(send);
  EXPECT_THAT(view.continuation, IsEmpty());
  EXPECT_TRUE(view.value.is_null());
}

TEST(SendViews, ABotSeesTheSendsOfABroadcastAndNotItsStep) {
  BotWorld world(bot());
  std::vector<ConversationReference> everybody;
  for (int i = 0; i < 20; ++i) {
    everybody.push_back(world.message("x", "conv-" + std::to_string(i)).reference());
  }
  auto start = world.proactive->broadcasts().start(Recipients::of(std::move(everybody)), Activity::message("news"),
                                                   BroadcastOptions().rate(1));
  const auto id = test::run_on(world.io(), std::move(start));
  world.settle();
  const auto sends = test::run_on(world.io(), world.proactive->list({})).sends;
  EXPECT_THAT(sends, testing::Not(IsEmpty()));
  EXPECT_TRUE(std::all_of(sends.begin(), sends.end(), [&](const PendingSend& send) {
    return send.kind == PendingSend::Kind::activity && send.broadcast == id;
  }));
  auto all = test::run_on(world.io(), world.proactive->list_all({})).sends;
  std::erase_if(all, [](const PendingSend& send) { return send.kind == PendingSend::Kind::activity; });
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].kind, PendingSend::Kind::broadcast);
  EXPECT_EQ(all[0].broadcast, id);
  EXPECT_EQ(all[0].activity, std::nullopt);
}

}  // namespace
}  // namespace tern::proactive
