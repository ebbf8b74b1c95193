#pragma once

#include <tern/error.hpp>
#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tern::fault {

class StallCount;

/// What happened to the operations of a `Load`.
struct LoadReport {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::map<error_code, std::uint64_t> codes;    ///< of the failures
  std::map<std::string, std::uint64_t> errors;  ///< the same by code and message, for a person to read
  std::chrono::milliseconds longest{0};         ///< from call to answer
  SteadyTime last_failure{};
};

/// Reads and writes of many conversations on a shard of its own, as turns would do them: each reads its document,
/// writes the next number with the eTag that was read, and remembers what was confirmed. A watchdog looks after the
/// shard.
class Load {
 public:
  Load(AnyStorage store, int conversations, std::chrono::milliseconds deadline);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Waits until the report is as wanted; false when that takes longer than `patience`. `wanted` is asked after each
  /// operation.
  bool wait_until(std::function<bool(const LoadReport&)> wanted,
                  std::chrono::seconds patience = std::chrono::minutes(1));
  /// Forgets what the report says about the time before.
  void mark();
  LoadReport report() const;
  /// How often a handler has held the shard since the beginning.
  const StallCount& stall_count() const noexcept;

  /// Ends the load, and then reads every document: a message for each that is not what was confirmed last, or what was
  /// under way after it. Empty when nothing was lost.
  std::vector<std::string> stop_and_check();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tern::fault
