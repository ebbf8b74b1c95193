#include <tern/turn/channel_sender.hpp>

#include "support/run.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tern {
namespace {

// The least that a sender of a bot's own has: nothing of Tern's connector, and no `send_if`.
class OwnSender final : public ChannelSender {
 public:
  std::vector<std::string> sent;

  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline) override {
    sent.push_back(request_id + " " + std::string(activity.text()));
    co_return ResourceResponse("id-1");
  }
  awaitable<ResourceResponse> update(const Activity&, Deadline) override { co_return ResourceResponse(); }
  awaitable<void> remove(const ConversationReference&, Deadline) override { co_return; }
  awaitable<ConversationResourceResponse> create_conversation(std::string, ConversationParameters, Deadline) override {
    co_return ConversationResourceResponse();
  }
};

TEST(ChannelSender, ASenderWithoutSendIfSendsNothingThatMayNotBegin) {
  OwnSender own;
  ChannelSender& sender = own;
  const auto activity = Activity::message("late");
  int asked = 0;
  try {
    (void)test::run(sender.send_if(activity, "request-1", Deadline::never(), [&asked] { return ++asked > 1; }));
    ADD_FAILURE() << "it was sent";
  } catch (const system_error& e) {
    EXPECT_EQ(e.code(), errc::timed_out);
  }
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(own.sent.empty());
}

TEST(ChannelSender, ASenderWithoutSendIfSendsWhatMayBegin) {
  OwnSender own;
  ChannelSender& sender = own;
  const auto activity = Activity::message("in time");
  const auto response = test::run(sender.send_if(activity, "request-1", Deadline::never(), [] { return true; }));
  EXPECT_EQ(response.id(), "id-1");
  (void)test::run(sender.send_if(activity, "request-2", Deadline::never(), {}));
  EXPECT_EQ(own.sent, (std::vector<std::string>{"request-1 in time", "request-2 in time"}));
}

// Whether it may begin is asked when the request is about to go, and not when it was made.
TEST(ChannelSender, ASenderWithoutSendIfIsAskedWhenItsRequestIsAwaited) {
  OwnSender own;
  ChannelSender& sender = own;
  const auto activity = Activity::message("hello");
  bool may = false;
  auto request = sender.send_if(activity, "request-1", Deadline::never(), [&may] { return may; });
  may = true;
  (void)test::run(std::move(request));
  EXPECT_EQ(own.sent.size(), 1u);
}

}  // namespace
}  // namespace tern
