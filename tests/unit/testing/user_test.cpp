#include "shop_bot.hpp"

#include <boost/json/parse.hpp>

namespace shop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(User, ComesLeavesAndInstalls) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("29:ada").named("Ada");
  ada.install();
  ada.join();
  ada.leave();
  ada.uninstall().expect_status(200);
  ada.expect({"Installed", "Welcome, Ada", "Bye"});
}

TEST(User, EditsRetractsAndReacts) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  const auto said = ada.say("tea").activity_id();
  ada.edit(said, "coffee");
  ada.edit(said, "coffee");
  ada.retract(said);
  ada.react(said, "like");
  ada.unreact(said, "like");
  ada.expect({"You said, tea", "Now it is coffee", "Now it is coffee", "Forgotten", "You like it", "No more"});
}

TEST(User, ReactsToWhatTheBotHasSaid) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("tea");
  ASSERT_TRUE(ada.last().id());
  ada.react(std::string(*ada.last().id()), "heart");
  ada.expect({"You said, tea", "You heart it"});
}

TEST(User, SendsEventsAndValues) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.event("opened");
  ada.submit({{"n", 1}});
  ada.expect({"Event opened", "value {\"n\":1}"});
}

TEST(User, IsRefusedWhatTheEdgeRefuses) {
  World world = World::of<ShopBot>();
  auto broken = tern::Activity::message("hello");
  broken.set_service_url("nowhere");
  world.user().send(std::move(broken)).expect_status(400);
}

TEST(User, TalksInSeveralConversations) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  const auto group = ada.in_group("team");
  group.say("order");
  ada.say("order");
  group.expect("Order 1");
  ada.expect("Order 2");
  EXPECT_EQ(group.addressed(tern::Activity::message()).conversation()->json().at("isGroup"), true);
  EXPECT_EQ(ada.in("other").conversation_id(), "other");
}

TEST(User, TellsWhereItIs) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada").on("msteams").with_time_zone("Europe/Zurich").with_locale("de-CH");
  const auto activity = ada.addressed(tern::Activity::message("hello"));
  EXPECT_EQ(activity.channel_id(), "msteams");
  EXPECT_EQ(activity.locale(), "de-CH");
  EXPECT_EQ(tern::user_time_zone(activity)->name, "Europe/Zurich");
}

TEST(User, SendsTheSameThingTwiceAndIsAnsweredOnce) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  const auto once = ada.addressed(tern::Activity::message("order"));
  ada.send(once).expect_status(200);
  ada.send(once).expect_status(200);
  ada.expect("Order 1");
}

TEST(User, PressesTheButtonsOfAnAdaptiveCard) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("card");
  ada.press("Buy", {{"when", "now"}}).expect_status(200).expect_body({{"n", 2}, {"when", "now"}});
  ada.press("Form", {{"name", "Ada"}});
  EXPECT_EQ(ada.last().text(), "value {\"form\":1,\"name\":\"Ada\"}");
  EXPECT_THAT(complaint([&] { ada.press("Page"); }), HasSubstr("opens a page"));
}

// As the renderer of adaptive cards does, which web clients use.
TEST(User, SendsTheFieldsOfACardAsTexts) {
  World world([] {
    auto bot = std::make_unique<tern::FunctionBot>();
    bot->on_message([](tern::TurnContext& turn) -> tern::awaitable<void> {
      if (const auto* value = turn.activity().value()) {
        co_await turn.send(tern::json::serialize(*value));
        co_return;
      }
      co_await turn.send(tern::Activity::message(tern::Attachment::adaptive_card(tern::json::parse(R"({
        "body": [
          {"type": "Input.Number", "id": "count", "value": 2.0},
          {"type": "Container", "items": [{"type": "Input.Text", "id": "note"}]},
          {"type": "Input.Toggle", "id": "gift", "valueOff": "no"}],
        "actions": [
          {"type": "Action.Submit", "title": "Order", "data": {"item": "tea"}},
          {"type": "Action.Submit", "title": "Forget", "associatedInputs": "none", "data": {"item": "tea"}},
          {"type": "Action.ShowCard", "title": "More", "card": {
            "body": [{"type": "Input.Date", "id": "day", "value": "2026-05-01"}],
            "actions": [{"type": "Action.Submit", "title": "Later"}]}}]})")
                                                                                     .as_object())));
    });
    return bot;
  });
  const auto ada = world.user("ada");
  ada.say("card");
  ada.press("Order");
  ada.press("Order", {{"count", 7}, {"note", "hot"}, {"gift", true}});
  ada.press("Forget", {{"count", 7}});
  ada.press("Later", {{"count", 1.5}});
  ada.expect({"", R"({"item":"tea","count":"2","gift":"no"})",
              R"({"item":"tea","count":"7","gift":"true","note":"hot"})", R"({"item":"tea"})",
              R"({"count":"1.5","gift":"no","day":"2026-05-01"})"});
}

TEST(User, SaysWhichButtonsThereAre) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("card");
  EXPECT_THAT(complaint([&] { ada.press("Sell"); }),
              AllOf(HasSubstr("user_test.cpp:"), HasSubstr("- Sell\n"), HasSubstr("+ Buy\n"), HasSubstr("+ Form\n")));
}

TEST(User, PressesTheButtonsOfOtherCardsAndSuggestedActions) {
  World world([] {
    auto bot = std::make_unique<tern::FunctionBot>();
    bot->on_message([](tern::TurnContext& turn) -> tern::awaitable<void> {
      if (turn.activity().text() != "show") {
        auto answer = std::string(turn.activity().text());
        if (const auto* value = turn.activity().value()) {
          answer += " with " + tern::json::serialize(*value);
        }
        co_await turn.send(answer);
        co_return;
      }
      tern::json::array buttons;
      buttons.emplace_back(tern::CardAction::im_back("Say", "said").json());
      buttons.emplace_back(tern::CardAction::post_back("Post", {{"posted", true}}).json());
      auto both = tern::CardAction(tern::card_action_types::message_back, "Both", 7);
      buttons.emplace_back(both.set_text("both").json());
      auto shown = tern::Activity::message(tern::Attachment::hero_card({{"buttons", buttons}}));
      shown.set_suggested_actions(tern::SuggestedActions({tern::CardAction::im_back("Yes")}));
      co_await turn.send(std::move(shown));
    });
    return bot;
  });
  const auto ada = world.user("ada");
  ada.say("show");
  ada.press("Say");
  ada.press("Post");
  ada.press("Both");
  ada.press("Yes");
  ada.expect({"", "said", " with {\"posted\":true}", "both with 7", "Yes"});
}

TEST(User, ShowsTheDifferenceWhenOtherMessagesCame) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("tea");
  ada.say("milk");
  const auto said = complaint([&] { ada.expect({"You said, tea", "You said, sugar"}); });
  EXPECT_THAT(said,
              AllOf(HasSubstr("user_test.cpp:"), HasSubstr("  You said, tea\n- You said, sugar\n+ You said, milk\n")));
  ada.expect_nothing();
  EXPECT_EQ(ada.texts().size(), 2U) << "what was looked at is still there";
  EXPECT_THAT(complaint([&] { (void)world.user("bob").last(); }), HasSubstr("no message"));
}

}  // namespace
}  // namespace shop
