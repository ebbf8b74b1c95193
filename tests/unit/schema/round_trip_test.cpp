#include <tern/schema/activity.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

namespace {

namespace json = boost::json;

/// Makes random activities: members that the protocol names, of the right type or not, among unknown ones.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  std::string text() {
    constexpr std::string_view pieces[] = {"a",      "Z", " ",  "\"", "\\", "/",   "\n",
                                           "\u0001", "é", "中", "😀", "'",  "\x7F"};
    std::string made;
    for (unsigned n = below(24); n > 0; --n) {
      made += below(20) == 0 ? std::string_view("\0", 1) : pieces[below(std::size(pieces))];
    }
    return made;
  }

  json::value scalar() {
    switch (below(7)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(random_());
      case 3:
        return random_() | (std::uint64_t{1} << 63);
      case 4:
        return std::ldexp(static_cast<double>(random_()), static_cast<int>(below(400)) - 200);
      default:
        return json::value(text());
    }
  }

  json::value any(unsigned depth) {
    const unsigned kind = depth == 0 ? 0 : below(4);
    if (kind == 1) {
      json::array list;
      for (unsigned n = below(4); n > 0; --n) {
        list.push_back(any(depth - 1));
      }
      return list;
    }
    return kind == 2 ? json::value(unknown_members(depth - 1)) : scalar();
  }

  json::object unknown_members(unsigned depth) {
    json::object made;
    for (unsigned n = below(5); n > 0; --n) {
      made["x-" + text()] = any(depth);
    }
    return made;
  }

  json::object account() {
    json::object made = unknown_members(3);
    made["id"] = "id" + text();
    json::object after = unknown_members(2);
    made.insert(after.begin(), after.end());
    return made;
  }

  json::object activity() {
    constexpr std::string_view names[] = {"id",          "text",     "from",         "recipient", "locale",
                                          "attachments", "entities", "membersAdded", "value",     "channelData",
                                          "timestamp",   "name",     "channelId",    "inputHint", "suggestedActions",
                                          "relatesTo",   "label",    "listenFor",    "summary",   "reactionsAdded"};
    json::object made = unknown_members(4);
    made["type"] = "message";
    for (unsigned n = below(12); n > 0; --n) {
      const std::string_view name = names[below(std::size(names))];
      made[name] = below(3) == 0   ? any(4)
                   : below(2) == 0 ? json::value(account())
                                   : json::value(json::array{account()});
    }
    made["conversation"] = account();
    made["serviceUrl"] = "https://smba.trafficmanager.net/teams/";
    json::object after = unknown_members(4);
    made.insert(after.begin(), after.end());
    return made;
  }

 private:
  std::mt19937_64 random_;
};

TEST(RoundTrip, WhatArrivesIsWrittenByteForByte) {
  Maker maker(2026);
  for (int i = 0; i < 3000; ++i) {
    const json::object sent = maker.activity();
    const std::string text = json::serialize(sent);
    const auto parsed = tern::parse_activity(text);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message << "\n" << text;
    ASSERT_EQ(parsed->json(), sent) << text;
    ASSERT_EQ(json::serialize(parsed->json()), text);
  }
}

TEST(RoundTrip, AccessorsReadAnyActivityAndChangeNothing) {
  Maker maker(7);
  for (int i = 0; i < 1000; ++i) {
    const tern::Activity activity(maker.activity());
    const tern::Activity before = activity;
    for (const auto& item : activity.attachments()) {
      static_cast<void>(item.content());
    }
    for (const auto& item : activity.entities()) {
      static_cast<void>(item.as_mention());
    }
    static_cast<void>(activity.timestamp());
    static_cast<void>(activity.relates_to());
    static_cast<void>(activity.text_without_mention("id"));
    tern::Activity reply = tern::Activity::message("x");
    reply.apply_reference(activity.reference(), true);
    EXPECT_EQ(reply.conversation_id(), activity.conversation_id());
    EXPECT_EQ(reply.recipient_id(), activity.from_id());
    EXPECT_EQ(reply.from_id(), activity.recipient_id());
    ASSERT_EQ(json::serialize(activity.json()), json::serialize(before.json()));
  }
}

TEST(RoundTrip, TypedPartsKeepTheirUnknownMembersWhenTheyAreSetAgain) {
  Maker maker(11);
  for (int i = 0; i < 1000; ++i) {
    const json::object source = maker.account();
    tern::Activity activity = tern::Activity::message("x");
    activity.set_from(tern::ChannelAccount(source)).set_conversation(tern::ConversationAccount(source));
    activity.add_attachment(tern::Attachment(source)).add_entity(tern::Entity(source));
    activity.set_suggested_actions(tern::SuggestedActions(source));
    activity.set_members_added({tern::ChannelAccount(source), tern::ChannelAccount("y")});
    const std::string expected = json::serialize(source);
    ASSERT_EQ(json::serialize(activity.from()->json()), expected);
    ASSERT_EQ(json::serialize(activity.conversation()->json()), expected);
    ASSERT_EQ(json::serialize(activity.attachments().at(0).json()), expected);
    ASSERT_EQ(json::serialize(activity.entities().at(0).json()), expected);
    ASSERT_EQ(json::serialize(activity.suggested_actions()->json()), expected);
    ASSERT_EQ(json::serialize(activity.members_added().at(0).json()), expected);
  }
}

TEST(RoundTrip, ACutTextIsRefusedAndNeverReadAsSomethingElse) {
  Maker maker(3);
  for (int i = 0; i < 50; ++i) {
    const std::string text = json::serialize(maker.activity());
    for (std::size_t size = 0; size < text.size(); size += 1 + text.size() / 200) {
      ASSERT_TRUE(tern::parse_activity(std::string_view(text).substr(0, size)).has_error());
    }
  }
}

}  // namespace
