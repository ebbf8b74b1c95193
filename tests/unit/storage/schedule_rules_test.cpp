#include "storage/schedule_rules.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace tern::storage {

void PrintTo(const SendState& state, std::ostream* out) {
  *out << "due " << state.due.time_since_epoch().count() << ", not before "
       << state.not_before.time_since_epoch().count() << ", generation " << state.generation << ", attempt "
       << state.attempt << ", begun " << state.begun << (state.awaits_reply ? ", awaits a reply" : "");
}

void PrintTo(const CountChanges& counts, std::ostream* out) {
  *out << "pending " << counts.pending << ", sent " << counts.sent << ", cancelled " << counts.cancelled << ", expired "
       << counts.expired << ", dead " << counts.dead << ", awaiting reply " << counts.awaiting_reply << ", kept dead "
       << counts.kept_dead;
}

namespace {

using namespace std::chrono_literals;
using OutcomeKind = SendOutcome::Kind;
using EditKind = SendEdit::Kind;

constexpr auto most = ScheduleRules::most_begun;
const WallTime due{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

constexpr OutcomeKind outcome_kinds[] = {OutcomeKind::sent, OutcomeKind::retry, OutcomeKind::dead, OutcomeKind::expired,
                                         OutcomeKind::begin};

/// Each state that the rules tell apart.
std::vector<SendState> all_states() {
  std::vector<SendState> all;
  for (const auto not_before : {WallTime{}, due + 1h}) {
    for (const std::uint32_t generation : {0U, 1U, 7U}) {
      for (const std::uint32_t attempt : {0U, 3U, 100'000U}) {
        for (const int begun : {0, 1, most - 1, +most}) {
          for (const bool awaits_reply : {false, true}) {
            all.push_back({due, not_before, generation, attempt, static_cast<std::uint16_t>(begun), awaits_reply});
          }
        }
      }
    }
  }
  return all;
}

SendState as_new(const SendState& before, WallTime new_due) {
  return {new_due, WallTime{}, before.generation + 1, 0, 0, before.awaits_reply};
}

bool does_nothing(const Ruling& ruling) {
  return !ruling.accepted && ruling.fate == Fate::stays && !ruling.ends_sending && ruling.counts == CountChanges{};
}

/// An outcome, and what belongs to it.
struct OutcomeCase {
  std::string name() const {
    return "kind " + std::to_string(static_cast<int>(outcome.kind)) + (owned ? ", by the owner" : ", by another") +
           (current ? "" : ", of another generation") + (outcome.next ? ", recurring" : "");
  }
  SendOutcome outcome;
  bool owned;
  bool current;
};

/// Each outcome of a send that the rules tell apart.
std::vector<OutcomeCase> all_outcomes_of(const SendState& send) {
  std::vector<OutcomeCase> all;
  const std::optional<WallTime> nexts[] = {std::nullopt, due + 24h};
  for (const auto kind : outcome_kinds) {
    for (const bool current : {true, false}) {
      for (const bool owned : {true, false}) {
        for (const auto next : nexts) {
          for (const auto not_before : {WallTime{}, due - 1ns, due, due + 1ns, due + 2h}) {
            for (const int begun : {0, 2, +most, 65'535}) {
              SendOutcome outcome(kind, {}, send.generation + (current ? 0 : 1), {});
              outcome.next = next;
              outcome.not_before = not_before;
              outcome.attempt = send.attempt + 1;
              outcome.begun = static_cast<std::uint16_t>(begun);
              all.push_back({outcome, owned, current});
            }
          }
        }
      }
    }
  }
  return all;
}

/// How the send stands after an outcome that counts; nullopt when it is not pending.
std::optional<SendState> expected_after(const SendState& before, const SendOutcome& outcome) {
  auto after = before;
  switch (outcome.kind) {
    case OutcomeKind::begin:
      after.begun = before.begun == most ? most : static_cast<std::uint16_t>(before.begun + 1);
      return after;
    case OutcomeKind::retry:
      after.attempt = outcome.attempt;
      after.not_before = outcome.not_before > before.due ? outcome.not_before : WallTime{};
      after.begun = outcome.begun > most ? most : outcome.begun;
      return after;
    default:
      return outcome.next ? std::optional(as_new(before, *outcome.next)) : std::nullopt;
  }
}

CountChanges expected_counts(const SendState& before, const SendOutcome& outcome) {
  CountChanges counts;
  counts.sent = outcome.kind == OutcomeKind::sent ? 1 : 0;
  counts.dead = outcome.kind == OutcomeKind::dead ? 1 : 0;
  counts.expired = outcome.kind == OutcomeKind::expired ? 1 : 0;
  const bool is_over = outcome.kind != OutcomeKind::begin && outcome.kind != OutcomeKind::retry && !outcome.next;
  counts.pending = is_over ? -1 : 0;
  counts.awaiting_reply = is_over && before.awaits_reply ? -1 : 0;
  counts.kept_dead = is_over ? counts.dead : 0;
  return counts;
}

TEST(ScheduleRules, AnOutcomeCountsIfItIsAFactOrItsOwnerReportsIt) {
  for (const auto& before : all_states()) {
    for (const auto& one : all_outcomes_of(before)) {
      SCOPED_TRACE(one.name() + ", of " + ::testing::PrintToString(before));
      const auto ruling = ScheduleRules::outcome(&before, one.outcome, one.owned);
      if (!one.current || (one.outcome.kind != OutcomeKind::sent && !one.owned)) {
        ASSERT_TRUE(does_nothing(ruling));
        continue;
      }
      ASSERT_TRUE(ruling.accepted);
      ASSERT_EQ(ruling.counts, expected_counts(before, one.outcome));
      ASSERT_EQ(ruling.ends_sending, one.outcome.kind != OutcomeKind::begin);
      const auto after = expected_after(before, one.outcome);
      if (after) {
        ASSERT_EQ(ruling.fate, Fate::changes);
        ASSERT_EQ(ruling.now, *after);
      } else {
        ASSERT_EQ(ruling.fate, one.outcome.kind == OutcomeKind::dead ? Fate::dies : Fate::ends);
      }
    }
  }
}

TEST(ScheduleRules, OfASendThatIsNotPendingOnlyThatItWasSentIsBelieved) {
  for (const auto& one : all_outcomes_of(SendState{})) {
    SCOPED_TRACE(one.name());
    auto ruling = ScheduleRules::outcome(nullptr, one.outcome, one.owned);
    ASSERT_EQ(ruling.accepted, one.outcome.kind == OutcomeKind::sent);
    ruling.accepted = false;
    ASSERT_TRUE(does_nothing(ruling)) << "what is over is counted once";
  }
}

TEST(ScheduleRules, OnlyThatASendWasSentNeedsNoOwner) {
  for (const auto kind : outcome_kinds) {
    EXPECT_EQ(ScheduleRules::needs_owner(SendOutcome(kind, {}, 0, {})), kind != OutcomeKind::sent);
  }
}

TEST(ScheduleRules, WhatNobodyIsSendingCanBeCancelled) {
  const SendEdit cancel(EditKind::cancel, {});
  for (const auto& before : all_states()) {
    SCOPED_TRACE(::testing::PrintToString(before));
    ASSERT_TRUE(does_nothing(ScheduleRules::edit(&before, cancel, false)));
    ASSERT_TRUE(does_nothing(ScheduleRules::cancel(before, false)));
    for (const auto& ruling : {ScheduleRules::edit(&before, cancel, true), ScheduleRules::cancel(before, true)}) {
      ASSERT_TRUE(ruling.accepted);
      ASSERT_EQ(ruling.fate, Fate::ends);
      CountChanges counts;
      counts.pending = -1;
      counts.cancelled = 1;
      counts.awaiting_reply = before.awaits_reply ? -1 : 0;
      ASSERT_EQ(ruling.counts, counts);
    }
  }
  ASSERT_TRUE(does_nothing(ScheduleRules::edit(nullptr, cancel, true)));
}

TEST(ScheduleRules, WhatHasNotBegunCanBeMoved) {
  const SendEdit move(EditKind::reschedule, {}, due + 5h);
  for (const auto& before : all_states()) {
    SCOPED_TRACE(::testing::PrintToString(before));
    ASSERT_TRUE(does_nothing(ScheduleRules::edit(&before, move, false)));
    const auto ruling = ScheduleRules::edit(&before, move, true);
    if (before.begun > 0) {
      ASSERT_TRUE(does_nothing(ruling));
      continue;
    }
    ASSERT_TRUE(ruling.accepted);
    ASSERT_EQ(ruling.fate, Fate::changes);
    ASSERT_EQ(ruling.now, as_new(before, due + 5h));
    ASSERT_EQ(ruling.counts, CountChanges{});
  }
  ASSERT_TRUE(does_nothing(ScheduleRules::edit(nullptr, move, true)));
}

TEST(ScheduleRules, ADeadSendComesBackAsIfNew) {
  for (const auto& dead : all_states()) {
    SCOPED_TRACE(::testing::PrintToString(dead));
    const auto ruling = ScheduleRules::redrive(&dead, due + 5h);
    ASSERT_TRUE(ruling.accepted);
    ASSERT_EQ(ruling.fate, Fate::changes);
    ASSERT_EQ(ruling.now, as_new(dead, due + 5h));
    CountChanges counts;
    counts.pending = 1;
    counts.kept_dead = -1;
    counts.awaiting_reply = dead.awaits_reply ? 1 : 0;
    ASSERT_EQ(ruling.counts, counts);
  }
  EXPECT_TRUE(does_nothing(ScheduleRules::redrive(nullptr, due)));
}

TEST(ScheduleRules, ADeadSendIsForgottenOnce) {
  const auto ruling = ScheduleRules::discard(true);
  EXPECT_TRUE(ruling.accepted);
  EXPECT_EQ(ruling.fate, Fate::ends);
  CountChanges counts;
  counts.kept_dead = -1;
  EXPECT_EQ(ruling.counts, counts);
  EXPECT_TRUE(does_nothing(ScheduleRules::discard(false)));
}

// Whatever happens to sends, the counts say how many there are.
TEST(ScheduleRules, AddingAndEndingASendLeavesTheCountsAsTheyWere) {
  for (const auto& before : all_states()) {
    ScheduledSend send;
    ScheduleRules::put(before, send);
    send.cancel_on_reply = before.awaits_reply ? "conversation" : "";
    const auto added = ScheduleRules::add(send);
    ASSERT_EQ(added.now, before);
    for (const auto& one : all_outcomes_of(before)) {
      const auto ruling = ScheduleRules::outcome(&before, one.outcome, one.owned);
      auto counts = added.counts;
      counts += ruling.counts;
      const bool pending = ruling.fate == Fate::stays || ruling.fate == Fate::changes;
      ASSERT_EQ(counts.pending, pending ? 1 : 0) << one.name();
      ASSERT_EQ(counts.awaiting_reply, pending && before.awaits_reply ? 1 : 0) << one.name();
      ASSERT_EQ(counts.kept_dead, ruling.fate == Fate::dies ? 1 : 0) << one.name();
    }
  }
}

TEST(ScheduleRules, AStateIsReadInOneForm) {
  ScheduledSend send;
  send.handle.due = due;
  for (const auto not_before : {WallTime{}, due - 1h, due}) {
    send.not_before = not_before;
    EXPECT_EQ(ScheduleRules::state_of(send).not_before, WallTime{}) << "it waits for nothing";
    EXPECT_FALSE(ScheduleRules::state_of(send).is_retry());
  }
  send.not_before = due + 1ns;
  EXPECT_EQ(ScheduleRules::state_of(send).not_before, due + 1ns);
  EXPECT_TRUE(ScheduleRules::state_of(send).is_retry());
  EXPECT_EQ(ScheduleRules::state_of(send).effective_due(), due + 1ns);
  send.begun = 65'535;
  EXPECT_EQ(ScheduleRules::state_of(send).begun, most);
}

TEST(ScheduleRules, CountsAreAddedToThoseOfTheStore) {
  SendCounts counts;
  counts.pending = 5;
  counts.kept_dead = 5;
  CountChanges changes{-1, 2, 3, 4, 5, 6, -2};
  changes += CountChanges{-1, 1, 1, 1, 1, 1, -1};
  changes.add_to(counts);
  EXPECT_EQ(counts.pending, 3U);
  EXPECT_EQ(counts.sent, 3U);
  EXPECT_EQ(counts.cancelled, 4U);
  EXPECT_EQ(counts.expired, 5U);
  EXPECT_EQ(counts.dead, 6U);
  EXPECT_EQ(counts.awaiting_reply, 7U);
  EXPECT_EQ(counts.kept_dead, 2U);
}

TEST(ScheduleRules, AnEntryNamesASendAsItStands) {
  DueEntry entry;
  entry.generation = 2;
  for (const std::uint32_t attempt : {0U, 1U, 65'534U, 65'535U, 65'536U, 100'000U}) {
    entry.attempt = ScheduleRules::entry_attempt(attempt);
    EXPECT_TRUE(ScheduleRules::is_current(entry, 2, attempt)) << attempt;
    EXPECT_FALSE(ScheduleRules::is_current(entry, 3, attempt)) << attempt;
    EXPECT_EQ(ScheduleRules::is_current(entry, 2, attempt + 1), attempt >= 65'535) << attempt;
  }
}

TEST(ScheduleRules, TheOwnerIsToldOfWhatIsNewOrMoved) {
  EXPECT_TRUE(ScheduleRules::is_news(std::nullopt, 0));
  EXPECT_TRUE(ScheduleRules::is_news(1, 2));
  EXPECT_FALSE(ScheduleRules::is_news(2, 2));
}

TEST(ScheduleRules, AKeyStandsForTheHandleThatIsValidNow) {
  const KnownKey first{{3, due, {1}}, {2}};
  EXPECT_EQ(ScheduleRules::valid_now(first, std::nullopt).handle, first.handle);
  const auto moved = ScheduleRules::valid_now(first, due + 1h);
  EXPECT_EQ(moved.handle, (SendHandle{3, due + 1h, {1}}));
  EXPECT_EQ(moved.digest, first.digest);
}

}  // namespace
}  // namespace tern::storage
