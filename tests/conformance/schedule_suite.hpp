#pragma once

#include "conformance/backend.hpp"

namespace tern::conformance {

/// A store that keeps a schedule, with what its tests say often.
class ScheduleSuite : public StorageSuite {
 protected:
  using Kind = SendOutcome::Kind;

  /// Seconds after the start of the test; the clock itself moves only when a test moves it.
  WallTime at(std::int64_t seconds) const { return start_ + std::chrono::seconds(seconds); }

  static ScheduledSend make_send(const std::string& order_key, WallTime due, std::string payload = "{}") {
    ScheduledSend send;
    send.handle = SendHandle{slot_of(order_key), due, new_send_id()};
    send.order_key = order_key;
    send.reference = R"({"conversation":{"id":"c"}})";
    send.payload = std::move(payload);
    send.client_request_id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    return send;
  }

  StoreReceipt commit(StoreChanges changes) {
    auto written = write(std::move(changes));
    EXPECT_TRUE(written.has_value());
    return written.has_value() ? std::move(*written) : StoreReceipt{};
  }
  /// Stores the send; its handle.
  SendHandle schedule(ScheduledSend send) {
    StoreChanges changes;
    changes.sends.push_back(std::move(send));
    const auto receipt = commit(std::move(changes));
    EXPECT_EQ(receipt.handles.size(), 1u);
    return receipt.handles.empty() ? SendHandle{} : receipt.handles[0];
  }
  StoreReceipt edit(SendEdit::Kind kind, const SendHandle& handle, WallTime when = {}) {
    StoreChanges changes;
    changes.edits.emplace_back(kind, handle, when);
    auto receipt = commit(std::move(changes));
    EXPECT_EQ(receipt.edits.size(), 1u);
    EXPECT_EQ(receipt.edit_handles.size(), 1u);
    return receipt;
  }
  EditOutcome cancel(const SendHandle& handle) { return edit(SendEdit::Kind::cancel, handle).edits.at(0); }

  /// Reports an outcome; true when it was accepted.
  bool report(SendOutcome outcome) {
    StoreChanges changes;
    changes.outcomes.push_back(std::move(outcome));
    return commit(std::move(changes)).refused.empty();
  }
  bool report_retry(const ScheduledSend& send, const SlotLease& lease, WallTime not_before) {
    SendOutcome outcome(Kind::retry, send.handle, send.generation, lease);
    outcome.attempt = send.attempt + 1;
    outcome.not_before = not_before;
    return report(std::move(outcome));
  }

  std::vector<SlotLease> hold(const std::string& owner, std::uint16_t want = slot_count,
                              std::vector<SlotLease> held = {}) {
    return test::run(store->hold_slots(owner, std::move(held), want, never)).leases;
  }
  void release(std::vector<SlotLease> held) { test::run(store->release_slots(std::move(held), never)); }
  static SlotLease lease_of(const std::vector<SlotLease>& leases, std::uint16_t slot) {
    for (const auto& lease : leases) {
      if (lease.slot == slot) {
        return lease;
      }
    }
    ADD_FAILURE() << "slot " << slot << " is not held";
    return {};
  }

  DuePage load(const SlotLease& lease, WallTime until, std::size_t limit = 1000, WallTime from = {},
               std::uint64_t after_seq = 0) {
    DueQuery query;
    query.lease = lease;
    query.until = until;
    query.from = from;
    query.after_seq = after_seq;
    query.limit = limit;
    return test::run(store->load_due(query, never));
  }
  std::vector<DueEntry> load_late(std::vector<SlotLease> held) {
    return test::run(store->load_late(std::move(held), never)).entries;
  }
  std::vector<ScheduledSend> fetch(std::vector<DueEntry> entries) {
    return test::run(store->fetch(std::move(entries), never));
  }
  /// The payloads of all sends due before `until`, in the order of sending. Fetches none of them.
  std::vector<std::string> due_payloads(const SlotLease& lease, WallTime until) {
    SendQuery everything;
    everything.limit = 1000;
    const auto pending = list(std::move(everything)).sends;
    std::vector<std::string> payloads;
    for (const auto& entry : load(lease, until).entries) {
      for (const auto& send : pending) {
        if (send.handle.id == entry.id) {
          payloads.push_back(send.payload);
        }
      }
    }
    return payloads;
  }

  SendPage list(SendQuery query) { return test::run(store->list_sends(std::move(query), never)); }
  DeadPage list_dead(DeadQuery query) { return test::run(store->list_dead(std::move(query), never)); }
  std::uint64_t due_between(int from, int until) { return test::run(store->estimate_due(at(from), at(until), never)); }
  SendCounts counts() { return test::run(store->count_sends(never)); }

  const WallTime start_ = clock.wall_now();
};

}  // namespace tern::conformance
