#pragma once

#include <tern/storage/any_storage.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace bench {

/// One pending send as a bot makes it, in one of `conversations`. Its text is when it is due.
tern::ScheduledSend make_send(const std::string& service_url, std::size_t number, std::size_t conversations,
                              tern::WallTime due);

/// Writes `count` sends, many in each write. `due_of`: when the i-th is due. The seconds that it took.
double fill_schedule(const tern::AnyStorage& store, const std::string& service_url, std::size_t count,
                     std::size_t conversations, const std::function<tern::WallTime(std::size_t)>& due_of);

struct SchedulingFigures {
  double per_second = 0;
  double p99_us = 0;
  double cpu_us = 0;        ///< of this process, for each send
  std::size_t refused = 0;  ///< as too many at once
};
/// `concurrent` coroutines that schedule one send after another, each confirmed by the store before the next.
SchedulingFigures measure_scheduling(const tern::AnyStorage& store, std::size_t concurrent, double seconds);

/// Sends that come at a rate, as turns do from outside: each at its time, whether or not those before it are confirmed,
/// and its wait counts from that time.
SchedulingFigures measure_scheduling_at(const tern::AnyStorage& store, double per_second, double seconds);

struct FiringFigures {
  double per_second = 0;
  double cpu_us = 0;
};
/// The real scheduler fires `count` sends that are due into nothing, until their outcomes are written. `store` is not
/// used by anything else.
FiringFigures measure_firing(const tern::AnyStorage& store, std::size_t count);

}  // namespace bench
