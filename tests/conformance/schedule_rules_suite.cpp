#include "conformance/schedule_rules_suite.hpp"
#include "storage/idempotency_age.hpp"

#include <algorithm>
#include <iostream>

// Every store follows `ScheduleRules`, whatever it does in SQL of its own.

namespace tern::conformance {

namespace {

using namespace std::chrono_literals;
using storage::CountChanges;
using storage::Fate;
using storage::ScheduleRules;

std::int64_t difference(std::uint64_t after, std::uint64_t before) {
  return static_cast<std::int64_t>(after - before);
}

CountChanges changes_between(const SendCounts& before, const SendCounts& after) {
  return {difference(after.pending, before.pending),     difference(after.sent, before.sent),
          difference(after.cancelled, before.cancelled), difference(after.expired, before.expired),
          difference(after.dead, before.dead),           difference(after.awaiting_reply, before.awaiting_reply),
          difference(after.kept_dead, before.kept_dead)};
}

}  // namespace

ScheduledSend ScheduleRulesSuite::any_send() {
  auto send = make_send("conversation " + std::to_string(random_() % 5), at(static_cast<int>(random_() % 100)));
  send.is_copy = true;
  send.generation = any_of<std::uint32_t>({0, 0, 3});
  send.attempt = any_of<std::uint32_t>({0, 0, 5, 65'535, 65'536, 100'000});
  send.begun = any_of<std::uint16_t>({0, 0, 0, 1, ScheduleRules::most_begun - 1, ScheduleRules::most_begun, 65'535});
  send.not_before = any_of({WallTime{}, send.handle.due - 1us, send.handle.due, send.handle.due + 1us, at(500)});
  send.cancel_on_reply = maybe() ? "" : send.handle.to_string();
  return send;
}

std::optional<ScheduledSend> ScheduleRulesSuite::stored(const SendHandle& handle) {
  SendQuery query;
  query.handle = handle;
  auto page = list(std::move(query));
  return page.sends.empty() ? std::nullopt : std::optional(std::move(page.sends[0]));
}

void ScheduleRulesSuite::expect_state(const SendHandle& handle, const std::optional<SendState>& expected) {
  const auto send = stored(handle);
  ASSERT_EQ(send.has_value(), expected.has_value());
  if (!send) {
    return;
  }
  EXPECT_EQ(send->handle.due, expected->due);
  EXPECT_EQ(send->not_before, expected->not_before);
  EXPECT_EQ(send->generation, expected->generation);
  EXPECT_EQ(send->attempt, expected->attempt);
  EXPECT_EQ(send->begun, expected->begun);
  const auto entries = load(lease_of(leases_, handle.slot), at(100'000)).entries;
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.id == handle.id; });
  ASSERT_NE(entry, entries.end());
  EXPECT_EQ(entry->due, expected->effective_due());
  EXPECT_TRUE(ScheduleRules::is_current(*entry, expected->generation, expected->attempt));
}

bool ScheduleRulesSuite::maybe_fetch(const SendHandle& handle, const SendState& state) {
  if (maybe()) {
    return false;
  }
  DueEntry entry;
  entry.due = state.effective_due();
  entry.seq = stored(handle)->seq;
  entry.id = handle.id;
  entry.slot = handle.slot;
  entry.generation = state.generation + (random_() % 4 == 0 ? 1 : 0);
  entry.attempt =
      static_cast<std::uint16_t>(ScheduleRules::entry_attempt(state.attempt) ^ (random_() % 4 == 0 ? 1U : 0U));
  const bool expected = ScheduleRules::is_current(entry, state.generation, state.attempt);
  EXPECT_EQ(fetch({entry}).size(), expected ? 1U : 0U);
  return expected;
}

storage::Ruling ScheduleRulesSuite::report_any(const SendHandle& handle, const SendState& state) {
  auto lease = lease_of(leases_, handle.slot);
  const bool owned = random_() % 4 != 0;
  lease.epoch += owned ? 0 : 1;
  SendOutcome outcome(any_of({Kind::sent, Kind::retry, Kind::dead, Kind::expired, Kind::begin}), handle,
                      state.generation + (random_() % 4 == 0 ? 1 : 0), lease);
  outcome.attempt = any_of<std::uint32_t>({1, 65'536});
  outcome.begun = any_of<std::uint16_t>({0, 1, 65'535});
  outcome.not_before = any_of({WallTime{}, state.due, state.due + 1us, at(700)});
  if (outcome.kind != Kind::begin && outcome.kind != Kind::retry && maybe()) {
    outcome.next = at(800);
  }
  const auto ruling = ScheduleRules::outcome(&state, outcome, owned);
  EXPECT_EQ(report(outcome), ruling.accepted);
  return ruling;
}

storage::Ruling ScheduleRulesSuite::edit_any(const SendHandle& handle, const SendState& state, bool is_free) {
  if (state.awaits_reply && maybe()) {
    StoreChanges changes;
    changes.edits.push_back(SendEdit::on_reply(handle.to_string()));
    EXPECT_EQ(commit(std::move(changes)).edits.at(0), EditOutcome::done) << "a reply always is";
    return ScheduleRules::cancel(state, is_free);
  }
  const SendEdit change(maybe() ? SendEdit::Kind::cancel : SendEdit::Kind::reschedule, handle, at(900));
  const auto ruling = ScheduleRules::edit(&state, change, is_free);
  expect_receipt(edit(change.kind, handle, change.new_due), handle, ruling);
  return ruling;
}

storage::Ruling ScheduleRulesSuite::edit_dead(const SendHandle& handle, const SendState& state) {
  const auto kind = maybe() ? SendEdit::Kind::redrive : SendEdit::Kind::discard;
  const auto ruling =
      kind == SendEdit::Kind::redrive ? ScheduleRules::redrive(&state, at(900)) : ScheduleRules::discard(true);
  expect_receipt(edit(kind, handle, at(900)), handle, ruling);
  EXPECT_EQ(edit(SendEdit::Kind::discard, handle).edits.at(0), EditOutcome::too_late);
  return ruling;
}

void ScheduleRulesSuite::expect_receipt(const StoreReceipt& receipt, SendHandle handle, const Ruling& ruling) {
  EXPECT_EQ(receipt.edits.at(0), ruling.accepted ? EditOutcome::done : EditOutcome::too_late);
  handle.due = ruling.fate == Fate::changes ? ruling.now.due : handle.due;
  EXPECT_EQ(receipt.edit_handles.at(0), handle);
}

void ScheduleRulesSuite::try_one() {
  const auto send = any_send();
  const auto added = ScheduleRules::add(send);
  auto before = counts();
  const auto handle = schedule(send);
  EXPECT_EQ(changes_between(before, counts()), added.counts);
  auto state = added.now;
  bool is_free = true;
  for (int step = 0; step < 4 && !HasFailure(); ++step) {
    expect_state(handle, state);
    is_free = is_free && !maybe_fetch(handle, state);
    before = counts();
    auto ruling = maybe() ? report_any(handle, state) : edit_any(handle, state, is_free);
    is_free = is_free || ruling.ends_sending;
    EXPECT_EQ(changes_between(before, counts()), ruling.counts);
    if (ruling.fate == Fate::dies) {
      expect_state(handle, std::nullopt);
      before = counts();
      ruling = edit_dead(handle, state);
      EXPECT_EQ(changes_between(before, counts()), ruling.counts);
    }
    if (ruling.fate == Fate::ends) {
      expect_state(handle, std::nullopt);
      return;
    }
    state = ruling.fate == Fate::changes ? ruling.now : state;
  }
  EXPECT_TRUE(report(SendOutcome(Kind::sent, handle, state.generation, lease_of(leases_, handle.slot))));
}

TEST_P(ScheduleRulesSuite, AStoreDoesToASendWhatTheRulesSay) {
  constexpr int cases = 400;
  const auto seed = random_seed();
  std::cout << "TERN_TEST_SEED=" << seed << '\n';
  random_.seed(seed);
  leases_ = hold("owner");
  for (int i = 0; i < cases && !HasFailure(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    try_one();
  }
}

TEST_P(ScheduleRulesSuite, AStoreForgetsAKeyWhenTheRuleDoes) {
  for (const auto off : {-1us, 0us, 1us}) {
    SCOPED_TRACE(off.count());
    auto send = make_send("c", clock.wall_now() + 1h);
    send.idempotency_key = "key " + std::to_string(off.count());
    const auto came = clock.wall_now();
    const auto first = schedule(send);
    clock.advance(detail::idempotency_kept + off);
    const bool forgotten = detail::is_key_forgotten(came, clock.wall_now());
    SendQuery by_key;
    by_key.idempotency_key = send.idempotency_key;
    EXPECT_EQ(list(by_key).known.has_value(), !forgotten);
    send.handle.id = new_send_id();
    EXPECT_EQ(schedule(send) == first, !forgotten);
  }
}

// More than that nobody can keep, and a store that began at 0 again would take a send that crashes its bot for a new
// one.
TEST_P(ScheduleRulesSuite, BeginningsAreCountedUpToTheMost) {
  auto send = make_send("c", at(1));
  send.is_copy = true;
  send.begun = 65'535;
  const auto handle = schedule(send);
  const auto lease = lease_of(hold("owner"), handle.slot);
  EXPECT_EQ(stored(handle)->begun, ScheduleRules::most_begun);
  EXPECT_TRUE(report(SendOutcome(Kind::begin, handle, 0, lease)));
  EXPECT_EQ(stored(handle)->begun, ScheduleRules::most_begun);
  SendOutcome put_off(Kind::retry, handle, 0, lease);
  put_off.not_before = at(2);
  put_off.begun = 65'535;
  EXPECT_TRUE(report(put_off));
  EXPECT_EQ(stored(handle)->begun, ScheduleRules::most_begun);
}

TEST_P(ScheduleRulesSuite, ASendThatWasTriedVeryOftenIsHandedOut) {
  auto send = make_send("c", at(1));
  send.is_copy = true;
  send.attempt = 100'000;
  const auto handle = schedule(send);
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto entries = load(lease, at(2)).entries;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].attempt, 65'535);
  const auto sends = fetch(entries);
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].attempt, 100'000U);
}

TEST_P(ScheduleRulesSuite, ADeadSendThatComesBackIsLastOfThoseOfItsTime) {
  const auto first = schedule(make_send("c", at(1), "came back"));
  const auto lease = lease_of(hold("owner"), first.slot);
  ASSERT_TRUE(report(SendOutcome(Kind::dead, first, 0, lease)));
  schedule(make_send("c", at(10), "stayed"));
  ASSERT_EQ(edit(SendEdit::Kind::redrive, first, at(10)).edits.at(0), EditOutcome::done);
  EXPECT_EQ(due_payloads(lease, at(11)), (std::vector<std::string>{"stayed", "came back"}));
}

TEST_P(ScheduleRulesSuite, NothingIsHandedOutOfASlotThatNobodyHolds) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto entries = load(lease, at(2)).entries;
  ASSERT_EQ(entries.size(), 1U);
  release({lease});
  EXPECT_TRUE(fetch(entries).empty());
  EXPECT_EQ(cancel(handle), EditOutcome::done);
}

TEST_P(ScheduleRulesSuite, AReplyNamesSomebody) {
  StoreChanges changes;
  changes.edits.push_back(SendEdit::on_reply(""));
  const auto handle = schedule(make_send("c", at(1)));
  changes.sends.push_back(make_send("c", at(2)));
  commit(std::move(changes));
  EXPECT_TRUE(stored(handle)) << "it waits for no reply";
  EXPECT_EQ(counts().pending, 2U);
}

}  // namespace tern::conformance
