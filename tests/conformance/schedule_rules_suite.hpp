#pragma once

#include "conformance/schedule_suite.hpp"
#include "storage/schedule_rules.hpp"

#include <initializer_list>
#include <optional>
#include <random>
#include <vector>

namespace tern::conformance {

/// Holds a store to `ScheduleRules`: generated sends, and what is done to them.
class ScheduleRulesSuite : public ScheduleSuite {
 protected:
  using Ruling = storage::Ruling;
  using SendState = storage::SendState;

  template <class T>
  T any_of(std::initializer_list<T> values) {
    return *(values.begin() + random_() % values.size());
  }
  bool maybe() { return random_() % 2 == 0; }

  /// As one that comes from another store, so that it may have any state.
  ScheduledSend any_send();
  std::optional<ScheduledSend> stored(const SendHandle& handle);
  /// How the store has the send, field by field.
  void expect_state(const SendHandle& handle, const std::optional<SendState>& expected);
  /// Perhaps hands it out; whether it is being sent.
  bool maybe_fetch(const SendHandle& handle, const SendState& state);
  Ruling report_any(const SendHandle& handle, const SendState& state);
  Ruling edit_any(const SendHandle& handle, const SendState& state, bool is_free);
  Ruling edit_dead(const SendHandle& handle, const SendState& state);
  static void expect_receipt(const StoreReceipt& receipt, SendHandle handle, const Ruling& ruling);
  /// One send, from its beginning to some end.
  void try_one();

  std::vector<SlotLease> leases_;
  std::mt19937_64 random_;
};

}  // namespace tern::conformance
