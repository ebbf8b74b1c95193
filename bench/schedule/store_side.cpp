#include "schedule/store_side.hpp"

#include "proactive/schedule/scheduler.hpp"
#include "proactive/schedule/slot_keeper.hpp"
#include "storage/figures.hpp"
#include "turn/keys.hpp"

#include <tern/async/metrics.hpp>
#include <tern/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <exception>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

namespace {

namespace asio = boost::asio;
using tern::awaitable;
using tern::Deadline;

constexpr std::chrono::seconds patience{60};
constexpr std::size_t sends_in_a_write = 500;
constexpr std::size_t writes_at_once = 8;
constexpr const char* bot = "local";

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

void run_all(asio::io_context& io, std::vector<awaitable<void>> all) {
  std::exception_ptr first;
  for (auto& one : all) {
    asio::co_spawn(io, std::move(one), [&first](std::exception_ptr error) { first = first ? first : error; });
  }
  io.run();
  if (first) {
    std::rethrow_exception(first);
  }
}

struct Filling {
  const std::string& service_url;
  std::size_t count;
  std::size_t conversations;
  const std::function<tern::WallTime(std::size_t)>& due_of;
  std::size_t next = 0;
};

awaitable<void> fill_on(tern::AnyStorage store, Filling& filling) {
  while (filling.next < filling.count) {
    tern::StoreChanges changes;
    for (; changes.sends.size() < sends_in_a_write && filling.next < filling.count; ++filling.next) {
      changes.sends.push_back(
          make_send(filling.service_url, filling.next, filling.conversations, filling.due_of(filling.next)));
    }
    (void)co_await store.write(std::move(changes), Deadline::after(patience));
  }
}

awaitable<void> schedule_on(tern::AnyStorage store, std::size_t turn, OpClock& clock) {
  const auto due =
      std::chrono::ceil<std::chrono::microseconds>(std::chrono::system_clock::now()) + std::chrono::hours(9);
  for (std::size_t i = 0; clock.running(); ++i) {
    const auto begun = std::chrono::steady_clock::now();
    tern::StoreChanges changes;
    changes.sends.push_back(make_send("http://127.0.0.1:9", turn, 1'000'000, due + std::chrono::milliseconds(i)));
    (void)co_await store.write(std::move(changes), Deadline::after(patience));
    clock.add(begun);
  }
}

awaitable<void> schedule_one(tern::AnyStorage store, std::size_t number, tern::WallTime due, OpClock::Time came,
                             OpClock& clock, std::size_t& refused) {
  tern::StoreChanges changes;
  changes.sends.push_back(make_send("http://127.0.0.1:9", number, 1'000'000, due));
  try {
    (void)co_await store.write(std::move(changes), Deadline::after(patience));
    clock.add(came);
  } catch (const tern::system_error& error) {
    if (error.code() != tern::errc::overloaded) {
      throw;
    }
    ++refused;
  }
}

awaitable<void> schedule_as_they_come(tern::AnyStorage store, double per_second, OpClock& clock, std::size_t& refused,
                                      std::exception_ptr& first) {
  constexpr std::chrono::milliseconds tick{1};
  const auto io = co_await asio::this_coro::executor;
  tern::Timer pause(tern::system_clock(), io);
  const auto due =
      std::chrono::ceil<std::chrono::microseconds>(std::chrono::system_clock::now()) + std::chrono::hours(10);
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t number = 0; clock.running();) {
    for (; static_cast<double>(number) < per_second * seconds_since(begun); ++number) {
      const auto came = begun + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                    std::chrono::duration<double>(static_cast<double>(number) / per_second));
      asio::co_spawn(io, schedule_one(store, number, due + std::chrono::microseconds(number), came, clock, refused),
                     [&first](std::exception_ptr error) { first = first ? first : error; });
    }
    co_await pause.wait_for(tick);
  }
}

class Nowhere final : public tern::proactive::SendExecutor {
 public:
  awaitable<void> execute(tern::ScheduledSend) override {
    ++count;
    co_return;
  }
  std::optional<tern::WallTime> next_occurrence(const tern::ScheduledSend&, tern::WallTime) const override {
    return std::nullopt;
  }
  std::optional<tern::StoreUpsert> note_of(const tern::ScheduledSend&, const tern::SendOutcome&) const override {
    return std::nullopt;
  }
  void on_conversation_gone(const tern::ScheduledSend&) override {}
  tern::WallTime not_before(const tern::ScheduledSend&, tern::WallTime now) const override { return now; }
  std::size_t count = 0;
};

class Work final : public tern::proactive::SlotWork {
 public:
  void own(const std::vector<tern::SlotLease>& leases) override { scheduler->own(leases); }
  awaitable<bool> quiet(tern::proactive::SlotSet slots, Deadline by) override { return scheduler->quiet(slots, by); }
  void on_late(std::vector<tern::DueEntry> entries) override { scheduler->on_committed(std::move(entries)); }
  tern::proactive::Scheduler* scheduler = nullptr;
};

}  // namespace

tern::ScheduledSend make_send(const std::string& service_url, std::size_t number, std::size_t conversations,
                              tern::WallTime due) {
  const auto conversation = "conversation-" + std::to_string(number % conversations);
  const auto addressed =
      R"("channelId":"emulator","serviceUrl":")" + service_url + R"(","conversation":{"id":")" + conversation + R"("})";
  const auto due_us = std::chrono::duration_cast<std::chrono::microseconds>(due.time_since_epoch()).count();
  tern::ScheduledSend send;
  send.order_key = tern::detail::conversation_key(bot, "emulator", conversation);
  send.handle = {tern::slot_of(send.order_key), std::chrono::time_point_cast<std::chrono::microseconds>(due),
                 tern::new_send_id()};
  send.reference = "{" + addressed + R"(,"bot":{"id":"bot"},"user":{"id":"user-)" + std::to_string(number) + R"("}})";
  send.payload = R"({"type":"message","text":")" + std::to_string(due_us) + R"(",)" + addressed +
                 R"(,"from":{"id":"bot"},"recipient":{"id":"user-)" + std::to_string(number) + R"("}})";
  send.client_request_id = "7d3b0c1e-0000-4000-8000-" + std::to_string(100'000'000'000 + number);
  return send;
}

double fill_schedule(const tern::AnyStorage& store, const std::string& service_url, std::size_t count,
                     std::size_t conversations, const std::function<tern::WallTime(std::size_t)>& due_of) {
  const auto begun = std::chrono::steady_clock::now();
  asio::io_context io{1};
  Filling filling{service_url, count, conversations, due_of};
  std::vector<awaitable<void>> all;
  for (std::size_t i = 0; i < writes_at_once; ++i) {
    all.push_back(fill_on(store, filling));
  }
  run_all(io, std::move(all));
  return seconds_since(begun);
}

SchedulingFigures measure_scheduling(const tern::AnyStorage& store, std::size_t concurrent, double seconds) {
  asio::io_context io{1};
  OpClock clock(seconds);
  std::vector<awaitable<void>> all;
  for (std::size_t turn = 0; turn < concurrent; ++turn) {
    all.push_back(schedule_on(store, turn, clock));
  }
  run_all(io, std::move(all));
  const auto figures = clock.figures();
  return {figures.per_second, figures.p99_us, figures.cpu_us};
}

SchedulingFigures measure_scheduling_at(const tern::AnyStorage& store, double per_second, double seconds) {
  asio::io_context io{1};
  OpClock clock(seconds);
  std::size_t refused = 0;
  std::exception_ptr first;
  std::vector<awaitable<void>> all;
  all.push_back(schedule_as_they_come(store, per_second, clock, refused, first));
  run_all(io, std::move(all));
  if (first) {
    std::rethrow_exception(first);
  }
  const auto figures = clock.figures();
  return {figures.per_second, figures.p99_us, figures.cpu_us, refused};
}

// Long: the coroutine uses the parts of this frame.
FiringFigures measure_firing(const tern::AnyStorage& store, std::size_t count) {
  asio::io_context io{1};
  tern::Metrics metrics;
  tern::proactive::ScheduleFigures figures(metrics);
  tern::proactive::SoloGate solo;
  Nowhere nowhere;
  Work work;
  auto& clock = tern::system_clock();
  tern::proactive::Scheduler scheduler(io.get_executor(), store, nowhere, clock, figures, solo);
  work.scheduler = &scheduler;
  tern::proactive::SlotKeeper keeper(io.get_executor(), store, static_cast<tern::proactive::SlotWork&>(work), clock,
                                     "bench");
  double took = 0;
  double cpu = 0;
  auto measure = [&]() -> awaitable<void> {
    co_await keeper.take(Deadline::after(patience));
    if (keeper.is_shared()) {
      asio::co_spawn(io, keeper.run(), asio::detached);
    }
    const auto begun = std::chrono::steady_clock::now();
    const double cpu_before = process_cpu_us();
    asio::co_spawn(io, scheduler.run(), asio::detached);
    tern::Timer pause(clock, io.get_executor());
    while (nowhere.count < count && seconds_since(begun) < static_cast<double>(patience.count())) {
      co_await pause.wait_for(std::chrono::milliseconds(1));
    }
    scheduler.stop();
    const bool idle = co_await scheduler.idle(Deadline::after(patience));
    took = seconds_since(begun);
    cpu = process_cpu_us() - cpu_before;
    keeper.stop();
    co_await keeper.release(Deadline::after(patience));
    if (!idle || nowhere.count < count) {
      throw std::runtime_error("only " + std::to_string(nowhere.count) + " of " + std::to_string(count) +
                               " sends were fired");
    }
  };
  std::vector<awaitable<void>> all;
  all.push_back(measure());
  run_all(io, std::move(all));
  return {static_cast<double>(count) / took, cpu / static_cast<double>(count)};
}

}  // namespace bench
