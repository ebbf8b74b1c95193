#include "turn/trust.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::detail {
namespace {

using Kind = Identity::Kind;

Identity caller(Kind kind, std::string app = {}, std::string tenant = {}) {
  Identity made;
  made.kind = kind;
  made.app_id = std::move(app);
  made.tenant_id = std::move(tenant);
  return made;
}

Trust trust(Kind kind, std::string app = {}, std::string tenant = {}) {
  return Trust::of(caller(kind, std::move(app), std::move(tenant)));
}

Trust read_back(const Trust& stored) {
  json::object reference{{"channelId", "emulator"}};
  stored.put(reference);
  return Trust::in(json::parse(json::serialize(reference)).as_object());
}

Trust in_text(const std::string& text) {
  return Trust::in(json::parse(text).as_object());
}

TEST(Trust, IsReadAsItWasStored) {
  for (const auto& stored :
       {trust(Kind::channel), trust(Kind::channel, "", "t"), trust(Kind::emulator, "", "t"), trust(Kind::bot, "a", "t"),
        trust(Kind::other, "", "t"), trust(Kind::bot, std::string(1000, 'x'), "\xff\n"), Trust()}) {
    EXPECT_EQ(read_back(stored), stored);
  }
}

TEST(Trust, OfACallerIsSmallAndPlainWhateverItsNames) {
  json::object reference;
  trust(Kind::bot, std::string(100'000, 'x'), std::string("\xff\xfe\0", 3)).put(reference);
  const auto text = json::serialize(reference);
  EXPECT_LT(text.size(), 250U);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
  EXPECT_NE(trust(Kind::bot, std::string(100, 'x')), trust(Kind::bot, std::string(101, 'x')));
}

TEST(Trust, OnlyBotsAreToldApartByTheirApp) {
  EXPECT_EQ(trust(Kind::channel, "a"), trust(Kind::channel, "b"));
  EXPECT_EQ(trust(Kind::other, "a"), trust(Kind::other, "b"));
  EXPECT_NE(trust(Kind::bot, "a"), trust(Kind::bot, "b"));
}

TEST(Trust, OfAChannelInTheProcessHasItsAddress) {
  const auto inside = trust(Kind::channel, "urn:x:sms", "t");
  EXPECT_TRUE(inside.is_inside());
  EXPECT_EQ(read_back(inside), inside);
  EXPECT_NE(inside, trust(Kind::channel, "urn:x:mail", "t"));
  EXPECT_NE(inside, trust(Kind::channel, "", "t"));
  const std::string longest = "urn:x:" + std::string(58, 'y');
  EXPECT_EQ(read_back(trust(Kind::channel, longest)).app, longest) << "not a digest";
  EXPECT_FALSE(trust(Kind::channel).is_inside());
  EXPECT_FALSE(trust(Kind::bot, "urn:x:sms").is_inside());
  EXPECT_FALSE(Trust().is_inside());
}

TEST(Trust, AConversationInTheProcessIsMovedByItsChannelAlone) {
  const auto inside = trust(Kind::channel, "urn:x:sms");
  EXPECT_TRUE(may_move(inside, inside));
  EXPECT_TRUE(may_move(inside, trust(Kind::channel, "urn:x:sms", "another tenant")));
  for (const auto& other : {trust(Kind::channel), trust(Kind::channel, "urn:x:mail"), trust(Kind::bot, "urn:x:sms"),
                            trust(Kind::emulator), trust(Kind::other), Trust()}) {
    EXPECT_FALSE(may_move(inside, other));
    EXPECT_FALSE(may_cross(inside, other));
  }
}

TEST(Trust, AChannelInTheProcessTakesNoConversationOfAnotherChannel) {
  const auto inside = trust(Kind::channel, "urn:x:sms");
  for (const auto& known : {trust(Kind::channel), trust(Kind::channel, "", "t"), trust(Kind::channel, "urn:x:mail")}) {
    EXPECT_FALSE(may_move(known, inside));
    EXPECT_FALSE(may_cross(known, inside));
  }
  for (const auto& known : {trust(Kind::bot, "a"), trust(Kind::emulator), trust(Kind::other), Trust()}) {
    EXPECT_TRUE(may_move(known, inside));
    EXPECT_TRUE(may_cross(known, inside));
  }
  EXPECT_TRUE(may_cross(trust(Kind::channel), Trust())) << "nobody else is told apart here";
}

TEST(Trust, ReplacesWhatIsThere) {
  json::object reference;
  trust(Kind::bot, "a", "t").put(reference);
  trust(Kind::channel).put(reference);
  EXPECT_EQ(json::serialize(reference), R"({"trust":{"by":"channel"}})");
  Trust().put(reference);
  EXPECT_TRUE(reference.empty());
}

TEST(Trust, ThatIsDamagedOrOfALaterVersionIsNeverMoreThanItWas) {
  for (const char* text : {"{}", R"({"trust":null})", R"({"trust":"channel"})", R"({"trust":[]})", R"({"trust":{}})",
                           R"({"trust":{"by":3}})", R"({"trust":{"by":"","tenant":"t"}})"}) {
    EXPECT_EQ(in_text(text), Trust()) << text;
  }
  EXPECT_EQ(in_text(R"({"trust":{"by":"archangel","new":1}})").by, Kind::other);
  EXPECT_EQ(in_text(R"({"trust":{"by":"Channel"}})").by, Kind::other);
  EXPECT_EQ(in_text(R"({"trust":{"by":"channel","app":5,"tenant":{}}})"), trust(Kind::channel));
}

TEST(Trust, AChannelMovesItsConversationsAndThoseOfOthers) {
  for (const auto& known : {Trust(), trust(Kind::channel), trust(Kind::emulator), trust(Kind::bot, "a", "t"),
                            trust(Kind::other, "", "t"), trust(Kind::channel, "", "t")}) {
    EXPECT_TRUE(may_move(known, trust(Kind::channel)));
  }
  EXPECT_TRUE(may_move(trust(Kind::channel), trust(Kind::channel, "", "t")));
  EXPECT_FALSE(may_move(trust(Kind::channel, "", "t"), trust(Kind::channel, "", "u")));
}

TEST(Trust, OthersMoveWhatACallerLikeThemHasBrought) {
  EXPECT_TRUE(may_move(trust(Kind::bot, "a", "t"), trust(Kind::bot, "a", "t")));
  EXPECT_FALSE(may_move(trust(Kind::bot, "a", "t"), trust(Kind::bot, "b", "t")));
  EXPECT_FALSE(may_move(trust(Kind::bot, "a", "t"), trust(Kind::bot, "a", "u")));
  EXPECT_TRUE(may_move(trust(Kind::other, "", "t"), trust(Kind::other, "", "t")));
  EXPECT_FALSE(may_move(trust(Kind::other, "", "t"), trust(Kind::other, "", "u")));
  for (const auto kind : {Kind::emulator, Kind::bot, Kind::other}) {
    EXPECT_FALSE(may_move(trust(Kind::channel), trust(kind)));
    EXPECT_TRUE(may_move(Trust(), trust(kind)));
    EXPECT_TRUE(may_move(trust(kind), trust(kind)));
  }
  EXPECT_FALSE(may_move(trust(Kind::emulator), trust(Kind::other)));
}

TEST(Trust, NobodyMovesNothing) {
  for (const auto kind : {Kind::anonymous, Kind::channel, Kind::emulator, Kind::bot, Kind::other}) {
    EXPECT_FALSE(may_move(trust(kind), Trust()));
  }
}

TEST(Caller, IsTheBotThatVouchesForAReference) {
  json::object reference;
  trust(Kind::bot, "a", "t").put(reference);
  EXPECT_EQ(vouching_bot(reference.if_contains(trust_member)), "a");
  for (const auto& other : {trust(Kind::channel, "a"), trust(Kind::emulator), trust(Kind::other), Trust()}) {
    other.put(reference);
    EXPECT_EQ(vouching_bot(reference.if_contains(trust_member)), "");
  }
  for (const char* text : {"null", "[]", R"({"by":"bot"})", R"({"by":["bot"],"app":"a"})", R"({"by":"bot","app":5})"}) {
    const auto damaged = json::parse(text);
    EXPECT_EQ(vouching_bot(&damaged), "") << text;
  }
}

TEST(Caller, IsNotedOnAnActivityUntilItIsAnothers) {
  auto activity = Activity::message("hi");
  EXPECT_EQ(noted_caller(activity), "");
  note_caller(activity, "a");
  EXPECT_EQ(noted_caller(activity), "a");
  note_caller(activity, "b");
  EXPECT_EQ(noted_caller(activity), "b");
  note_caller(activity, "");
  EXPECT_EQ(activity, Activity::message("hi"));
}

TEST(Caller, ThatIsNoBotIsNone) {
  for (const char* id : {"", "urn:botframework:azure", "urn:botframework:aadappid:", "a"}) {
    auto activity = Activity::message("hi");
    activity.set_caller_id(id);
    EXPECT_EQ(noted_caller(activity), "") << id;
  }
}

}  // namespace
}  // namespace tern::detail
