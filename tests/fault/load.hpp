#pragma once

#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tern::fault {

/// What happened to the operations of a `Load`.
struct LoadReport {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::map<std::string, std::uint64_t> errors;  ///< by the errc's name, with one message in full
  std::chrono::milliseconds longest{0};         ///< from call to answer
  SteadyTime last_failure{};
  SteadyTime first_done_since_mark = SteadyTime::max();
};

/// Reads and writes of many conversations on a thread of its own, as turns would do them: each reads its document,
/// writes the next number with the eTag that was read, and remembers what was confirmed.
class Load {
 public:
  Load(AnyStorage store, int conversations, std::chrono::milliseconds deadline);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Waits until the report is as wanted; false when that takes more than a minute.
  bool wait_until(std::function<bool(const LoadReport&)> wanted);
  /// Forgets what the report says about the time before.
  void mark();
  LoadReport report() const;

  /// Ends the load, and then reads every document: a message for each that is not what was confirmed last, or what was
  /// under way after it. Empty when nothing was lost.
  std::vector<std::string> stop_and_check();

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace tern::fault
