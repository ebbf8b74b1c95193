#pragma once

#include <tern/async/clock.hpp>
#include <tern/error.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "connections.hpp"
#include "hint_connection.hpp"
#include "schedule_reader.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern {

namespace detail::pg {

/// Each lane of each process adds to counts of its own, or nearly: two that share a row wait for each other at times.
std::int32_t any_lane_of_counts();

}  // namespace detail::pg

/// The connections, the lanes and what they share. `postgres_storage.cpp` has the documents' part of the storage,
/// `postgres_storage_schedule.cpp` the schedule's.
struct PostgresStorage::State {
  using ConnectionString = detail::pg::ConnectionString;
  using Connections = detail::pg::Connections;
  using Counters = detail::pg::Counters;
  using Health = detail::pg::Health;
  using ReadLane = detail::pg::ReadLane;
  using ReadRequest = detail::pg::ReadRequest;
  using ScheduleLane = detail::pg::ScheduleLane;
  using ScheduleReader = detail::pg::ScheduleReader;
  using ScheduleRequest = detail::pg::ScheduleRequest;
  using ScheduleState = detail::pg::ScheduleState;
  using Session = detail::pg::Session;
  using Statements = detail::pg::Statements;
  using WriteLane = detail::pg::WriteLane;

  State(PostgresOptions given, Clock& time);
  ~State();

  void require_time(Deadline by, const char* what) const {
    if (!by.is_never() && by.expired(clock)) {
      throw_error(errc::timed_out,
                  "The deadline had passed before the Postgres storage could " + std::string(what) + ".");
    }
  }
  /// Deadlines belong to a clock that a test may move; sockets know only real time.
  SteadyTime real(Deadline by) const {
    return by.is_never() ? SteadyTime::max() : Deadline::after(by.remaining(clock), system_clock()).when();
  }
  void start_lanes();
  std::unique_ptr<ScheduleLane> make_schedule_lane(const char* name, std::size_t link);
  /// Runs on a lane of the schedule, which is the first or the second of its connections.
  template <class Result>
  awaitable<Result> on(ScheduleLane& lane, std::size_t link, std::function<Result(ScheduleReader&)> work, Deadline by);
  /// Runs on a lane that reads, as a scan does, so that due sends go out meanwhile.
  template <class Result>
  awaitable<Result> on_reader(std::function<Result(ScheduleReader&)> work, Deadline by);
  std::size_t slots_link() const noexcept { return static_cast<std::size_t>(options.write_lanes) + options.read_lanes; }
  std::size_t due_link() const noexcept { return slots_link() + 1; }
  void tidy_at_times(ScheduleReader& reader);
  void stop() noexcept;

  /// The lane to use: `preferred`, or the next whose connection is there.
  template <class Lanes>
  auto& lane_of(Lanes& lanes, std::size_t preferred, std::size_t first_link) const {
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      const auto index = (preferred + i) % lanes.size();
      if (connections.is_up(first_link + index)) {
        return *lanes[index];
      }
    }
    throw_error(errc::storage_unavailable, "The Postgres storage is away: " + health->obstacle());
  }

  /// The first lane that has room in its next batch: one large batch costs less than two small ones.
  std::size_t reader_of_keys() const {
    const auto roomy = std::find_if(readers.begin(), readers.end(),
                                    [this](const auto& lane) { return lane->waiting() < options.max_batch; });
    return roomy != readers.end() ? static_cast<std::size_t>(roomy - readers.begin()) : 0;
  }
  /// Any but the first, if there are others, since a scan may take long.
  std::size_t reader_of_scan() {
    const auto others = readers.size() - 1;
    return others == 0 ? 0 : 1 + scans++ % others;
  }

  const PostgresOptions options;
  Clock& clock;
  const ConnectionString target;
  const Statements statements;
  ScheduleState schedule;
  detail::pg::HintStatement hint;
  Counters counters;
  std::shared_ptr<Health> health = std::make_shared<Health>();
  Connections connections;
  detail::pg::HintConnection hints;
  std::vector<std::unique_ptr<WriteLane>> writers;
  std::vector<std::unique_ptr<ReadLane>> readers;
  std::unique_ptr<ScheduleLane> slots_lane;  ///< leases and late commits, which must not wait for the others
  std::unique_ptr<ScheduleLane> due_lane;    ///< due sends
  const std::int32_t lane_of_counts = detail::pg::any_lane_of_counts();
  SteadyTime tidied = std::chrono::steady_clock::now();  ///< used by the lane of what is due
  std::atomic<std::size_t> scans = 0;
};

template <class Result>
awaitable<Result> PostgresStorage::State::on(ScheduleLane& lane, std::size_t link,
                                             std::function<Result(ScheduleReader&)> work, Deadline by) {
  if (!connections.is_up(link)) {
    throw_error(errc::storage_unavailable, "The Postgres storage is away: " + health->obstacle());
  }
  std::optional<Result> result;
  // The call ends only when its work has, or will not begin: so the work may write here.
  ScheduleRequest request;
  request.work = [this, &result, &work](Session& session, SteadyTime cut_at) {
    ScheduleReader reader(session, schedule, cut_at);
    result = work(reader);
  };
  request.by = real(by);
  co_await lane.call(std::move(request), by);
  co_return std::move(*result);
}

template <class Result>
awaitable<Result> PostgresStorage::State::on_reader(std::function<Result(ScheduleReader&)> work, Deadline by) {
  auto& lane = lane_of(readers, reader_of_scan(), writers.size());
  std::optional<Result> result;
  ReadRequest request;
  request.work = [this, &result, &work](Session& session, SteadyTime cut_at) {
    ScheduleReader reader(session, schedule, cut_at);
    result = work(reader);
  };
  request.by = real(by);
  co_await lane.call(std::move(request), by);
  co_return std::move(*result);
}

}  // namespace tern
