#pragma once

#include "proactive/references/newest_references.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "simulation/sim_channel.hpp"
#include "simulation/sim_clock.hpp"
#include "simulation/sim_schedule.hpp"
#include "simulation/sim_view.hpp"
#include "support/recording_sender.hpp"

#include <exception>
#include <set>
#include <string>
#include <utility>

namespace tern::simulation {

/// How the scheduler of one process reaches the channel. It looks at each send that is begun whether it may be.
class SimSender final : public proactive::SendExecutor {
 public:
  /// A send that recurs does so in this time, until it has had so many generations.
  static constexpr std::chrono::seconds period{7};
  static constexpr std::uint32_t generations = 3;

  SimSender(SimChannel& channel, SharedSchedule& schedule, ProcessView& view, AnyStorage storage, Clock& clock)
      : channel_(channel),
        schedule_(schedule),
        view_(view),
        clock_(clock),
        nowhere_(clock),
        environment_("local", nowhere_, storage, clock) {}

  // As a process does it; and looks whether all go at least where the store had them before it was asked.
  awaitable<void> bring_up_to_date(std::vector<proactive::FetchedSend*> sends) override {
    std::vector<std::uint64_t> least;
    for (const auto* fetched : sends) {
      std::vector<std::string> key{Addresses::key(fetched->send.order_key)};
      const auto items = co_await schedule_.inner().read(std::move(key), Deadline::never());
      least.push_back(items.empty() ? 0 : Addresses::address_in(items.begin()->document));
    }
    const auto failed = schedule_.failed_reads;
    co_await proactive::bring_up_to_date(environment_, sends);
    for (std::size_t i = 0; i < sends.size() && schedule_.failed_reads == failed; ++i) {
      const auto& send = sends[i]->send;
      const auto goes = Addresses::address_in(send.reference);
      if (goes < least[i]) {
        broken("to an address that its conversation had left", send.handle.id);
      }
      if (goes > schedule_.addresses().now_of(send.order_key)) {
        broken("to an address of another conversation", send.handle.id);
      }
    }
  }

  awaitable<void> execute(ScheduledSend send) override {
    const auto id = send.handle.id;
    const auto key = send.order_key;
    const bool at_most_once = send.at_most_once;
    const bool is_continuation = send.kind == SendKind::continuation;
    const bool is_suspect = is_continuation && send.begun > 0;
    if (!under_way_.insert(key).second) {
      broken("two of a conversation at once", id);
    }
    suspects_ += is_suspect ? 1 : 0;
    if (suspects_ > 1) {
      broken("two at once that may be what ended a process", id);
    }
    look_at(send);
    co_await look_at_order(send);
    view_.begins(id);
    std::exception_ptr error;
    try {
      co_await channel_.post(std::move(send), view_.name());
    } catch (...) {
      error = std::current_exception();
    }
    under_way_.erase(key);
    suspects_ -= is_suspect ? 1 : 0;
    const bool is_over = at_most_once && is_continuation;  // its handler has failed, and is not run again
    if (is_over || is_final(error, at_most_once)) {
      view_.settles(id);
    }
    if (error) {
      schedule_.records().of(id).failed = true;
      std::rethrow_exception(error);
    }
  }
  std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const override {
    const bool comes_again = schedule_.records().of(send.handle.id).recurs && send.generation < generations;
    return comes_again ? std::optional(std::chrono::ceil<std::chrono::microseconds>(now + period)) : std::nullopt;
  }
  std::optional<StoreUpsert> note_of(const ScheduledSend&, const SendOutcome&) const override { return std::nullopt; }
  void on_conversation_gone(const ScheduledSend&) override {}
  WallTime not_before(const ScheduledSend&, WallTime now) const override { return now; }

 private:
  void broken(const std::string& promise, const SendId& id) {
    schedule_.records().broken(promise, schedule_.records().of(id), view_.name());
  }

  void look_at(const ScheduledSend& send) {
    const auto& record = schedule_.records().of(send.handle.id);
    // A stale report that an occurrence was sent moves the record on while another process sends that occurrence again.
    const bool is_past = record.recurs && send.generation < record.generation;
    if (clock_.wall_now() < (is_past ? send.handle.due : record.due)) {
      broken("early", send.handle.id);
    }
    if (record.cancelled) {
      broken("begun after it was cancelled", send.handle.id);
    }
    if (record.expires && *record.expires < clock_.wall_now()) {
      broken("begun after it had expired", send.handle.id);
    }
    if (!schedule_.is_owner(view_.name(), send.handle.slot)) {
      broken("begun by a process that does not own its slot", send.handle.id);
    }
  }

  awaitable<void> look_at_order(const ScheduledSend& send) {
    SendQuery query;
    query.order_key = send.order_key;
    query.limit = 1'000;
    const auto pending = co_await schedule_.inner().list_sends(query, Deadline::never());
    for (const auto& other : pending.sends) {
      const bool is_earlier = std::pair(other.handle.due, other.seq) < std::pair(send.handle.due, send.seq) &&
                              other.handle.id != send.handle.id;
      const bool may_have_expired = other.expires && *other.expires < schedule_.latest_wall();
      const bool may_be_buried = other.begun > 0;  // without another attempt, and the record of that is under way
      if (is_earlier && !may_have_expired && !may_be_buried &&
          view_.must_come_before(other, send, schedule_.is_narrow())) {
        broken("begun before " + schedule_.records().of(other.handle.id).name, send.handle.id);
      }
    }
  }

  // Whether nothing more is done for the send after this. Of a 403 that shows later.
  static bool is_final(const std::exception_ptr& error, bool at_most_once) {
    if (!error) {
      return true;
    }
    try {
      std::rethrow_exception(error);
    } catch (const ChannelError& e) {
      const bool is_of_channel = e.by() == ChannelError::By::channel;
      return (is_of_channel && (e.status() == 403 || e.status() == 404 || e.status() == 410)) ||
             (at_most_once && e.status() >= 500);
    } catch (const AmbiguousSend&) {
      return at_most_once;
    } catch (...) {
      return false;
    }
  }

  SimChannel& channel_;
  SharedSchedule& schedule_;
  ProcessView& view_;
  Clock& clock_;
  test::RecordingSender nowhere_;  // the runtime's; the sends of the schedule go to the channel above
  detail::TurnEnvironment environment_;
  std::set<std::string> under_way_;
  int suspects_ = 0;
};

}  // namespace tern::simulation
