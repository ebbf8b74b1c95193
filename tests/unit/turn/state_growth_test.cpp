// What becomes of stored state when the struct that it is read as has changed.

#include "support/bot_world.hpp"

#include <tern/turn/state.hpp>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tern {
namespace {

using test::BotWorld;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

enum class Colour { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)

struct Address {
  std::string street;
  std::string country = "CH";
};
BOOST_DESCRIBE_STRUCT(Address, (), (street, country))

struct Note {
  std::string text;
  int stars = 3;
};
BOOST_DESCRIBE_STRUCT(Note, (), (text, stars))

struct Profile {
  std::string name;
  int visits = 7;
  std::optional<std::string> nickname;
  std::optional<Address> work;
  Address home;
  std::vector<Note> notes;
  std::map<std::string, Note> by_name;
  Colour colour = Colour::green;
};
BOOST_DESCRIBE_STRUCT(Profile, (), (name, visits, nickname, work, home, notes, by_name, colour))

const StateProperty<Profile> profile = UserState().property<Profile>("profile");
constexpr const char* profile_key = "local/emulator/users/user-1";

/// One turn on a stored document.
class StateGrowth : public ::testing::Test {
 protected:
  void store(const std::string& document) {
    StoreChanges changes;
    changes.upserts.emplace_back(profile_key, document);
    ASSERT_TRUE(test::run_on(world.io(), world.storage.write(std::move(changes), Deadline::never())).has_value());
  }
  json::value stored() {
    const auto items = test::run_on(world.io(), world.storage.read({profile_key}, Deadline::never()));
    return json::parse(items.find(profile_key)->document);
  }
  void in_turn(TurnHandler handler) {
    handler_ = std::move(handler);
    error = {};
    world.say("x");
  }
  Profile read() {
    Profile found;
    in_turn([&](TurnContext& turn) -> awaitable<void> { found = co_await profile.get(turn); });
    EXPECT_EQ(error, "");
    return found;
  }
  void change(std::function<void(Profile&)> by) {
    in_turn([by](TurnContext& turn) -> awaitable<void> {
      auto found = co_await profile.get(turn);
      by(found);
      co_await profile.set(turn, std::move(found));
    });
    EXPECT_EQ(error, "");
  }

  std::string error;
  error_code code;
  BotWorld world{[this] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([this](TurnContext& turn) { return handler_(turn); });
    bot->on_error([this](TurnContext&, std::exception_ptr failed) -> awaitable<void> {
      try {
        std::rethrow_exception(failed);
      } catch (const system_error& e) {
        error = e.what();
        code = e.code();
      }
      co_return;
    });
    return bot;
  }};

 private:
  TurnHandler handler_;
};

TEST_F(StateGrowth, AMemberThatIsAbsentTakesItsDefault) {
  store(R"({"profile":{"name":"Ann","home":{"street":"High Street"},"notes":[{"text":"a"}]}})");
  const auto found = read();
  EXPECT_EQ(found.name, "Ann");
  EXPECT_EQ(found.visits, 7);
  EXPECT_EQ(found.nickname, std::nullopt);
  EXPECT_FALSE(found.work);
  EXPECT_EQ(found.home.street, "High Street");
  EXPECT_EQ(found.home.country, "CH") << "nested";
  ASSERT_EQ(found.notes.size(), 1U);
  EXPECT_EQ(found.notes[0].stars, 3) << "in a list";
  EXPECT_EQ(found.colour, Colour::green);
  store(R"({"profile":{}})");
  EXPECT_EQ(read().visits, 7);
}

TEST_F(StateGrowth, ANullIsNothingForWhatMayBeAbsentOnly) {
  store(R"({"profile":{"nickname":null,"work":null}})");
  EXPECT_EQ(read().nickname, std::nullopt);
  store(R"({"profile":{"work":{}}})");
  EXPECT_EQ(read().work->country, "CH");
  store(R"({"profile":{"visits":null}})");
  in_turn([](TurnContext& turn) -> awaitable<void> { (void)co_await profile.get(turn); });
  EXPECT_THAT(error, HasSubstr("profile.visits is null, and a whole number is wanted"));
}

// By an older program: the newer one has members that this one does not know.
TEST_F(StateGrowth, WhatIsUnknownSurvivesAWrite) {
  store(R"({"profile":{"name":"Ann","born":1990,"home":{"street":"High","floor":2},"work":{"street":"Low","desk":"a"},)"
        R"("notes":[{"text":"a","at":1},{"text":"b","at":2}],"by_name":{"x":{"text":"c","at":3}}},"other":1})");
  change([](Profile& found) {
    found.name = "Anna";
    found.home.street = "Broad";
    found.work->street = "Side";
    found.by_name["x"].stars = 5;
    found.by_name["y"] = Note{"new", 1};
  });
  const auto now = stored();
  EXPECT_EQ(now.at("other"), 1);
  const auto& kept = now.at("profile");
  EXPECT_EQ(kept.at("name"), "Anna");
  EXPECT_EQ(kept.at("born"), 1990);
  EXPECT_EQ(kept.at("home"), json::parse(R"({"street":"Broad","floor":2,"country":"CH"})"));
  EXPECT_EQ(kept.at("work"), json::parse(R"({"street":"Side","desk":"a","country":"CH"})"));
  EXPECT_EQ(kept.at("notes").at(0).at("at"), 1);
  EXPECT_EQ(kept.at("by_name").at("x"), json::parse(R"({"text":"c","at":3,"stars":5})"));
  EXPECT_EQ(kept.at("by_name").at("y"), json::parse(R"({"text":"new","stars":1})"));
}

TEST_F(StateGrowth, UpdateKeepsWhatIsUnknownToo) {
  store(R"({"profile":{"name":"Ann","born":1990}})");
  in_turn([](TurnContext& turn) -> awaitable<void> {
    co_await profile.update(turn, [](Profile& found) { ++found.visits; });
  });
  EXPECT_EQ(error, "");
  EXPECT_EQ(stored().at("profile").at("born"), 1990);
  EXPECT_EQ(stored().at("profile").at("visits"), 8);
}

// An element of a list is found again by what is known of it, wherever it stands now.
TEST_F(StateGrowth, ElementsOfAListKeepTheirOwn) {
  store(R"({"profile":{"notes":[{"text":"a","stars":1,"at":1},{"text":"b","stars":2,"at":2},)"
        R"({"text":"c","stars":3,"at":3}]}})");
  change([](Profile& found) {
    found.notes.erase(found.notes.begin());
    found.notes.push_back(Note{"d", 4});
  });
  EXPECT_EQ(stored().at("profile").at("notes"),
            json::parse(R"([{"text":"b","stars":2,"at":2},{"text":"c","stars":3,"at":3},{"text":"d","stars":4}])"));
  change([](Profile& found) { found.notes[1].stars = 1; });
  EXPECT_EQ(stored().at("profile").at("notes").at(1), json::parse(R"({"text":"c","stars":1,"at":3})"));
  change([](Profile& found) { found.notes.clear(); });
  EXPECT_EQ(stored().at("profile").at("notes"), json::array());
}

TEST_F(StateGrowth, WhatDidNotChangeIsNotWritten) {
  const std::string document =
      R"({"profile":{"colour":"red","born":1990,"name":"Ann","visits":7,"nickname":null,"work":null,)"
      R"("home":{"floor":1,"street":"","country":"CH"},"notes":[],"by_name":{}}})";
  store(document);
  const auto etag = [&] {
    return test::run_on(world.io(), world.storage.read({profile_key}, Deadline::never())).find(profile_key)->etag;
  };
  const auto before = etag();
  change([](Profile&) {});
  EXPECT_EQ(etag(), before);
}

TEST_F(StateGrowth, RemoveForgetsWhatIsUnknown) {
  store(R"({"profile":{"name":"Ann","born":1990}})");
  in_turn([](TurnContext& turn) -> awaitable<void> {
    co_await profile.remove(turn);
    co_await profile.set(turn, Profile());
  });
  EXPECT_FALSE(stored().at("profile").as_object().contains("born"));
}

TEST_F(StateGrowth, AnErrorNamesPropertyScopeAndKey) {
  const auto error_of = [&](const std::string& document) {
    store(document);
    in_turn([](TurnContext& turn) -> awaitable<void> { (void)co_await profile.get(turn); });
    EXPECT_EQ(code, errc::state_mismatch) << document;
    EXPECT_THAT(error, AllOf(HasSubstr("user state"), HasSubstr(profile_key), HasSubstr("docs/state.md"),
                             Not(HasSubstr("/usr"))));
    return error;
  };
  EXPECT_THAT(error_of(R"({"profile":{"visits":"many"}})"),
              AllOf(HasSubstr("profile.visits is a text, and a whole number is wanted"), Not(HasSubstr("many"))));
  EXPECT_THAT(error_of(R"({"profile":{"home":{"street":1}}})"), HasSubstr("profile.home.street is a whole number"));
  EXPECT_THAT(error_of(R"({"profile":{"notes":[{},{"stars":[]}]}})"), HasSubstr("profile.notes[1].stars is a list"));
  EXPECT_THAT(error_of(R"({"profile":{"by_name":{"x":{"text":true}}}})"), HasSubstr("profile.by_name.x.text is"));
  EXPECT_THAT(error_of(R"({"profile":{"notes":{}}})"), HasSubstr("profile.notes is an object, and a list"));
  EXPECT_THAT(error_of(R"({"profile":{"visits":1.5}})"), HasSubstr("profile.visits is a number with a fraction"));
  EXPECT_THAT(error_of(R"({"profile":{"visits":5000000000}})"), HasSubstr("profile.visits"));
  EXPECT_THAT(error_of(R"({"profile":[]})"), HasSubstr("profile is a list, and an object is wanted"));
  EXPECT_THAT(error_of(R"({"profile":{"colour":"blue"}})"),
              HasSubstr("profile.colour is \"blue\", which is none of red, green"));
  EXPECT_THAT(error_of(R"({"profile":{"colour":null}})"), HasSubstr("profile.colour is null"));
}

TEST_F(StateGrowth, AnErrorOfAnUpdateOrOfAPlainTypeNamesThemToo) {
  store(R"({"profile":{"visits":"many"},"count":"some"})");
  in_turn([](TurnContext& turn) -> awaitable<void> {
    co_await profile.update(turn, [](Profile& found) { ++found.visits; });
  });
  EXPECT_THAT(error, AllOf(HasSubstr("profile.visits"), HasSubstr(profile_key)));
  in_turn([](TurnContext& turn) -> awaitable<void> {
    (void)co_await UserState().property<std::int64_t>("count").get(turn);
  });
  EXPECT_THAT(error, AllOf(HasSubstr("count is a text"), HasSubstr(profile_key)));
  EXPECT_EQ(stored().at("count"), "some");
}

// Another program has added an enumerator, or it was written by its number.
TEST_F(StateGrowth, AnEnumeratorWithoutANameIsKeptByItsNumber) {
  change([](Profile& found) { found.colour = static_cast<Colour>(17); });
  EXPECT_EQ(stored().at("profile").at("colour"), 17);
  EXPECT_EQ(read().colour, static_cast<Colour>(17));
}

/// Its author has said how it is kept, described or not.
struct Temperature {
  double celsius = 0;
};
BOOST_DESCRIBE_STRUCT(Temperature, (), (celsius))
void tag_invoke(json::value_from_tag, json::value& to, const Temperature& from) {
  to = from.celsius;
}
Temperature tag_invoke(json::value_to_tag<Temperature>, const json::value& from) {
  return {from.to_number<double>()};
}

TEST_F(StateGrowth, AConversionOfTheAuthorsOwnIsKept) {
  const auto place = UserState().property<std::vector<Temperature>>("place");
  store(R"({"place":[20.5]})");
  double seen = 0;
  in_turn([&](TurnContext& turn) -> awaitable<void> {
    auto found = co_await place.get(turn);
    seen = found.at(0).celsius;
    found.push_back({21});
    co_await place.set(turn, std::move(found));
  });
  EXPECT_EQ(error, "");
  EXPECT_EQ(seen, 20.5);
  EXPECT_EQ(stored().at("place"), json::parse("[20.5,21.0]"));
  store(R"({"place":["warm"]})");
  in_turn([&](TurnContext& turn) -> awaitable<void> { (void)co_await place.get(turn); });
  EXPECT_THAT(error, HasSubstr("place is a list"));
}

}  // namespace
}  // namespace tern
