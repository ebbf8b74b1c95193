#include "simulation/simulation.hpp"

#include "proactive/scheduler.hpp"
#include "proactive/slot_keeper.hpp"
#include "simulation/sim_channel.hpp"
#include "simulation/sim_store.hpp"
#include "support/run.hpp"

#include <tern/async/log.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace tern::simulation {

namespace {

using namespace std::chrono_literals;

constexpr auto length = 60s;
constexpr auto longest_drain = 24h;

/// What one process is made of. A crash destroys it where it is.
class Process final : private proactive::SlotWork {
 public:
  Process(SharedSchedule& schedule, SimChannel& channel, Metrics& metrics, std::string name)
      : clock_(schedule.clock()),
        storage_(AnyStorage::make<SimStore>(schedule, name)),
        figures_(metrics),
        limiter_(limits()),
        sender_(channel, schedule, name) {
    proactive::SchedulerOptions options;
    options.policy.attempts = 1000;  // faults end before a send gives up
    options.policy.longest_delay = 10s;
    options.limiter = &limiter_;
    scheduler_ =
        std::make_unique<proactive::Scheduler>(io_.get_executor(), storage_, sender_, clock_, figures_, solo_, options);
    keeper_ = std::make_unique<proactive::SlotKeeper>(io_.get_executor(), storage_, static_cast<SlotWork&>(*this),
                                                      clock_, std::move(name));
    asio::co_spawn(io_, begin(), asio::detached);
  }
  ~Process() override {
    sender_.excuse_all();
    keeper_.reset();
    scheduler_.reset();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  asio::io_context& io() noexcept { return io_; }
  AnyStorage& storage() noexcept { return storage_; }
  proactive::Scheduler& scheduler() noexcept { return *scheduler_; }

  /// Does what is ready, unless it is stalled. True when it did something.
  bool poll() { return clock_.now() >= stalled_until_ && test::drain(io_) > 0; }
  void stall(SteadyTime::duration time) {
    stalled_until_ = clock_.now() + time;
    sender_.excuse_all();
  }
  bool is_stalled() const noexcept { return clock_.now() < stalled_until_; }
  SteadyTime stalled_until() const noexcept { return stalled_until_; }

  /// Ends as SIGTERM ends it; `ended` says when.
  void stop() {
    if (!stopping_) {
      stopping_ = true;
      asio::co_spawn(io_, leave(), asio::detached);
    }
  }
  bool ended() const noexcept { return ended_; }
  bool stopping() const noexcept { return stopping_; }

 private:
  static proactive::SendLimits limits() {
    proactive::SendLimits limits;
    limits.others.conversation = {conversation_window};
    limits.others.bot = {bot_window};
    limits.slow_start = 10;
    return limits;
  }

  awaitable<void> begin() {
    for (bool taken = false; !taken && !stopping_;) {
      try {
        co_await keeper_->take(Deadline::after(1500ms, clock_));
        taken = true;
      } catch (const system_error&) {
      }
      if (!taken) {
        co_await sleep_for(200ms, clock_);
      }
    }
    asio::co_spawn(io_, scheduler_->run(), asio::detached);
    asio::co_spawn(io_, keeper_->run(), asio::detached);
    asio::co_spawn(io_, keeper_->run_late(), asio::detached);
  }
  awaitable<void> leave() {
    keeper_->stop();
    scheduler_->stop();
    const bool idle = co_await scheduler_->idle(Deadline::after(30s, clock_));
    try {
      if (idle) {
        co_await keeper_->release(Deadline::after(5s, clock_));
      }
    } catch (const system_error&) {
    }
    ended_ = true;
  }
  void own(const std::vector<SlotLease>& leases) override { scheduler_->own(leases); }
  awaitable<bool> quiet(proactive::SlotSet slots, Deadline by) override {
    const bool is_quiet = co_await scheduler_->quiet(slots, by);
    co_return is_quiet;
  }
  void on_late(std::vector<DueEntry> entries) override { scheduler_->on_committed(std::move(entries)); }

  // Last to go: the frames of suspended coroutines, which refer to nothing of the others by then.
  asio::io_context io_;
  ManualClock& clock_;
  AnyStorage storage_;
  proactive::ScheduleFigures figures_;
  proactive::SoloGate solo_;
  proactive::Limiter limiter_;
  SimSender sender_;
  std::unique_ptr<proactive::Scheduler> scheduler_;
  std::unique_ptr<proactive::SlotKeeper> keeper_;
  SteadyTime stalled_until_ = SteadyTime::min();
  bool stopping_ = false;
  bool ended_ = false;
};

class World {
 public:
  explicit World(std::uint64_t seed) : faults_(seed), schedule_(clock_, faults_), channel_(clock_, faults_) {
    // An outcome that could not be written while the lease lasted.
    schedule_.on_lapse([this](std::uint16_t slot) {
      channel_.excuse([slot](const Record& record) { return record.handle.slot == slot; });
    });
    const auto count = 2 + faults_.number(2);
    for (std::size_t i = 0; i < count; ++i) {
      processes_.push_back(nullptr);
      start(i);
    }
  }

  Findings run() {
    const auto end = clock_.now() + length;
    auto next_act = clock_.now();
    while (clock_.now() < end) {
      if (clock_.now() >= next_act) {
        act();
        next_act = clock_.now() + faults_.upto(400ms);
      }
      step(std::min(next_act, end));
    }
    faults_.stop();
    drain();
    return judge();
  }

 private:
  void start(std::size_t index) {
    processes_[index] = std::make_unique<Process>(schedule_, channel_, metrics_,
                                                  "process " + std::to_string(index) + "." + std::to_string(++born_));
  }

  // To the next moment in which anything happens, at most `until`.
  void step(SteadyTime until) {
    for (bool busy = true; busy;) {
      busy = false;
      for (auto& process : processes_) {
        busy = (process && process->poll()) || busy;
      }
    }
    auto next = std::min(until, std::max(clock_.next_due(), clock_.now()));
    for (const auto& process : processes_) {
      if (process && process->is_stalled()) {
        next = std::min(next, process->stalled_until());
      }
    }
    // A timer that is due already belongs to a process that is stalled.
    clock_.advance(std::max<SteadyTime::duration>(next - clock_.now(), 1ms));
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      if (processes_[i] && processes_[i]->ended()) {
        start(i);
      }
    }
  }

  void act() {
    auto& process = *processes_[faults_.number(processes_.size())];
    if (!process.is_stalled() && !process.stopping()) {
      switch (faults_.number(6)) {
        case 0:
          asio::co_spawn(process.io(), cancel(&process, any_handle()), asio::detached);
          break;
        case 1:
          asio::co_spawn(process.io(), reschedule(&process, any_handle()), asio::detached);
          break;
        default:
          asio::co_spawn(process.io(), schedule(&process), asio::detached);
      }
    }
    if (faults_.process_fault()) {
      ++process_faults_;
      befall(faults_.number(processes_.size()));
    }
  }

  void befall(std::size_t index) {
    switch (faults_.number(5)) {
      case 0:
        processes_[index].reset();
        start(index);
        break;
      case 1:
        processes_[index]->stall(faults_.upto(15s));
        break;
      case 2:
        processes_[index]->stop();
        break;
      case 3:
        clock_.step_wall(faults_.upto(20s));
        break;
      default:
        clock_.step_wall(-faults_.upto(20s));
    }
  }

  std::optional<SendHandle> any_handle() {
    auto& records = channel_.records();
    if (records.empty()) {
      return std::nullopt;
    }
    auto at = records.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(faults_.number(records.size())));
    return at->second.confirmed ? std::optional(at->second.handle) : std::nullopt;
  }

  WallTime any_time() {
    const auto delay = faults_.happens(0.1) ? faults_.upto(120s) : faults_.upto(5s);
    return std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now() + delay - 500ms);
  }

  SendId any_id() {
    SendId id;
    for (auto& byte : id) {
      byte = static_cast<std::uint8_t>(faults_.number(256));
    }
    return id;
  }

  awaitable<void> schedule(Process* process) {
    StoreChanges changes;
    for (auto count = 1 + faults_.number(3); count > 0; --count) {
      ScheduledSend send;
      send.order_key = "conversation " + std::to_string(faults_.number(12));
      send.handle = SendHandle{slot_of(send.order_key), any_time(), any_id()};
      send.payload = "{}";
      send.at_most_once = faults_.happens(0.2);
      send.kind = faults_.happens(0.2) ? SendKind::continuation : SendKind::activity;
      send.reference = R"({"conversation":{"id":")" + send.order_key + R"("}})";
      auto& record = channel_.record(send.handle.id);
      record.name = "send " + std::to_string(channel_.records().size()) + " of " + send.order_key;
      record.handle = send.handle;
      record.at_most_once = send.at_most_once;
      record.is_continuation = send.kind == SendKind::continuation;
      record.due.insert(send.handle.due);
      changes.sends.push_back(std::move(send));
    }
    const auto sends = changes.sends;
    std::optional<StoreReceipt> receipt;
    try {
      auto written = co_await process->storage().write(std::move(changes), Deadline::after(5s, clock_));
      receipt = std::move(*written);
    } catch (const system_error&) {
      co_return;  // scheduled or not: nobody was told
    }
    std::vector<DueEntry> entries;
    for (std::size_t i = 0; i < sends.size(); ++i) {
      channel_.record(sends[i].handle.id).confirmed = true;
      entries.push_back(proactive::entry_of(sends[i], receipt->seqs[i]));
    }
    process->scheduler().on_committed(std::move(entries));
  }

  awaitable<void> cancel(Process* process, std::optional<SendHandle> handle) {
    if (!handle) {
      co_return;
    }
    StoreChanges changes;
    changes.edits.emplace_back(SendEdit::Kind::cancel, *handle);
    ++unsure_[handle->id];  // until there is an answer, which a crash may prevent
    try {
      auto written = co_await process->storage().write(std::move(changes), Deadline::after(5s, clock_));
      auto& record = channel_.record(handle->id);
      record.cancelled = record.cancelled || written->edits.at(0) == EditOutcome::done;
      --unsure_[handle->id];
    } catch (const system_error&) {
    }
  }

  awaitable<void> reschedule(Process* process, std::optional<SendHandle> handle) {
    if (!handle) {
      co_return;
    }
    const auto when = any_time();
    auto& record = channel_.record(handle->id);
    record.due.insert(when);
    StoreChanges changes;
    changes.edits.emplace_back(SendEdit::Kind::reschedule, *handle, when);
    try {
      auto written = co_await process->storage().write(std::move(changes), Deadline::after(5s, clock_));
      if (written->edits.at(0) == EditOutcome::too_late) {
        record.due.erase(record.due.find(when));
      }
    } catch (const system_error&) {
    }
  }

  SendCounts counts() {
    asio::io_context io;
    return test::run_on(io, schedule_.inner().count_sends(Deadline::never()));
  }

  std::set<SendId> dead() {
    asio::io_context io;
    std::set<SendId> ids;
    DeadQuery query;
    query.limit = 1'000;
    do {
      const auto page = test::run_on(io, schedule_.inner().list_dead(query, Deadline::never()));
      for (const auto& one : page.sends) {
        ids.insert(one.send.handle.id);
      }
      query.after = page.next;
    } while (!query.after.empty());
    return ids;
  }

  void drain() {
    const auto end = clock_.now() + longest_drain;
    while (clock_.now() < end && counts().pending > 0) {
      const auto until = clock_.now() + 1s;
      while (clock_.now() < until) {
        step(until);
      }
    }
  }

  Findings judge() {
    Findings findings;
    findings.broken = channel_.broken_promises();
    const auto counted = counts();
    const auto given_up = dead();
    findings.dead = given_up.size();
    findings.process_faults = process_faults_;
    if (counted.pending > 0) {
      findings.broken.push_back(std::to_string(counted.pending) + " are pending a day after the last fault");
    }
    for (const auto& [id, record] : channel_.records()) {
      findings.confirmed += record.confirmed ? 1 : 0;
      findings.delivered += record.delivered > 0 ? 1 : 0;
      findings.duplicates += record.delivered > 1 ? record.delivered - 1 : 0;
      if (given_up.contains(id)) {
        // A continuation is buried when three processes ended with it.
        if (!record.at_most_once && !(record.is_continuation && record.excused)) {
          findings.broken.push_back("given up: " + record.name);
        }
      } else if (record.confirmed && !record.cancelled && record.delivered == 0 && unsure_[id] == 0) {
        findings.broken.push_back("lost: " + record.name);
      }
      if (record.delivered > 1 && record.at_most_once) {
        findings.broken.push_back("twice, and was to arrive at most once: " + record.name);
      } else if (record.delivered > 1 && !record.excused) {
        findings.broken.push_back("twice without a reason: " + record.name);
      }
    }
    return findings;
  }

  // Outlives the processes, whose coroutines refer to it.
  ManualClock clock_;
  Metrics metrics_;
  Faults faults_;
  SharedSchedule schedule_;
  SimChannel channel_;
  std::map<SendId, int> unsure_;  ///< whose cancellation may stand though nobody was told
  std::size_t born_ = 0;
  std::size_t process_faults_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace

Findings simulate(std::uint64_t seed) {
  log::configure(log::Level::off, log::Format::text);
  return World(seed).run();
}

}  // namespace tern::simulation
