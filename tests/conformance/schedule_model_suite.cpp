#include "conformance/schedule_suite.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <random>

namespace tern::conformance {

namespace {

// A pending send as the model knows it.
struct Pending {
  SendHandle handle;
  std::uint64_t seq = 0;
  std::uint32_t generation = 0;
  std::uint32_t attempt = 0;
  std::string order_key;
  WallTime when;
  bool fetched = false;
};

// One owner, random operations, and after each what a plain map says of it.
class ScheduleModel {
 public:
  ScheduleModel(AnyStorage store, WallTime start, std::uint64_t seed)
      : store_(std::move(store)), start_(start), random_(seed) {}

  awaitable<void> run(int operations) {
    auto held = co_await store_.hold_slots("owner", {}, slot_count, Deadline::never());
    leases_ = std::move(held.leases);
    for (int i = 0; i < operations && !::testing::Test::HasFailure(); ++i) {
      switch (random_() % 10) {
        case 0:
        case 1:
        case 2:
          co_await schedule();
          break;
        case 3:
          co_await cancel();
          break;
        case 4:
          co_await reschedule();
          break;
        case 5:
          co_await check_slot();
          break;
        case 6:
          co_await check_listing();
          co_await check_key();
          break;
        case 7:
          co_await fetch();
          break;
        default:
          co_await report();
      }
    }
    auto counts = co_await store_.count_sends(Deadline::never());
    EXPECT_EQ(counts.pending, pending_.size());
    EXPECT_EQ(counts.sent, counts_.sent);
    EXPECT_EQ(counts.cancelled, counts_.cancelled);
    EXPECT_EQ(counts.expired, counts_.expired);
    EXPECT_EQ(counts.dead, counts_.dead);
  }

 private:
  using Id = std::array<std::uint8_t, 16>;

  WallTime any_time() { return start_ + std::chrono::milliseconds(random_() % 100'000); }
  std::string any_order_key() { return "conversation " + std::to_string(random_() % 20); }
  Pending* any_pending() {
    if (pending_.empty()) {
      return nullptr;
    }
    auto chosen = pending_.lower_bound(new_send_id());
    return chosen == pending_.end() ? &pending_.begin()->second : &chosen->second;
  }

  awaitable<StoreReceipt> write(StoreChanges changes) {
    auto written = co_await store_.write(std::move(changes), Deadline::never());
    EXPECT_TRUE(written.has_value());
    co_return written.has_value() ? std::move(*written) : StoreReceipt{};
  }

  awaitable<void> schedule() {
    constexpr std::size_t enough = 300;  // so that checking a page stays cheap
    StoreChanges changes;
    for (auto count = pending_.size() < enough ? random_() % 4 : 0; count > 0; --count) {
      ScheduledSend send;
      send.order_key = any_order_key();
      send.handle = SendHandle{slot_of(send.order_key), any_time(), new_send_id()};
      send.payload = send.handle.to_string();
      if (random_() % 3 == 0) {
        send.idempotency_key = "key " + std::to_string(random_() % 2000);
        send.digest[0] = static_cast<std::uint8_t>(random_() % 3);
        send.key_is_new = random_() % 8 == 0;
      }
      changes.sends.push_back(std::move(send));
    }
    auto sends = changes.sends;
    const auto refused = refused_of(sends);
    auto written = co_await store_.write(std::move(changes), Deadline::never());
    EXPECT_EQ(written.has_value(), refused.empty());
    if (!written.has_value()) {
      std::vector<std::pair<std::size_t, SendHandle>> told;
      const auto conflict = written.error();
      for (const auto& send : conflict.sends) {
        told.emplace_back(send.place, send.known.handle);
      }
      EXPECT_EQ(told, refused);
      co_return;
    }
    note_scheduled(sends, *written);
  }

  // What a key stands for: the handle that is valid now.
  SendHandle valid_now(const KnownKey& first) const {
    const auto found = pending_.find(first.handle.id);
    return found != pending_.end() ? found->second.handle : first.handle;
  }

  std::vector<std::pair<std::size_t, SendHandle>> refused_of(const std::vector<ScheduledSend>& sends) const {
    std::vector<std::pair<std::size_t, SendHandle>> refused;
    for (std::size_t i = 0; i < sends.size(); ++i) {
      const auto& send = sends[i];
      const auto known = send.idempotency_key.empty() ? keys_.end() : keys_.find(send.idempotency_key);
      if (known == keys_.end()) {
        continue;
      }
      const auto kept = known->second.digest[0];
      if (send.key_is_new || (kept != 0 && send.digest[0] != 0 && kept != send.digest[0])) {
        refused.emplace_back(i, valid_now(known->second));
      }
    }
    return refused;
  }

  void note_scheduled(const std::vector<ScheduledSend>& sends, const StoreReceipt& receipt) {
    EXPECT_EQ(receipt.handles.size(), sends.size());
    for (std::size_t i = 0; i < sends.size(); ++i) {
      const auto& handle = sends[i].handle;
      const auto& key = sends[i].idempotency_key;
      if (!key.empty()) {
        const auto [known, is_new] = keys_.try_emplace(key, KnownKey{handle, sends[i].digest});
        if (!is_new) {
          EXPECT_EQ(receipt.handles[i], valid_now(known->second));
          EXPECT_EQ(receipt.seqs[i], 0U);
          continue;
        }
      }
      EXPECT_EQ(receipt.handles[i], handle);
      pending_[handle.id] = Pending{handle, receipt.seqs[i], 0, 0, sends[i].order_key, handle.due};
    }
  }

  awaitable<void> check_key() {
    SendQuery query;
    query.idempotency_key = "key " + std::to_string(random_() % 2000);
    const auto known = keys_.find(*query.idempotency_key);
    auto page = co_await store_.list_sends(std::move(query), Deadline::never());
    EXPECT_EQ(page.known.has_value(), known != keys_.end());
    if (page.known && known != keys_.end()) {
      EXPECT_EQ(page.known->handle, valid_now(known->second));
      EXPECT_EQ(page.known->digest, known->second.digest);
      EXPECT_EQ(page.sends.size(), pending_.count(known->second.handle.id));
    }
  }

  awaitable<void> cancel() {
    auto* send = any_pending();
    if (send == nullptr) {
      co_return;
    }
    StoreChanges changes;
    changes.edits.emplace_back(SendEdit::Kind::cancel, send->handle);
    auto receipt = co_await write(std::move(changes));
    EXPECT_EQ(receipt.edits.at(0), send->fetched ? EditOutcome::too_late : EditOutcome::done);
    if (!send->fetched) {
      pending_.erase(Id(send->handle.id));
      ++counts_.cancelled;
    }
  }

  awaitable<void> reschedule() {
    auto* send = any_pending();
    if (send == nullptr) {
      co_return;
    }
    const auto when = any_time();
    StoreChanges changes;
    changes.edits.emplace_back(SendEdit::Kind::reschedule, send->handle, when);
    auto receipt = co_await write(std::move(changes));
    EXPECT_EQ(receipt.edits.at(0), send->fetched ? EditOutcome::too_late : EditOutcome::done);
    if (!send->fetched) {
      send->handle.due = when;
      send->when = when;
      send->attempt = 0;
      ++send->generation;
    }
    EXPECT_EQ(receipt.edit_handles.at(0), send->handle);
  }

  awaitable<void> fetch() {
    auto* send = any_pending();
    if (send == nullptr) {
      co_return;
    }
    DueEntry entry;
    entry.due = send->when;
    entry.seq = send->seq;
    entry.id = send->handle.id;
    entry.slot = send->handle.slot;
    entry.generation = send->generation + (random_() % 4 == 0 ? 1 : 0);
    entry.attempt = static_cast<std::uint16_t>(send->attempt + (random_() % 4 == 0 ? 1 : 0));
    const bool current = entry.generation == send->generation && entry.attempt == send->attempt && !send->fetched;
    std::vector<DueEntry> entries(1, entry);
    auto sends = co_await store_.fetch(std::move(entries), Deadline::never());
    EXPECT_EQ(sends.size(), current ? 1u : 0u);
    if (sends.size() == 1) {
      EXPECT_EQ(sends[0].handle, send->handle);
      EXPECT_EQ(sends[0].attempt, send->attempt);
      EXPECT_EQ(sends[0].order_key, send->order_key);
      send->fetched = true;
    }
  }

  awaitable<void> report() {
    auto* send = any_pending();
    if (send == nullptr) {
      co_return;
    }
    using Kind = SendOutcome::Kind;
    const auto kind = static_cast<Kind>(random_() % 4);
    auto lease = leases_[send->handle.slot];
    const bool stale_epoch = random_() % 4 == 0;
    const bool stale_generation = random_() % 8 == 0;
    lease.epoch -= stale_epoch ? 1 : 0;
    StoreChanges changes;
    auto& outcome =
        changes.outcomes.emplace_back(kind, send->handle, send->generation + (stale_generation ? 1 : 0), lease);
    outcome.attempt = send->attempt + 1;
    outcome.not_before = any_time();
    const auto not_before = outcome.not_before;
    auto receipt = co_await write(std::move(changes));
    const bool accepted = !stale_generation && (kind == Kind::sent || !stale_epoch);
    EXPECT_EQ(receipt.refused.empty(), accepted);
    if (!accepted) {
      co_return;
    }
    if (kind == Kind::retry) {
      ++send->attempt;
      send->when = std::max(send->handle.due, not_before);
      send->fetched = false;
      co_return;
    }
    counts_.sent += kind == Kind::sent ? 1 : 0;
    counts_.dead += kind == Kind::dead ? 1 : 0;
    counts_.expired += kind == Kind::expired ? 1 : 0;
    pending_.erase(Id(send->handle.id));
  }

  // What one slot has due before a random time, page by page, is what the model says.
  awaitable<void> check_slot() {
    DueQuery query;
    query.lease = leases_[slot_of(any_order_key())];
    query.until = any_time();
    query.limit = random_() % 20 + 1;
    std::vector<std::pair<WallTime, std::uint64_t>> expected;
    for (const auto& [id, send] : pending_) {
      if (send.handle.slot == query.lease.slot && send.when < query.until) {
        expected.emplace_back(send.when, send.seq);
      }
    }
    std::sort(expected.begin(), expected.end());
    std::vector<std::pair<WallTime, std::uint64_t>> loaded;
    bool more = true;
    while (more) {
      auto page = co_await store_.load_due(query, Deadline::never());
      for (const auto& entry : page.entries) {
        loaded.emplace_back(entry.due, entry.seq);
        query.from = entry.due;
        query.after_seq = entry.seq;
      }
      more = page.more;
    }
    EXPECT_EQ(loaded, expected);
  }

  awaitable<void> check_listing() {
    SendQuery query;
    if (random_() % 2 == 0) {
      query.order_key = any_order_key();
    }
    query.limit = 1000;
    std::vector<std::pair<WallTime, std::uint64_t>> expected;
    for (const auto& [id, send] : pending_) {
      if (!query.order_key || send.order_key == *query.order_key) {
        expected.emplace_back(send.handle.due, send.seq);
      }
    }
    std::sort(expected.begin(), expected.end());
    std::vector<std::pair<WallTime, std::uint64_t>> listed;
    do {
      auto page = co_await store_.list_sends(query, Deadline::never());
      for (const auto& send : page.sends) {
        listed.emplace_back(send.handle.due, send.seq);
      }
      query.after = page.next;
    } while (!query.after.empty());
    EXPECT_EQ(listed, expected);
  }

  AnyStorage store_;
  WallTime start_;
  std::mt19937_64 random_;
  std::vector<SlotLease> leases_;
  std::map<Id, Pending> pending_;
  std::map<std::string, KnownKey> keys_;
  SendCounts counts_;
};

}  // namespace

TEST_P(ScheduleSuite, BehavesLikeAPlainList) {
  const auto seed = random_seed();
  std::cout << "TERN_TEST_SEED=" << seed << '\n';
  ScheduleModel model(*store, clock.wall_now(), seed);
  test::run(model.run(GetParam().schedule_operations));
}

}  // namespace tern::conformance
