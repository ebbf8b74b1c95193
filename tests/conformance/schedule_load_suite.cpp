// The schedule under many sends at once: races, and a store that was away for long.

#include "conformance/schedule_suite.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

namespace tern::conformance {

namespace {

constexpr std::size_t race_size = 250;

/// One send that is cancelled while it is about to be sent.
struct Race {
  SendHandle handle;
  DueEntry entry;
  std::uint32_t generation = 0;
  std::atomic<bool> cancelled = false;
  std::atomic<bool> fetched = false;
};

awaitable<void> cancel_one(AnyStorage& store, Race& race) {
  StoreChanges changes;
  changes.edits.emplace_back(SendEdit::Kind::cancel, race.handle);
  auto written = co_await store.write(std::move(changes), Deadline::never());
  race.cancelled = written.has_value() && written->edits.at(0) == EditOutcome::done;
}

// Each is put back once, as what is due and waits, and asked for again.
awaitable<void> fetch_some(AnyStorage& store, std::vector<Race*> races) {
  std::vector<DueEntry> entries;
  for (const auto* race : races) {
    entries.push_back(race->entry);
  }
  const auto first = co_await store.fetch(entries, Deadline::never());
  for (const auto& send : first) {
    const auto is_it = [&](const DueEntry& entry) { return entry.id == send.handle.id; };
    store.put_back({*std::find_if(entries.begin(), entries.end(), is_it)});
  }
  auto sends = co_await store.fetch(std::move(entries), Deadline::never());
  for (const auto& send : sends) {
    for (auto* race : races) {
      if (race->handle.id == send.handle.id) {
        race->fetched = true;
        race->generation = send.generation;
      }
    }
  }
}

}  // namespace

// Of a cancellation and the sending of one send, one comes first, and both know which.
TEST_P(ScheduleSuite, ASendIsEitherCancelledOrSent) {
  const auto leases = hold("owner");
  std::mt19937 random(static_cast<unsigned>(random_seed()));
  std::uint64_t cancelled = 0;
  std::uint64_t sent = 0;
  for (int done = 0; done < GetParam().races && !HasFailure(); done += race_size) {
    StoreChanges changes;
    std::vector<std::unique_ptr<Race>> races;
    for (std::size_t i = 0; i < race_size; ++i) {
      changes.sends.push_back(make_send("conversation " + std::to_string(i), at(1)));
      races.push_back(std::make_unique<Race>());
      races.back()->handle = changes.sends.back().handle;
    }
    auto sends = changes.sends;
    const auto seqs = commit(std::move(changes)).seqs;
    for (std::size_t i = 0; i < race_size; ++i) {
      auto& entry = races[i]->entry;
      entry.due = sends[i].handle.due;
      entry.seq = seqs.at(i);
      entry.order_hash = order_hash_of(sends[i].order_key);
      entry.id = sends[i].handle.id;
      entry.slot = sends[i].handle.slot;
      entry.epoch = lease_of(leases, entry.slot).epoch;
    }
    std::shuffle(races.begin(), races.end(), random);
    asio::thread_pool threads(2);
    std::atomic<int> failed = 0;
    const auto note_failure = [&](std::exception_ptr error) { failed += error ? 1 : 0; };
    constexpr std::size_t at_once = 10;
    for (std::size_t i = 0; i < race_size; i += at_once) {
      std::vector<Race*> some;
      for (std::size_t j = i; j < i + at_once; ++j) {
        some.push_back(races[j].get());
        asio::co_spawn(threads, cancel_one(*store, *races[race_size - 1 - j]), note_failure);
      }
      asio::co_spawn(threads, fetch_some(*store, std::move(some)), note_failure);
    }
    threads.join();
    ASSERT_EQ(failed, 0);
    StoreChanges outcomes;
    for (const auto& race : races) {
      EXPECT_NE(race->cancelled, race->fetched) << "both, or neither";
      cancelled += race->cancelled ? 1 : 0;
      if (race->fetched) {
        ++sent;
        outcomes.outcomes.emplace_back(Kind::sent, race->handle, race->generation, lease_of(leases, race->handle.slot));
      }
    }
    EXPECT_TRUE(commit(std::move(outcomes)).refused.empty());
  }
  const auto now = counts();
  EXPECT_EQ(now.cancelled, cancelled);
  EXPECT_EQ(now.sent, sent);
  EXPECT_EQ(now.pending, 0u);
}

// What was due while nobody was there to send it comes in pages, the oldest first, however much it is.
TEST_P(ScheduleSuite, AllThatIsOverdueComesOldestFirstPageByPage) {
  constexpr int at_once = 1000;
  const auto seed = static_cast<unsigned>(random_seed());
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  const auto overdue = GetParam().overdue;
  for (int i = 0; i < overdue; i += at_once) {
    StoreChanges changes;
    for (int j = 0; j < at_once; ++j) {
      const auto due = start_ - std::chrono::milliseconds(1 + random() % 100'000'000);
      changes.sends.push_back(make_send("conversation " + std::to_string(random() % 10'000), due));
    }
    commit(std::move(changes));
  }
  std::size_t loaded = 0;
  for (const auto& lease : hold("owner")) {
    DueEntry last;
    last.due = WallTime::min();
    DuePage page;
    do {
      page = load(lease, start_, 1000, last.due, last.seq);
      ASSERT_LE(page.entries.size(), 1000u);
      for (const auto& entry : page.entries) {
        ASSERT_LT(std::pair(last.due, last.seq), std::pair(entry.due, entry.seq));
        last = entry;
      }
      loaded += page.entries.size();
    } while (page.more);
  }
  EXPECT_EQ(loaded, static_cast<std::size_t>(overdue));
}

}  // namespace tern::conformance
