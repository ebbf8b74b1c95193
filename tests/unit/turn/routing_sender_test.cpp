#include "turn/routing_sender.hpp"

#include "support/recording_sender.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RoutingSenderTest : public ::testing::Test {
 protected:
  RoutingSenderTest() {
    router.add("urn:x:mail", mail);
    router.add("urn:x:sms", sms);
  }
  static std::vector<std::string> ops(const test::RecordingSender& sender) {
    std::vector<std::string> all;
    all.reserve(sender.calls.size());
    for (const auto& call : sender.calls) {
      all.push_back(call.op);
    }
    return all;
  }
  // Calls everything that a sender can do.
  void call_all(const std::string& url) {
    Activity activity = Activity::message("a");
    activity.set_service_url(url);
    ConversationReference reference;
    reference.set_service_url(url);
    const auto never = Deadline::never();
    test::run(router.send(activity, "id", never));
    test::run(router.send_if(activity, "id", never, [] { return true; }));
    test::run(router.update(activity, never));
    test::run(router.remove(reference, never));
    test::run(router.create_conversation(url, ConversationParameters(), never));
  }

  ManualClock clock;
  test::RecordingSender others{clock};
  test::RecordingSender mail{clock};
  test::RecordingSender sms{clock};
  RoutingSender router{others};
};

TEST_F(RoutingSenderTest, PassesEachCallToTheChannelOfTheAddress) {
  call_all("urn:x:sms");
  EXPECT_THAT(ops(sms), ElementsAre("send", "send", "update", "remove", "create"));
  EXPECT_THAT(ops(mail), IsEmpty());
  EXPECT_THAT(ops(others), IsEmpty());
  call_all("urn:x:mail:letters");
  EXPECT_THAT(ops(mail), ElementsAre("send", "send", "update", "remove", "create"));
  call_all("https://smba.trafficmanager.net/teams/");
  EXPECT_THAT(ops(others), ElementsAre("send", "send", "update", "remove", "create"));
}

TEST_F(RoutingSenderTest, LeavesEveryAddressThatIsNobodysToTheOtherSender) {
  for (const char* url : {"urn:x:smss", "urn:x:sm", "URN:x:sms", "urn:x", " urn:x:sms", ""}) {
    call_all(url);
  }
  call_all("urn:x:sms/");
  EXPECT_THAT(ops(sms), IsEmpty());
  EXPECT_THAT(ops(mail), IsEmpty());
  EXPECT_EQ(others.calls.size(), 35U);
  EXPECT_NO_THROW(test::run(router.send(Activity::message("without an address"), "", Deadline::never())));
  EXPECT_EQ(others.calls.size(), 36U);
}

TEST_F(RoutingSenderTest, AsksTheChannelWhereTheBotMaySend) {
  others.only_to = "https://a.example";
  sms.only_to = "urn:x:sms:germany";
  EXPECT_TRUE(router.sends_to("https://a.example"));
  EXPECT_FALSE(router.sends_to("https://b.example"));
  EXPECT_TRUE(router.sends_to("urn:x:sms:germany"));
  EXPECT_FALSE(router.sends_to("urn:x:sms:france"));
  EXPECT_TRUE(router.sends_to("urn:x:mail"));
  EXPECT_FALSE(router.sends_to("urn:y:mail"));
}

}  // namespace
}  // namespace tern::detail
