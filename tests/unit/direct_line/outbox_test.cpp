#include "direct_line/outbox.hpp"

#include "direct_line/follower.hpp"
#include "support/failing_storage.hpp"
#include "unit/direct_line/store.hpp"

#include <gtest/gtest.h>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using test::some_id;

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() { tern::test::run(history.begin(some_id, Head{}, Deadline::never())); }

  ResourceResponse send(const Activity& activity, std::string key = {}) {
    return tern::test::run_on(io, outbox.send(activity, std::move(key), Deadline::never()));
  }
  static Activity addressed(Activity activity, const std::string& id = some_id) {
    activity.set_conversation(ConversationAccount(id)).set_service_url(service_url).set_from(ChannelAccount("bot"));
    return activity;
  }
  int status_of(const Activity& activity) {
    try {
      (void)send(activity);
    } catch (const ChannelError& error) {
      return error.status();
    }
    return 0;
  }
  std::vector<std::string> stored() {
    return test::texts_of(tern::test::run_on(io, history.read(some_id, 1, 100, Deadline::never())).activities);
  }

  ManualClock clock;
  asio::io_context io{1};
  std::shared_ptr<tern::test::StorageFaults> faults = std::make_shared<tern::test::StorageFaults>();
  History history{AnyStorage::make<tern::test::FailingStorage>(clock, faults), HistoryBounds{}, clock};
  Conversations all{history, 10, clock};
  Bounds bounds;
  Outbox outbox{all, bounds, clock};
};

TEST_F(OutboxTest, StoresMessagesThoughNobodyIsThere) {
  EXPECT_EQ(send(addressed(Activity::message("one"))).id(), some_id + "|0000001");
  EXPECT_EQ(send(addressed(Activity::message("two"))).id(), some_id + "|0000002");
  EXPECT_EQ(stored(), (std::vector<std::string>{"one", "two"}));
}

TEST_F(OutboxTest, StoresASendThatIsTriedAgainOnce) {
  const auto first = send(addressed(Activity::message("one")), "request-1");
  EXPECT_EQ(send(addressed(Activity::message("one")), "request-1").id(), first.id());
  EXPECT_EQ(stored().size(), 1U);
}

TEST_F(OutboxTest, ShowsTypingAndStoresNone) {
  Follower follower(all.at(some_id), 0);
  EXPECT_TRUE(send(addressed(Activity::typing())).id()->starts_with(some_id + "|typing-"));
  const auto news = tern::test::run_on(io, follower.next(Deadline::never()));
  ASSERT_EQ(news.activities.size(), 1U);
  const auto shown = json::parse(*news.activities[0].text).as_object();
  EXPECT_EQ(shown.at("type"), "typing");
  EXPECT_TRUE(shown.contains("timestamp"));
  EXPECT_FALSE(shown.contains("serviceUrl"));
  EXPECT_TRUE(stored().empty());
}

TEST_F(OutboxTest, SaysThatAConversationIsGone) {
  EXPECT_EQ(status_of(addressed(Activity::message("x"), test::other_id)), 404);
  EXPECT_EQ(status_of(addressed(Activity::message("x"), "../secret")), 404);
  (void)send(addressed(Activity::end_of_conversation()));
  EXPECT_EQ(status_of(addressed(Activity::message("x"))), 404);
  EXPECT_EQ(status_of(addressed(Activity::message(std::string(300'000, 'x')))), 413);
}

TEST_F(OutboxTest, LetsASendWithAKeyBeTriedAgainWhenTheStoreIsAway) {
  faults->writes_fail = true;
  try {
    (void)send(addressed(Activity::message("x")), "request-1");
    FAIL();
  } catch (const system_error& error) {
    EXPECT_EQ(error.code(), errc::channel_unreachable);
  }
  EXPECT_THROW(send(addressed(Activity::message("x"))), AmbiguousSend);
}

TEST_F(OutboxTest, DoesNotChangeDeleteOrBegin) {
  const auto status_of_call = [](auto call) {
    try {
      (void)call();
    } catch (const ChannelError& error) {
      return error.status();
    }
    return 0;
  };
  EXPECT_EQ(status_of_call([&] { return outbox.update(Activity::message("x"), Deadline::never()); }), 405);
  EXPECT_EQ(status_of_call([&] { return outbox.remove({}, Deadline::never()); }), 405);
  EXPECT_EQ(status_of_call([&] { return outbox.create_conversation("urn:tern:direct-line", {}, Deadline::never()); }),
            405);
  EXPECT_TRUE(outbox.sends_to("urn:tern:direct-line"));
  EXPECT_FALSE(outbox.sends_to("https://smba.example"));
}

}  // namespace
}  // namespace tern::direct_line
