#pragma once

#include "proactive/scheduler.hpp"
#include "simulation/faults.hpp"
#include "simulation/sim_store.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/turn/channel_sender.hpp>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tern::simulation {

/// The limits of the simulated channel, for each process.
inline constexpr proactive::SendWindow conversation_window{4, std::chrono::seconds(2)};
inline constexpr proactive::SendWindow bot_window{12, std::chrono::seconds(1)};

using SendId = std::array<std::uint8_t, 16>;

/// What is known of one send outside of everything that is tested.
struct Record {
  std::string name;
  std::multiset<WallTime> due;  ///< all that may stand: the answer to a reschedule may be lost
  SendHandle handle;
  bool at_most_once = false;
  bool is_continuation = false;
  bool confirmed = false;  ///< the store said that it is scheduled
  bool cancelled = false;  ///< the store said that it is never sent from now on
  std::size_t delivered = 0;
  std::size_t begun = 0;
  bool excused = false;  ///< something befell it that may double it: a lost answer, a process that ended, stalled,
                         ///< or did not reach the store until its lease was over
};

/// The channel: takes its time, refuses, and at times takes a message and says nothing. It looks at each send that is
/// begun whether it may be.
class SimChannel {
 public:
  SimChannel(ManualClock& clock, Faults& faults) : clock_(clock), faults_(faults) {}

  Record& record(const SendId& id) { return records_[id]; }
  std::map<SendId, Record>& records() noexcept { return records_; }
  /// From now on what was begun, and is so, may arrive twice.
  void excuse(const std::function<bool(const Record&)>& is_so) {
    for (auto& [id, record] : records_) {
      record.excused = record.excused || (record.begun > 0 && is_so(record));
    }
  }
  const std::vector<std::string>& broken_promises() const noexcept { return broken_; }
  void broken(const std::string& promise, const Record& record) { broken_.push_back(promise + ": " + record.name); }

  /// `owner`: the process that sends.
  awaitable<void> post(ScheduledSend send, const std::string& owner, bool is_owner) {
    auto& record = records_[send.handle.id];
    ++record.begun;
    if (clock_.wall_now() < *record.due.begin()) {
      broken("early", record);
    }
    if (record.cancelled) {
      broken("begun after it was cancelled", record);
    }
    if (!record.is_continuation && clock_.now() < told_[{owner, send.order_key}]) {
      broken("inside a Retry-After", record);
    }
    if (!is_owner) {
      broken("begun by a process that does not own its slot", record);
    }
    co_await sleep_for(faults_.upto(std::chrono::milliseconds(50)), clock_);
    if (!record.is_continuation) {  // what a continuation sends its turn decides
      count(counted_[{owner, "bot"}], bot_window, "the bot's window exceeded", record);
      count(counted_[{owner, send.order_key}], conversation_window, "a conversation's window exceeded", record);
    }
    if (!faults_.channel_fails()) {
      ++record.delivered;
      co_await sleep_for(faults_.upto(std::chrono::milliseconds(50)), clock_);
      co_return;
    }
    fail(record, told_[{owner, send.order_key}]);
  }

 private:
  using Scope = std::pair<std::string, std::string>;  // of the process, for it alone knows

  void count(std::deque<SteadyTime>& counted, const proactive::SendWindow& window, const char* promise,
             const Record& record) {
    while (!counted.empty() && counted.front() + window.length <= clock_.now()) {
      counted.pop_front();
    }
    if (counted.size() >= window.sends) {
      broken(promise, record);
    }
    counted.push_back(clock_.now());
  }

  [[noreturn]] void fail(Record& record, SteadyTime& told) {
    using std::chrono_literals::operator""s;
    switch (faults_.number(5)) {
      case 0: {
        const auto wait = 1s * faults_.number(20);
        if (!record.is_continuation) {
          told = clock_.now() + wait;
        }
        throw ChannelError(429, "the simulated channel has a limit", wait);
      }
      case 1:
        throw system_error(make_error_code(errc::channel_unreachable), "the simulated channel is away");
      case 2:
        record.excused = true;
        ++record.delivered;
        throw AmbiguousSend(make_error_code(errc::timed_out), "the simulated channel took it and said nothing");
      case 3:
        record.excused = true;
        throw AmbiguousSend(make_error_code(errc::timed_out), "the simulated channel lost it and said nothing");
      default:
        record.excused = true;
        throw ChannelError(503, "the simulated channel is busy", std::nullopt);
    }
  }

  ManualClock& clock_;
  Faults& faults_;
  std::map<SendId, Record> records_;
  std::map<Scope, std::deque<SteadyTime>> counted_;
  std::map<Scope, SteadyTime> told_;  // until when a conversation is to wait
  std::vector<std::string> broken_;
};

/// How the scheduler of one process reaches it.
class SimSender final : public proactive::SendExecutor {
 public:
  SimSender(SimChannel& channel, SharedSchedule& schedule, std::string owner)
      : channel_(channel), schedule_(schedule), owner_(std::move(owner)) {}

  awaitable<void> execute(ScheduledSend send) override {
    if (!under_way_.insert(send.order_key).second) {
      channel_.broken("two of a conversation at once", channel_.record(send.handle.id));
    }
    const auto key = send.order_key;
    const bool is_suspect = send.kind == SendKind::continuation && send.begun > 0;
    suspects_ += is_suspect ? 1 : 0;
    if (suspects_ > 1) {
      channel_.broken("two at once that may be what ended a process", channel_.record(send.handle.id));
    }
    std::exception_ptr error;
    try {
      const bool is_owner = schedule_.is_owner(owner_, send.handle.slot);
      co_await channel_.post(std::move(send), owner_, is_owner);
    } catch (...) {
      error = std::current_exception();
    }
    under_way_.erase(key);
    suspects_ -= is_suspect ? 1 : 0;
    if (error) {
      std::rethrow_exception(error);
    }
  }
  std::optional<WallTime> next_occurrence(const ScheduledSend&, WallTime) const override { return std::nullopt; }
  std::optional<StoreUpsert> note_of(const ScheduledSend&, const SendOutcome&) const override { return std::nullopt; }
  void on_conversation_gone(const ScheduledSend&) override {}
  WallTime not_before(const ScheduledSend&, WallTime now) const override { return now; }
  /// What this process was doing may be done again by the next one.
  void excuse_all() {
    channel_.excuse([](const Record&) { return true; });
  }

 private:
  SimChannel& channel_;
  SharedSchedule& schedule_;
  const std::string owner_;
  std::set<std::string> under_way_;
  int suspects_ = 0;
};

}  // namespace tern::simulation
