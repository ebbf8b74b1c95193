#include "simulation/simulation.hpp"

#include "simulation/sim_process.hpp"

#include <tern/async/log.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tern::simulation {

namespace {

using namespace std::chrono_literals;

constexpr auto length = 60s;
constexpr auto longest_drain = 24h;

class World {
 public:
  /// `users_alone`: continuations are in conversations of their own, which hold nothing else back by their order.
  explicit World(Faults faults, bool users_alone = false)
      : users_alone_(users_alone),
        faults_(faults),
        schedule_(clock_, faults_, records_),
        channel_(clock_, faults_, records_) {
    // An outcome that could not be written while the lease lasted.
    schedule_.on_lapse([this](const std::string& owner, std::uint16_t slot) {
      for (const auto& process : processes_) {
        if (process && process->view().name() == owner) {
          process->view().is_interrupted(slot);
        }
      }
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
    (void)schedule_.latest_wall();
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
      switch (faults_.number(14)) {
        case 0:
        case 1:
          begin(process, edit(&process, SendEdit::Kind::cancel, any_handle()));
          break;
        case 2:
        case 3:
          begin(process, edit(&process, SendEdit::Kind::reschedule, any_handle()));
          break;
        case 4:
          begin(process, reply(&process, any_conversation()));
          break;
        case 5:
          begin(process, edit(&process, faults_.happens(0.7) ? SendEdit::Kind::cancel : SendEdit::Kind::reschedule,
                              any_that_waits()));
          break;
        default:
          begin(process, schedule(&process));
      }
    }
    if (faults_.secret_goes_bad() && faults_.happens(0.02)) {
      channel_.spoil_secret(clock_.now() + faults_.upto(10s));
    }
    if (faults_.way_breaks() && faults_.happens(0.02)) {
      constexpr std::array statuses{302, 400, 403, 404, 404, 404, 410, 502, 503};
      channel_.break_way(clock_.now() + faults_.upto(15s), statuses[faults_.number(statuses.size())]);
    }
    if (faults_.hosts_hang() && faults_.happens(0.05)) {
      channel_.hang(faults_.number(Addresses::hosts), clock_.now() + faults_.upto(30s));
    }
    if (faults_.conversations_move() && !process.is_stalled() && !process.stopping() && faults_.happens(0.2)) {
      begin(process, move(&process, any_conversation()));
    }
    if (faults_.process_fault()) {
      ++process_faults_;
      befall(faults_.number(processes_.size()));
    }
  }

  static void begin(Process& process, awaitable<void> work) {
    asio::co_spawn(process.ex(), std::move(work), asio::detached);
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
        (void)schedule_.latest_wall();
        break;
      default:
        clock_.step_wall(-faults_.upto(20s));
    }
  }

  std::optional<SendHandle> any_handle() {
    auto& records = records_.all();
    if (records.empty()) {
      return std::nullopt;
    }
    auto at = records.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(faults_.number(records.size())));
    return at->second.confirmed ? std::optional(at->second.handle) : std::nullopt;
  }

  // One that is due, and not sent.
  std::optional<SendHandle> any_that_waits() {
    std::vector<SendHandle> waiting;
    for (const auto& [id, record] : records_.all()) {
      if (record.confirmed && !record.cancelled && !record.over && record.delivered == 0 &&
          record.due < clock_.wall_now()) {
        waiting.push_back(record.handle);
      }
    }
    return waiting.empty() ? std::nullopt : std::optional(waiting[faults_.number(waiting.size())]);
  }

  std::string any_conversation() { return "conversation " + std::to_string(faults_.number(12)); }

  WallTime any_time() {
    const auto delay = faults_.happens(0.1) ? faults_.upto(50s) : faults_.upto(5s);  // some beyond the window
    return std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now() + delay - 500ms);
  }

  SendId any_id() {
    SendId id;
    for (auto& byte : id) {
      byte = static_cast<std::uint8_t>(faults_.number(256));
    }
    return id;
  }

  ScheduledSend any_send() {
    ScheduledSend send;
    send.kind = faults_.happens(0.2) ? SendKind::continuation : SendKind::activity;
    send.order_key = any_conversation();
    if (users_alone_ && send.kind == SendKind::continuation) {
      send.order_key = "handler of " + send.order_key;
    }
    send.handle = SendHandle{slot_of(send.order_key), any_time(), any_id()};
    send.payload = "{}";
    send.at_most_once = faults_.happens(0.2);
    send.reference = Addresses::reference(send.order_key, schedule_.addresses().stored_of(send.order_key));
    if (faults_.happens(0.1)) {
      send.expires = send.handle.due + faults_.upto(5s);
    }
    if (faults_.happens(0.1)) {
      send.cancel_on_reply = send.order_key;
    }
    if (faults_.happens(0.1)) {
      send.idempotency_key = "key " + std::to_string(faults_.number(40));
    }
    return send;
  }

  void note(const ScheduledSend& send) {
    auto& record = records_.of(send.handle.id);
    record.name = "send " + std::to_string(records_.all().size()) + " of " + send.order_key;
    record.order_key = send.order_key;
    record.handle = send.handle;
    record.due = send.handle.due;
    record.expires = send.expires;
    record.at_most_once = send.at_most_once;
    record.is_continuation = send.kind == SendKind::continuation;
    record.recurs = faults_.happens(0.05);
    record.idempotency_key = send.idempotency_key;
  }

  awaitable<void> schedule(Process* process) {
    std::vector<ScheduledSend> sends;
    for (auto count = 1 + faults_.number(3); count > 0; --count) {
      sends.push_back(any_send());
      note(sends.back());
    }
    StoreChanges changes;
    changes.sends = sends;
    std::optional<StoreReceipt> receipt;
    try {
      auto written = co_await process->storage().write(std::move(changes), Deadline::after(5s, clock_));
      receipt = std::move(*written);
    } catch (const system_error&) {
      co_return;  // scheduled or not: nobody was told
    }
    std::vector<DueEntry> entries;
    for (std::size_t i = 0; i < sends.size(); ++i) {
      const auto& stands = receipt->handles[i];
      auto& record = records_.of(stands.id);
      record.confirmed = true;
      if (stands.id != sends[i].handle.id) {
        if (sends[i].idempotency_key.empty() || record.idempotency_key != sends[i].idempotency_key) {
          records_.broken("taken for another", records_.of(sends[i].handle.id));
        }
        continue;
      }
      entries.push_back(proactive::entry_of(sends[i], receipt->seqs[i]));
      process->view().learns_of(stands.id, stands.slot);
    }
    process->scheduler().on_committed(std::move(entries));
  }

  awaitable<void> edit(Process* process, SendEdit::Kind kind, std::optional<SendHandle> handle) {
    if (!handle) {
      co_return;
    }
    StoreChanges changes;
    changes.edits.emplace_back(kind, *handle, kind == SendEdit::Kind::reschedule ? any_time() : WallTime());
    co_await write_edits(process, std::move(changes));
  }

  // A message comes in from a new address, and its turn commits.
  awaitable<void> move(Process* process, std::string conversation) {
    if (!moving_.insert(conversation).second) {
      co_return;
    }
    const auto address = schedule_.addresses().next(conversation);
    StoreChanges changes;
    changes.upserts.emplace_back(Addresses::key(conversation), Addresses::reference(conversation, address));
    try {
      (void)co_await process->storage().write(std::move(changes), Deadline::after(5s, clock_));
      schedule_.addresses().stored(conversation, address);
    } catch (const system_error&) {
      // it may be there or not
    }
    moving_.erase(conversation);  // a process that ends meanwhile leaves the conversation where it is
  }

  awaitable<void> reply(Process* process, std::string conversation) {
    StoreChanges changes;
    changes.edits.push_back(SendEdit::on_reply(std::move(conversation)));
    co_await write_edits(process, std::move(changes));
  }

  awaitable<void> write_edits(Process* process, StoreChanges changes) {
    const auto edits = changes.edits;
    std::optional<StoreReceipt> receipt;
    try {
      auto written = co_await process->storage().write(std::move(changes), Deadline::after(5s, clock_));
      receipt = std::move(*written);
    } catch (const system_error&) {
      co_return;  // what became of it the store has noted
    }
    // The process learns of what it has done itself; of a reply it does not.
    if (edits[0].kind == SendEdit::Kind::cancel && receipt->edits[0] == EditOutcome::done) {
      process->scheduler().on_cancelled({edits[0].handle});
    }
    if (edits[0].kind == SendEdit::Kind::reschedule && receipt->edits[0] == EditOutcome::done) {
      co_await tell_of_edit(process, receipt->edit_handles[0]);
    }
  }

  awaitable<void> tell_of_edit(Process* process, SendHandle handle) {
    SendQuery query;
    query.handle = handle;
    query.limit = 1;
    std::vector<DueEntry> entries;
    try {
      const auto page = co_await process->storage().list_sends(std::move(query), Deadline::after(5s, clock_));
      for (const auto& send : page.sends) {
        entries.push_back(proactive::entry_of(send, send.seq));
      }
    } catch (const system_error&) {
      co_return;  // the store's inbox has it
    }
    process->scheduler().on_committed(std::move(entries));
  }

  SendCounts counts() {
    asio::io_context io;
    return test::run_on(io, schedule_.inner().count_sends(Deadline::never()));
  }

  std::map<SendId, std::string> dead() {
    asio::io_context io;
    std::map<SendId, std::string> reasons;
    DeadQuery query;
    query.limit = 1'000;
    do {
      const auto page = test::run_on(io, schedule_.inner().list_dead(query, Deadline::never()));
      for (const auto& one : page.sends) {
        reasons.emplace(one.send.handle.id, one.reason);
      }
      query.after = page.next;
    } while (!query.after.empty());
    return reasons;
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
    const auto counted = counts();
    const auto given_up = dead();
    findings.dead = given_up.size();
    findings.process_faults = process_faults_;
    std::map<std::string, std::size_t> by_key;
    for (const auto& [id, record] : records_.all()) {
      findings.confirmed += record.confirmed ? 1 : 0;
      findings.delivered += record.delivered > 0 ? 1 : 0;
      findings.duplicates += record.twice();
      findings.expired += record.expired ? 1 : 0;
      findings.cancelled += record.cancelled ? 1 : 0;
      if (!record.is_continuation && !channel_.is_blocked_by(record.order_key)) {
        findings.latest = std::max(findings.latest, record.late);
      }
      if (const auto dead = given_up.find(id); dead != given_up.end()) {
        judge_dead(record, dead->second);
      }
      judge_end(record);
      if (record.stored && !record.idempotency_key.empty() && ++by_key[record.idempotency_key] > 1) {
        records_.broken("stored, though its idempotency key was known", record);
      }
    }
    findings.broken = records_.broken_promises();
    if (counted.pending > 0) {
      findings.broken.push_back(std::to_string(counted.pending) + " are pending a day after the last fault");
    }
    return findings;
  }

  // Each reason must be true.
  void judge_dead(const Record& record, const std::string& reason) {
    const auto says = [&](const char* text) { return reason.find(text) != std::string::npos; };
    bool is_true = false;
    if (says("at most once")) {
      is_true = record.at_most_once &&
                (record.ambiguous || record.interruptions > 0 || (record.is_continuation && record.failed));
    } else if (says("ended the process")) {
      is_true = record.is_continuation && record.interruptions >= 3;
    } else {
      is_true = record.refused && (says("conversation_gone") || says("refused"));
    }
    if (!is_true) {
      records_.broken("given up, \"" + reason + "\", after " + std::to_string(record.interruptions) + " interruptions",
                      record);
    }
  }

  void judge_end(const Record& record) {
    if (record.confirmed && !record.stored) {
      records_.broken("confirmed and not stored", record);
    }
    const bool has_end = record.delivered > 0 || record.cancelled || record.expired || record.died;
    if (record.stored && !has_end) {
      records_.broken("lost", record);
    }
    const bool may_end_early = record.cancelled || record.refused;  // where the conversation is gone it comes no more
    if (record.over && record.recurs && !may_end_early && *record.over < SimSender::generations) {
      records_.broken("recurs no more", record);
    }
    if (record.twice() > 0 && record.at_most_once) {
      records_.broken("twice, and was to arrive at most once", record);
    } else if (record.twice() > 0 && !record.excused) {
      records_.broken("twice without a reason", record);
    }
  }

  const bool users_alone_;
  // Outlives the processes, whose coroutines refer to it.
  ManualClock clock_;
  Metrics metrics_;
  Faults faults_;
  Records records_;
  SharedSchedule schedule_;
  SimChannel channel_;
  std::set<std::string> moving_;  // conversations of which a new address is on its way to the store
  std::size_t born_ = 0;
  std::size_t process_faults_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace

Findings simulate(std::uint64_t seed) {
  log::configure(log::Level::off, log::Format::text);
  return World(Faults(seed)).run();
}

Findings simulate_users_alone(std::uint64_t seed) {
  log::configure(log::Level::off, log::Format::text);
  return World(Faults::of_users_alone(seed), true).run();
}

}  // namespace tern::simulation
