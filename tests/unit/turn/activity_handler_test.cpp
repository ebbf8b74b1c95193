#include "support/bot_world.hpp"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using test::BotWorld;
using testing::ElementsAre;

/// Says which of its methods was called.
class Telltale : public ActivityHandler {
 public:
  explicit Telltale(std::vector<std::string>& log) : log_(log) {}

 protected:
#define TERN_TELL(method) \
  awaitable<void> method(TurnContext&) override { return tell(#method); }
  TERN_TELL(on_message)
  TERN_TELL(on_message_update)
  TERN_TELL(on_message_delete)
  TERN_TELL(on_token_response)
  TERN_TELL(on_other_event)
  TERN_TELL(on_installed)
  TERN_TELL(on_uninstalled)
  TERN_TELL(on_typing)
  TERN_TELL(on_end_of_conversation)
  TERN_TELL(on_contact_relation_update)
  TERN_TELL(on_delete_user_data)
  TERN_TELL(on_handoff)
  TERN_TELL(on_command)
  TERN_TELL(on_command_result)
  TERN_TELL(on_suggestion)
  TERN_TELL(on_trace)
  TERN_TELL(on_invoke_response)
  TERN_TELL(on_unrecognized)
#undef TERN_TELL
  awaitable<void> on_members_added(std::vector<ChannelAccount> members, TurnContext&) override {
    return tell("added " + std::to_string(members.size()));
  }
  awaitable<void> on_members_removed(std::vector<ChannelAccount> members, TurnContext&) override {
    return tell("removed " + std::to_string(members.size()));
  }
  awaitable<void> on_reactions_added(std::vector<MessageReaction> reactions, TurnContext&) override {
    return tell("reactions added " + std::to_string(reactions.size()));
  }
  awaitable<void> on_reactions_removed(std::vector<MessageReaction> reactions, TurnContext&) override {
    return tell("reactions removed " + std::to_string(reactions.size()));
  }
  awaitable<std::optional<InvokeResponse>> on_other_invoke(TurnContext& turn) override {
    log_.emplace_back("invoke");
    if (turn.activity().name() == "known") {
      co_return InvokeResponse(207, json::value{{"ok", true}});
    }
    co_return std::nullopt;
  }
  awaitable<std::optional<InvokeResponse>> on_adaptive_card_action(TurnContext&, json::object action) override {
    log_.emplace_back("card " + std::string(action.at("verb").as_string()));
    co_return InvokeResponse(200);
  }

 private:
  awaitable<void> tell(std::string what) {
    log_.push_back(std::move(what));
    co_return;
  }
  std::vector<std::string>& log_;
};

struct Dispatched {
  std::vector<std::string> log;
  unsigned status = 0;
  std::string body;
};

Dispatched dispatch(const std::string& fields) {
  Dispatched outcome;
  BotWorld world([&outcome] { return std::make_unique<Telltale>(outcome.log); });
  auto activity = world.message("");
  const auto members = json::parse(fields);
  for (const auto& [name, value] : members.as_object()) {
    activity.json()[name] = value;
  }
  auto reply = world.receive(activity);
  world.settle();
  outcome.status = reply->status();
  outcome.body = reply->body();
  return outcome;
}

TEST(ActivityHandler, HasAMethodForEveryTypeOfTheProtocol) {
  const std::vector<std::pair<const char*, const char*>> routes{
      {"message", "on_message"},
      {"messageUpdate", "on_message_update"},
      {"messageDelete", "on_message_delete"},
      {"event", "on_other_event"},
      {"typing", "on_typing"},
      {"endOfConversation", "on_end_of_conversation"},
      {"contactRelationUpdate", "on_contact_relation_update"},
      {"deleteUserData", "on_delete_user_data"},
      {"handoff", "on_handoff"},
      {"command", "on_command"},
      {"commandResult", "on_command_result"},
      {"suggestion", "on_suggestion"},
      {"trace", "on_trace"},
      {"invokeResponse", "on_invoke_response"},
      {"somethingNew", "on_unrecognized"},
  };
  for (const auto& [type, method] : routes) {
    const auto outcome = dispatch(std::string(R"({"type":")") + type + "\"}");
    EXPECT_THAT(outcome.log, ElementsAre(method)) << type;
    EXPECT_EQ(outcome.status, 200U);
  }
}

TEST(ActivityHandler, LeavesTheBotOutOfMembers) {
  EXPECT_THAT(dispatch(R"({"type":"conversationUpdate","membersAdded":[{"id":"a"},{"id":"bot-1"}]})").log,
              ElementsAre("added 1"));
  EXPECT_TRUE(dispatch(R"({"type":"conversationUpdate","membersAdded":[{"id":"bot-1"}]})").log.empty());
  EXPECT_THAT(dispatch(R"({"type":"conversationUpdate","membersRemoved":[{"id":"a"}]})").log, ElementsAre("removed 1"));
  EXPECT_TRUE(dispatch(R"({"type":"conversationUpdate"})").log.empty());
}

TEST(ActivityHandler, TellsReactionsAddedAndRemoved) {
  EXPECT_THAT(dispatch(R"({"type":"messageReaction","reactionsAdded":[{"type":"like"}],
                           "reactionsRemoved":[{"type":"sad"},{"type":"angry"}]})")
                  .log,
              ElementsAre("reactions added 1", "reactions removed 2"));
}

TEST(ActivityHandler, TellsInstallationsApart) {
  EXPECT_THAT(dispatch(R"({"type":"installationUpdate","action":"add"})").log, ElementsAre("on_installed"));
  EXPECT_THAT(dispatch(R"({"type":"installationUpdate","action":"remove-upgrade"})").log,
              ElementsAre("on_uninstalled"));
  EXPECT_TRUE(dispatch(R"({"type":"installationUpdate","action":"other"})").log.empty());
  EXPECT_THAT(dispatch(R"({"type":"event","name":"tokens/response"})").log, ElementsAre("on_token_response"));
}

TEST(ActivityHandler, AnswersInvokesWithStatusAndBody) {
  const auto known = dispatch(R"({"type":"invoke","name":"known"})");
  EXPECT_EQ(known.status, 207U);
  EXPECT_EQ(known.body, R"({"ok":true})");
  const auto unknown = dispatch(R"({"type":"invoke","name":"unknown"})");
  EXPECT_EQ(unknown.status, 501U);
  EXPECT_EQ(unknown.body, "");
}

TEST(ActivityHandler, ReadsTheActionOfAnAdaptiveCard) {
  const auto good = dispatch(
      R"({"type":"invoke","name":"adaptiveCard/action","value":{"action":{"type":"Action.Execute","verb":"v"}}})");
  EXPECT_THAT(good.log, ElementsAre("card v"));
  EXPECT_EQ(good.status, 200U);
}

TEST(ActivityHandler, RefusesAnInvokeOfAnAdaptiveCardWithoutAnAction) {
  for (const auto* value :
       {"", R"(,"value":null)", R"(,"value":7)", R"(,"value":{})", R"(,"value":{"action":null})",
        R"(,"value":{"action":"x"})", R"(,"value":{"action":{"verb":"v"}})", R"(,"value":{"action":{"type":1}})"}) {
    const auto outcome = dispatch(R"({"type":"invoke","name":"adaptiveCard/action")" + std::string(value) + "}");
    EXPECT_EQ(outcome.status, 400U) << value;
    EXPECT_THAT(outcome.log, testing::IsEmpty()) << "neither the method for actions nor that for errors is called";
    const auto body = json::parse(outcome.body);
    EXPECT_EQ(body.at("statusCode"), 400);
    EXPECT_EQ(body.at("type"), "application/vnd.microsoft.error");
    EXPECT_EQ(body.at("value").at("code"), "BadRequest");
    EXPECT_FALSE(body.at("value").at("message").as_string().empty());
  }
}

TEST(ActivityHandler, AnInvokeWithExpectRepliesAnswersAmongTheActivities) {
  const auto outcome = dispatch(R"({"type":"invoke","name":"known","deliveryMode":"expectReplies"})");
  EXPECT_EQ(outcome.status, 200U);
  const auto body = json::parse(outcome.body);
  const auto& only = body.at("activities").as_array().at(0);
  EXPECT_EQ(only.at("type"), "invokeResponse");
  EXPECT_EQ(only.at("value"), json::parse(R"({"status":207,"body":{"ok":true}})"));
  EXPECT_EQ(only.at("recipient").at("id"), "user-1");
}

TEST(ActivityHandler, AnInvokeWithExpectRepliesThatNobodyAnswersSaysSoAmongTheActivities) {
  const auto outcome = dispatch(R"({"type":"invoke","name":"unknown","deliveryMode":"expectReplies"})");
  EXPECT_EQ(outcome.status, 200U);
  const auto body = json::parse(outcome.body);
  ASSERT_EQ(body.at("activities").as_array().size(), 1U);
  EXPECT_EQ(body.at("activities").at(0).at("type"), "invokeResponse");
  EXPECT_EQ(body.at("activities").at(0).at("value"), json::parse(R"({"status":501})"));
}

}  // namespace
}  // namespace tern
