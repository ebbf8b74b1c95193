#pragma once

#include "proactive/limits/limiter.hpp"
#include "proactive/limits/send_policy.hpp"
#include "proactive/limits/send_shares.hpp"
#include "proactive/limits/waiting_room.hpp"
#include "proactive/references/fetched_send.hpp"
#include "proactive/schedule/near_window.hpp"
#include "proactive/schedule/recent_entries.hpp"
#include "proactive/schedule/solo_gate.hpp"

#include <tern/async/metrics.hpp>
#include <tern/async/timer.hpp>
#include <tern/storage/any_storage.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tern::proactive {

/// Does one scheduled send: posts the activity, or runs the continuation to its end. Throws when it failed.
class SendExecutor {
 public:
  virtual ~SendExecutor() = default;
  virtual awaitable<void> execute(ScheduledSend send) = 0;
  /// The same, for one that asks `may_begin` once more when it has waited before it does what cannot be undone. When
  /// that says no it throws, as for what has not begun. Both may throw before they are awaited.
  /// Lifetime: what `may_begin` refers to is there until this ends.
  virtual awaitable<void> execute_if(ScheduledSend send, std::function<bool()> may_begin) {
    (void)may_begin;
    return execute(std::move(send));
  }
  /// Brings sends that are due up to what is known by now of where they go.
  /// Lifetime: they outlive it.
  virtual awaitable<void> bring_up_to_date(std::vector<FetchedSend*> sends) {
    (void)sends;
    co_return;
  }
  /// When a recurring send is due again after `now`; nullopt for one that is not.
  virtual std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const = 0;
  /// A document to be written with the outcome; nullopt for none.
  virtual std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const = 0;
  /// The channel knows the conversation of `send` no more, or bars the bot from it.
  virtual void on_conversation_gone(const ScheduledSend& send) = 0;
  /// `now`, or when the quiet hours of the send end that it lies in.
  virtual WallTime not_before(const ScheduledSend& send, WallTime now) const = 0;
};

using SlotSet = std::bitset<slot_count>;

struct SchedulerOptions {
  SchedulerOptions() = default;
  std::chrono::seconds window{30};       ///< what is due within it is held in memory
  std::size_t window_entries = 200'000;  ///< at most, in this scheduler
  std::size_t in_flight = 256;           ///< sends under way at once, but for continuations
  std::size_t continuations = 256;       ///< continuations under way at once: they run the bot's code, for any time
  std::size_t batch = 256;               ///< records fetched, and outcomes written, at once
  std::chrono::milliseconds storage_timeout{5'000};
  std::chrono::milliseconds longest_sleep{1'000};  ///< so that a stepped clock or a suspended machine is noticed
  std::chrono::seconds sweep{60};                  ///< how often a shared store is asked for what was missed
  std::chrono::milliseconds late_poll{75};         ///< how often a store is asked for what was committed late
  std::chrono::seconds watch_interval{15};         ///< how often a store is asked for the figures of the schedule
  SendPolicy policy;
  Limiter* limiter = nullptr;  ///< of the process, outlives the scheduler; null: no limits
  /// Sends that wait in memory for the limiter, as many for a place among the continuations, as many to run alone, and
  /// as many of which it is remembered that they were refused; more wait in the store.
  std::size_t waiting = 1'024;
  /// The same for a place among the shares of hosts and tenants. They are more: a new host has few places until it has
  /// answered, and what is due for it is read meanwhile, since the next may be for another host.
  std::size_t waiting_for_share = 20'000;
  std::chrono::milliseconds longest_wait{5'000};     ///< what must wait for longer waits in the store
  std::chrono::milliseconds reply_patience{60'000};  ///< how long a reply of a turn waits for its channel's limits
};

/// The figures of all schedulers of a process.
struct ScheduleFigures {
  explicit ScheduleFigures(Metrics& metrics);
  Counter sent, retried, dead, expired, possible_duplicates, refused, suspects;
  Counter throttled_conversation, throttled_tenant, throttled_bot;
  Counter said_unauthorized, said_barred, said_gone, said_astray;
  Counter dead_gone, dead_rejected, dead_once, dead_too_late, dead_other;
  Counter pauses;
  Counter tries;
  Gauge open_hosts, open_tenants, waiting_for_share;
  void throttled(Limiter::Frozen what) noexcept;
  void refused_by_channel(Verdict::Refusal what) noexcept;
  /// Counts one that was given up, by its reason.
  void given_up(std::string_view reason) noexcept;
  Histogram late_by_scheduler, late_by_limiter, late_by_connector;
};

/// Sends what is due in the slots that it owns: one timer over a heap of small entries, payloads read when they are
/// due, outcomes written in batches.
///
/// Beside the sender a loader fills the heap from the store, a page of the slot that is known least far at a time:
/// after an outage the first sends go out while the rest is still being read, the oldest of all slots first.
///
/// What may not simply be done twice is noted before it is begun: a continuation, which may have been what ended the
/// process, and a send that may arrive at most once. Found begun, the one runs alone, and is dead after it has ended
/// three processes; the other is dead at once.
///
/// What is due and must wait, for the limiter, for a share of the places, for a place among the continuations or to run
/// alone, is put back in the store, and what was refused and is to be judged is written there as one that is tried
/// again: all of it can be cancelled and moved. When its turn has come its record is read anew.
///
/// Lifetime: `stop` (or the end of the `io_context`) before destruction.
/// Thread safety: everything on its executor, but for `on_committed`.
class Scheduler {
 public:
  /// `solo`: of the process, for what runs alone.
  Scheduler(executor ex, AnyStorage storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
            SoloGate& solo, SchedulerOptions options = SchedulerOptions());
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Owns these slots from now on; called again with renewed leases. Slots that are not in `leases` are dropped.
  void own(const std::vector<SlotLease>& leases);

  /// Runs until `stop`.
  awaitable<void> run();
  /// Begins nothing more. What is under way goes on; `idle` waits for it.
  void stop() noexcept;
  /// Waits until nothing is under way and all outcomes are written, at most until `by`. True when so.
  awaitable<bool> idle(Deadline by);
  /// The same for slots that are not owned any more, or not for long.
  awaitable<bool> quiet(SlotSet slots, Deadline by);

  /// Slots of which something is under way, or has an outcome that is not written.
  SlotSet busy() const noexcept;

  /// Sends that were committed, by this process or another, go into the window at once; those that come a second time
  /// through the store's inbox are known. Callable from any thread.
  void on_committed(std::vector<DueEntry> entries);

  /// These were cancelled: what waits behind one of them need not wait any more. Callable from any thread.
  void on_cancelled(std::vector<SendHandle> handles);

  std::size_t window_size() const noexcept { return window_.size(); }
  std::size_t in_flight() const noexcept { return in_flight_; }

 private:
  struct Owned {
    SlotLease lease;
    bool held = false;
    std::uint64_t taken = 0;  // how often it came to be held
    std::uint32_t in_flight = 0;
  };

  /// A send that was refused with 403: dead, unless it shows until then that the bot was meant.
  struct Refused {
    std::uint32_t generation = 0;
    std::uint64_t epoch;
    std::uint32_t attempt;
    SteadyTime since{};
    std::string reason;
  };

  struct Unrecorded {
    SendOutcome outcome;
    std::optional<DueEntry> again;  // for a retry: goes back into the window once the store knows of it
    std::optional<DueEntry> next;   // likewise for the next occurrence of a recurring send
    std::optional<StoreUpsert> note;
  };

  awaitable<void> send_as_due();
  SteadyTime::duration time_to_sleep() const noexcept;
  void wake() noexcept;
  awaitable<void> load_ahead();
  SteadyTime::duration time_to_load() const noexcept;
  bool has_room() const noexcept;
  std::optional<std::uint16_t> least_covered(WallTime until) const noexcept;
  awaitable<void> load_window();
  awaitable<void> load_page(std::uint16_t slot, WallTime until);
  bool take_committed(const DueEntry& entry);
  void loaded_only_until(WallTime until) noexcept;
  std::optional<WallTime> horizon() const noexcept;
  awaitable<void> sweep();
  awaitable<void> send_due();
  using Fetched = std::vector<std::optional<FetchedSend>>;
  awaitable<Fetched> fetch(std::vector<DueEntry> entries);
  void begin(const DueEntry& entry, FetchedSend fetched);
  void spawn_attempt(ReadySend ready);
  std::size_t sending() const noexcept { return in_flight_ - std::min(in_flight_, running_); }
  bool has_place() const noexcept;
  std::size_t room_to_send() const;
  bool has_place_to_run() const noexcept;
  bool is_to_be_sent(const ReadySend& ready);
  awaitable<void> attempt(ReadySend ready);
  bool may_be_written(const DueEntry& entry) const noexcept;
  bool is_still_mine(const DueEntry& entry) const noexcept;
  SlotLease lease_of(const DueEntry& entry) const noexcept;
  bool is_judged(const DueEntry& entry, const ScheduledSend& send);
  void suspend_judgement(const DueEntry& entry, const ScheduledSend& send, std::string reason);
  bool has_room_for_refused();
  SendScope scope_to_blame(const ReadySend& ready) const;
  bool may_mean_more(const SendScope& scope, const Verdict& verdict) const noexcept;
  bool is_to_be_judged_later(const SendScope& scope, const Verdict& verdict) const;
  std::optional<WallTime> paused_by(const SendScope& scope, const Verdict& verdict);

  // scheduler_waiting.cpp
  struct Let {
    WaitingSend send;
    bool runs_code = false;
    SteadyTime went{};
  };
  /// What holds a send back, and where it waits for that.
  struct Hold {
    WaitingRoom* room;
    Limiter::Leave leave;
  };
  void wait(WaitingRoom& room, const Limiter::Leave& leave, const ReadySend& ready);
  void suspect(const ReadySend& ready);
  void begin_suspect();
  awaitable<void> attempt_alone(WaitingSend waiting);
  bool may_run(const ReadySend& ready);
  SendScope scope_of(const FetchedSend& fetched);
  bool may_go(ReadySend& ready);
  std::optional<Hold> ask_to_go(const SendScope& scope, const DueEntry& entry, SteadyTime now);
  bool is_lost(const ReadySend& ready, const Hold& hold) const;
  void leave_share(const SendScope& scope, SteadyTime went, Shares::End end);
  void tell_of(const SendScope& scope, const SendShares::Change& change);
  void show_shares();
  std::vector<Let> take_waiting();
  void take_from(WaitingRoom& room, std::vector<Let>& let);
  awaitable<void> begin_waiting();
  bool goes_on(const Let& let, FetchedSend fetched);
  void withdraw(const Let& let);
  void has_run(SteadyTime::duration took) noexcept;
  SteadyTime::duration run_spacing(std::size_t places) const noexcept;
  void give_up_waiting(const std::function<bool(const WaitingSend&)>& is_so);
  std::optional<DueEntry> waits_as(const DueEntry& entry) const;

  awaitable<bool> note_begin(const ScheduledSend& send, const SlotLease& lease);
  void bury(const DueEntry& entry, const ScheduledSend& send, std::string reason);
  void bury_in_order(const DueEntry& entry, const ScheduledSend& send, SendOutcome outcome,
                     std::optional<StoreUpsert> note);
  awaitable<void> bury_with_followers(DueEntry entry, std::string order_key, StoreChanges burial);
  awaitable<void> add_followers(DueEntry entry, std::string order_key, StoreChanges& burial);
  void postpone(const DueEntry& entry, const ScheduledSend& send, WallTime until);
  void hand_back(const DueEntry& entry, const ScheduledSend& send);
  void settle(ReadySend ready, const std::exception_ptr& error);
  void leave_to_next_process(const DueEntry& entry, const ScheduledSend& send, const std::exception_ptr& error);
  void settle_failure(ReadySend ready, const std::exception_ptr& error);
  void ended(const DueEntry& entry) noexcept;
  void enter_flight(const DueEntry& entry) noexcept;
  void left_flight(const DueEntry& entry) noexcept;
  void set_next(SendOutcome& outcome, const ScheduledSend& send) noexcept;
  std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) noexcept;
  WallTime awake(const ScheduledSend& send, WallTime now) noexcept;
  void record(SendOutcome outcome, const DueEntry& entry, std::optional<StoreUpsert> note = std::nullopt);
  void recorded(std::size_t count, const std::vector<std::size_t>& refused);
  awaitable<void> write_outcomes();
  void flush();
  bool lease_is_good(std::uint16_t slot) const noexcept;
  bool leases_are_good() const noexcept;

  executor ex_;
  AnyStorage storage_;
  SendExecutor& sends_;
  Clock& clock_;
  ScheduleFigures& figures_;
  SchedulerOptions options_;
  Timer timer_;
  Timer idle_timer_;
  Timer quiet_timer_;
  SoloGate& solo_;
  WaitingRoom waiting_;   ///< for the limiter
  WaitingRoom shared_;    ///< for a share of the places
  WaitingRoom places_;    ///< for a place among the continuations
  WaitingRoom suspects_;  ///< to run alone
  SendShares shares_;
  struct {
    std::size_t hosts = 0;
    std::size_t tenants = 0;
    std::size_t waiting = 0;
  } shown_;  ///< of the shares, in the figures
  std::map<std::array<std::uint8_t, 16>, Refused> refused_;
  NearWindow window_;
  std::array<Owned, slot_count> owned_{};
  std::optional<std::uint16_t> page_slot_;  ///< of the page that is being read
  std::vector<DueEntry> told_meanwhile_;    ///< of that slot, and not in the window
  std::optional<WallTime> loaded_until_;    ///< of all slots held, once not `loading_`; null: some are to be loaded now
  RecentEntries recent_;
  Timer load_timer_;
  bool loading_ = false;
  bool loader_runs_ = false;
  bool waits_for_room_ = false;
  SteadyTime swept_;
  std::vector<Unrecorded> outcomes_;
  std::size_t in_flight_ = 0;  ///< all that is under way
  std::size_t running_ = 0;    ///< of it, continuations
  SteadyTime::duration usual_run_{};
  bool writing_ = false;
  bool stopped_ = false;
  bool wake_ = false;
  std::minstd_rand random_;
};

/// The entry that the window keeps for a send.
DueEntry entry_of(const ScheduledSend& send, std::uint64_t seq);

}  // namespace tern::proactive
