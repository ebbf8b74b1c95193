#include "shop_bot.hpp"

namespace shop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Answer, HasStatusAndBody) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("break").expect_status(500);
  auto answer = ada.invoke("adaptiveCard/action", {{"action", {{"type", "Action.Execute"}, {"data", 1}}}});
  answer.expect_status(200).expect_body(1);
  ada.invoke("nothing/known").expect_status(501).expect_body(nullptr);
}

TEST(Answer, ShowsTheDifference) {
  World world = World::of<ShopBot>();
  auto answer = world.user("ada").invoke("adaptiveCard/action", {{"action", {{"type", "x"}, {"data", 1}}}});
  EXPECT_THAT(complaint([&] { answer.expect_status(202); }),
              AllOf(HasSubstr("answer_test.cpp:"), HasSubstr("- 202\n+ 200 1\n")));
  EXPECT_THAT(complaint([&] { answer.expect_body({{"a", 1}}); }), HasSubstr("- {\"a\":1}\n+ 1\n"));
}

TEST(Answer, ComesWhenTheClockHasMovedOn) {
  World world = World::of<ShopBot>();
  const auto answer = world.user("ada").say("slow");
  EXPECT_FALSE(answer.has_come());
  EXPECT_THAT(complaint([&] { (void)answer.status(); }), HasSubstr("has not come yet"));
  world.advance(3s);
  EXPECT_EQ(answer.status(), 200);
}

TEST(Answer, IsWaitedForWhenAnotherThreadWorks) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("thread").wait().expect_status(200);
  ada.expect("from a thread");
}

TEST(Answer, BringsTheMessagesThatWereAskedForInIt) {
  World world = World::of<ShopBot>();
  for (const std::string mode : {"expectReplies", "stream"}) {
    const auto ada = world.user("ada-" + mode).with_delivery(mode);
    auto answer = ada.say("hello");
    answer.expect_status(200);
    ASSERT_EQ(answer.activities().size(), 1U) << mode;
    EXPECT_EQ(answer.activities().front().text(), "You said, hello");
    ada.expect("You said, hello");
    ada.say("slow");
    ada.expect_nothing();
    world.advance(3s);
    ada.expect("at last");
  }
}

}  // namespace
}  // namespace shop
