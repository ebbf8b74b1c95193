#pragma once

#include "proactive/broadcast/broadcaster.hpp"
#include "proactive/references/newest_references.hpp"
#include "proactive/schedule/send_executor.hpp"
#include "runtime/runtime.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

namespace tern::proactive {

/// Carries out the sends of one shard's scheduler: posts an activity, runs the turn of a continuation, or takes the
/// next step of a broadcast.
///
/// Thread safety: used on its shard.
class SendRunner final : public SendExecutor {
 public:
  SendRunner(executor ex, runtime::Runtime& runtime, detail::TurnEnvironment& environment, Broadcaster& broadcaster)
      : ex_(ex), runtime_(runtime), environment_(environment), broadcaster_(broadcaster) {}

  awaitable<void> execute(ScheduledSend send) override { return execute_if(std::move(send), {}); }
  awaitable<void> execute_if(ScheduledSend send, std::function<bool()> may_begin) override;
  awaitable<void> bring_up_to_date(std::vector<FetchedSend*> sends) override {
    return proactive::bring_up_to_date(environment_, std::move(sends));
  }
  std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const override;
  WallTime not_before(const ScheduledSend& send, WallTime now) const override;
  std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const override {
    return broadcaster_.note_of(send, outcome);
  }
  void on_conversation_gone(const ScheduledSend& send) override;

 private:
  awaitable<void> take_step(ScheduledSend send);
  awaitable<void> post(ScheduledSend send, json::object payload, std::function<bool()> may_begin);
  awaitable<void> continue_with(ScheduledSend send, json::object payload);

  executor ex_;
  runtime::Runtime& runtime_;
  detail::TurnEnvironment& environment_;
  Broadcaster& broadcaster_;
  mutable std::map<std::array<std::uint8_t, 16>, std::optional<WallTime>> next_steps_;  // of those that have just run
};

}  // namespace tern::proactive
