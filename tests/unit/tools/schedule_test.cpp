#include "support/run.hpp"
#include "tools/schedule/commands.hpp"
#include "tools/storage/tool_error.hpp"
#include "turn/annotations.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace tern::tools {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr Deadline never = Deadline::never();

TEST(PrintableText, StaysOnItsLineAndMovesNoCursor) {
  EXPECT_EQ(printable("one\ntwo\x1b[2J"), "one two [2J");
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a b")
      << "the direction of writing";
  EXPECT_EQ(printable("\xff\xc3"), "??");
  EXPECT_EQ(printable("Zürich"), "Zürich");
  EXPECT_EQ(printable("abcdef", 4), "abc…");
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("äöüß!", 4), "äöü…");
}

TEST(Table, AlignsItsColumnsByWhatIsSeen) {
  std::ostringstream out;
  Table table(out, {"NAME", "WHERE", "WHY"});
  table.print({{"Zürich", "here", "because"}, {"x", "somewhere", ""}});
  table.print({{"later", "here", "too"}});
  EXPECT_EQ(out.str(),
            "NAME    WHERE      WHY\n"
            "Zürich  here       because\n"
            "x       somewhere\n"
            "later   here       too\n");
}

TEST(Times, AreSaidForPeople) {
  const WallTime now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 9h};
  EXPECT_EQ(utc_text(now), "2026-11-23 09:00:00");
  EXPECT_EQ(relative_text(now, now), "now");
  EXPECT_EQ(relative_text(now + 20s, now), "in 20 s");
  EXPECT_EQ(relative_text(now - 150s, now), "2 min ago");
  EXPECT_EQ(relative_text(now + 30h, now), "in 30 h");
  EXPECT_EQ(relative_text(now + 72h, now), "in 3 days");
}

TEST(Handles, AreReadOnceEachAndRefusedByName) {
  const SendHandle handle{7, WallTime(1h), {1, 2, 3}};
  EXPECT_EQ(parse_handles({handle.to_string(), handle.to_string()}).size(), 1U);
  try {
    parse_handles({handle.to_string(), "nonsense"});
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("nonsense"), HasSubstr("first column")));
  }
}

/// A wall clock that stands still, beside a monotonic one that goes on: the commands have deadlines by the machine's,
/// which may have been up for less time than a `ManualClock` says.
class FixedWallClock final : public Clock {
 public:
  SteadyTime now() const noexcept override { return system_clock().now(); }
  WallTime wall_now() const noexcept override { return wall_; }
  void advance(WallTime::duration by) noexcept { wall_ += by; }

 private:
  std::unique_ptr<detail::TimerImpl> make_timer(executor) override { return nullptr; }

  WallTime wall_ = ManualClock().wall_now();
};

class ScheduleCommands : public ::testing::Test {
 protected:
  SendHandle schedule(const std::string& conversation, std::chrono::seconds delay, const std::string& text) {
    ScheduledSend send;
    send.order_key = conversation;
    send.handle = SendHandle{slot_of(conversation),
                             std::chrono::ceil<std::chrono::microseconds>(clock.wall_now()) + delay,
                             {static_cast<std::uint8_t>(++made)}};
    send.reference =
        R"({"channelId":"emulator","user":{"id":"user-1"},"conversation":{"id":")" + conversation + R"("}})";
    send.payload = R"({"type":"message","text":")" + text + R"("})";
    StoreChanges changes;
    changes.sends.push_back(send);
    test::run(store.write(std::move(changes), never));
    return send.handle;
  }

  // Its owner gives it up.
  void bury(const SendHandle& handle) {
    const auto leases = test::run(store.hold_slots("owner", {}, slot_count, never)).leases;
    DueQuery due;
    due.lease = leases.at(handle.slot);
    due.until = handle.due + 1h;
    const auto page = test::run(store.load_due(std::move(due), never));
    for (const auto& entry : page.entries) {
      if (entry.id == handle.id) {
        const auto sends = test::run(store.fetch({entry}, never));
        SendOutcome outcome(SendOutcome::Kind::dead, handle, sends.at(0).generation, leases.at(handle.slot));
        outcome.attempt = 1;
        outcome.reason = "conversation_gone";
        StoreChanges changes;
        changes.outcomes.push_back(std::move(outcome));
        test::run(store.write(std::move(changes), never));
      }
    }
  }

  template <class Command>
  std::string said(Command command, Form form = {}, Status expected = done) {
    std::ostringstream out;
    Printer printer(out, form, clock);
    EXPECT_EQ(test::run(command(printer)), expected) << out.str();
    return out.str();
  }
  std::string listed(Form form = {}, Listing listing = {}) {
    return said([&](Printer& printer) { return list_pending(store, listing, printer); }, form);
  }
  std::string dead(Form form = {}) {
    return said([&](Printer& printer) { return list_dead(store, {}, printer); }, form);
  }

  static std::vector<boost::json::object> lines(const std::string& text) {
    std::vector<boost::json::object> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      all.push_back(boost::json::parse(line).as_object());
    }
    return all;
  }

  FixedWallClock clock;
  AnyStorage store = AnyStorage::make<MemoryStorage>(MemoryStorageLimits(), clock);
  int made = 0;
};

TEST_F(ScheduleCommands, ListsWhatIsPendingAndHidesTheTexts) {
  EXPECT_EQ(listed(), "Nothing is pending.\n");
  const auto later = schedule("a", 7200s, "hidden");
  const auto sooner = schedule("b", 60s, "secret");
  const auto text = listed();
  EXPECT_THAT(text, AllOf(HasSubstr("HANDLE"), HasSubstr(later.to_string()), HasSubstr("in 2 h")));
  EXPECT_THAT(text, AllOf(HasSubstr("in 1 min"), Not(HasSubstr("hidden")), Not(HasSubstr("secret"))));
  EXPECT_LT(text.find(sooner.to_string()), text.find(later.to_string()));
  EXPECT_THAT(listed({false, Texts::shown}), HasSubstr("secret"));

  const auto objects = lines(listed({true, Texts::hidden}));
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0].at("handle").as_string(), sooner.to_string());
  EXPECT_EQ(objects[0].at("reference").at("user").at("id").as_string(), "user-1");
  EXPECT_FALSE(objects[0].contains("activity"));
  EXPECT_EQ(lines(listed({true, Texts::shown}))[0].at("activity").at("text").as_string(), "secret");

  Listing one;
  one.conversation = "a";
  EXPECT_THAT(listed({}, one), Not(HasSubstr(sooner.to_string())));
  Listing few;
  few.limit = 1;
  EXPECT_EQ(lines(listed({true, Texts::hidden}, few)).size(), 1U);
}

TEST_F(ScheduleCommands, ShowsOneAndCancelsIt) {
  const auto handle = schedule("a", 60s, "hello");
  const auto shown = said([&](Printer& printer) { return show(store, handle, printer); });
  EXPECT_THAT(shown,
              AllOf(HasSubstr("pending"), HasSubstr("emulator"), HasSubstr("in 1 min"), Not(HasSubstr("hello"))));
  EXPECT_THAT(said([&](Printer& printer) { return cancel(store, {handle}, printer); }), HasSubstr("cancelled"));
  EXPECT_EQ(listed(), "Nothing is pending.\n");
  EXPECT_THAT(said([&](Printer& printer) { return cancel(store, {handle}, printer); }, {}, failed),
              HasSubstr("too late"));
  const auto again =
      said([&](Printer& printer) { return cancel(store, {handle}, printer); }, {true, Texts::hidden}, failed);
  EXPECT_EQ(lines(again).at(0).at("outcome").as_string(), "too_late");
  std::ostringstream out;
  Printer printer(out, {}, clock);
  EXPECT_THROW(test::run(show(store, handle, printer)), ToolError);
}

TEST_F(ScheduleCommands, ShowsHowASendIsTreated) {
  ScheduledSend send;
  send.order_key = "orders";
  send.handle =
      SendHandle{slot_of("orders"), std::chrono::ceil<std::chrono::microseconds>(clock.wall_now()) + 60s, {9}};
  send.expires = clock.wall_now() + 2h;
  send.reference = R"({"channelId":"emulator","user":{"id":"user-1"},"conversation":{"id":"c"}})";
  send.payload = R"({"type":"message","text":"x"})";
  detail::Annotations annotations;
  annotations.every = Recurrence::daily(*TimeOfDay::parse("09:00"));
  annotations.quiet = QuietHours(*TimeOfDay::parse("22:00"), *TimeOfDay::parse("07:00"));
  annotations.time_zone = "Europe/Berlin";
  annotations.strict = true;
  send.annotations = annotations.to_string();
  StoreChanges changes;
  changes.sends.push_back(send);
  test::run(store.write(std::move(changes), never));
  const auto shown = said([&](Printer& printer) { return show(store, send.handle, printer); });
  EXPECT_THAT(shown, AllOf(HasSubstr("order key        orders\n"), HasSubstr("conversation     c\n"),
                           HasSubstr("every            every day at 09:00 (Europe/Berlin)\n"),
                           HasSubstr("quiet hours      22:00 to 07:00 (Europe/Berlin)\n"),
                           HasSubstr("strict           yes\n"), HasSubstr("UTC, in 2 h\n")));
  const auto object =
      lines(said([&](Printer& printer) { return show(store, send.handle, printer); }, {true, Texts::hidden})).at(0);
  EXPECT_EQ(object.at("state").as_string(), "pending");
  EXPECT_EQ(object.at("orderKey").as_string(), "orders");
  EXPECT_EQ(object.at("every").at("daily").as_string(), "09:00");
  EXPECT_EQ(object.at("quietHours").at("from").as_string(), "22:00");
}

TEST_F(ScheduleCommands, SendsTheDeadAgainOrForgetsThem) {
  EXPECT_EQ(dead(), "Nothing is dead.\n");
  const auto one = schedule("a", 0s, "x");
  const auto two = schedule("b", 0s, "y");
  const auto three = schedule("c", 0s, "z");
  for (const auto& handle : {one, two, three}) {
    bury(handle);
  }
  EXPECT_THAT(dead(), AllOf(HasSubstr("REASON"), HasSubstr("conversation_gone"), HasSubstr(two.to_string())));
  EXPECT_EQ(lines(dead({true, Texts::hidden})).size(), 3U);
  EXPECT_THAT(said([&](Printer& printer) { return show(store, one, printer); }), HasSubstr("conversation_gone"));

  EXPECT_THAT(said([&](Printer& printer) { return discard(store, {one}, printer); }), HasSubstr("discarded"));
  EXPECT_THAT(said([&](Printer& printer) { return redrive(store, {one}, printer); }, {}, failed),
              HasSubstr("not dead"));
  EXPECT_THAT(said([&](Printer& printer) { return redrive_all(store, {}, printer); }),
              HasSubstr("2 will be sent again"));
  EXPECT_EQ(dead(), "Nothing is dead.\n");
  EXPECT_EQ(lines(listed({true, Texts::hidden})).size(), 2U);
}

TEST_F(ScheduleCommands, WhatAnOutageBuriedIsFoundAndSentAgainByReasonAndTime) {
  bury(schedule("a", 0s, "x"));
  clock.advance(1h);
  const auto began = clock.wall_now();
  const auto lost = schedule("b", 0s, "y");
  bury(lost);
  clock.advance(1h);
  bury(schedule("c", 0s, "z"));
  DeadFilter filter;
  filter.reason = "rejected";
  EXPECT_THAT(said([&](Printer& printer) { return redrive_all(store, filter, printer); }),
              HasSubstr("Nothing of that"));
  filter.reason = "conversation";
  filter.since = began;
  filter.until = began + 30min;
  Listing listing;
  listing.dead = filter;
  EXPECT_THAT(said([&](Printer& printer) { return list_dead(store, listing, printer); }), HasSubstr(lost.to_string()));
  EXPECT_THAT(said([&](Printer& printer) { return redrive_all(store, filter, printer); }), HasSubstr("1 will be sent"));
  EXPECT_EQ(lines(dead({true, Texts::hidden})).size(), 2U);
}

TEST_F(ScheduleCommands, CountsInConstantTime) {
  schedule("a", 60s, "x");
  bury(schedule("b", 0s, "y"));
  const auto told = said([&](Printer& printer) { return stats(store, printer); });
  EXPECT_THAT(told, AllOf(HasSubstr("pending"), HasSubstr("first due"), HasSubstr("in 1 min")));
  const auto counts = lines(said([&](Printer& printer) { return stats(store, printer); }, {true, Texts::hidden})).at(0);
  EXPECT_EQ(counts.at("pending").as_int64(), 1);
  EXPECT_EQ(counts.at("dead").as_int64(), 1);
}

}  // namespace
}  // namespace tern::tools
