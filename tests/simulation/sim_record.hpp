#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tern::simulation {

using SendId = std::array<std::uint8_t, 16>;

/// What is known of one send outside of everything that is tested. What the store did is noted when it does it, whether
/// or not its answer arrives.
struct Record {
  std::string name;
  std::string order_key;
  SendHandle handle;
  WallTime due{};  ///< as the store has it, and the next
  std::uint32_t generation = 0;
  std::optional<WallTime> expires;
  bool at_most_once = false;
  bool is_continuation = false;
  bool recurs = false;
  std::string idempotency_key;
  SteadyTime committed_at{};
  bool stored = false;
  bool confirmed = false;  ///< the bot was told that it is scheduled
  bool cancelled = false;  ///< it is never sent from now on
  bool expired = false;
  bool died = false;
  std::optional<std::uint32_t> over;  ///< nothing is pending of it any more, since this generation
  std::size_t delivered = 0;
  WallTime::duration late{};                          ///< how much later than due
  std::map<std::uint32_t, std::size_t> delivered_in;  ///< by generation, which each occurrence has of its own
  std::size_t begun = 0;
  bool refused = false;           ///< the channel said that it never takes it
  bool failed = false;            ///< an attempt came to an end without success
  bool ambiguous = false;         ///< the channel may have taken it, or have said nothing
  bool excused = false;           ///< something befell it that may double it
  std::size_t interruptions = 0;  ///< processes that ended, stalled or lost its slot with it, since its last outcome

  std::size_t twice() const noexcept {
    std::size_t more = 0;
    for (const auto& [of_one, count] : delivered_in) {
      more += recurs ? count - 1 : count;
    }
    return recurs || more == 0 ? more : more - 1;
  }
};

/// All sends of a run, and the promises that were broken.
class Records {
 public:
  Record& of(const SendId& id) { return all_[id]; }
  std::map<SendId, Record>& all() noexcept { return all_; }

  const std::vector<std::string>& broken_promises() const noexcept { return broken_; }
  void broken(const std::string& promise, const Record& record, const std::string& where = "") {
    broken_.push_back(promise + ": " + record.name + (where.empty() ? "" : ", " + where));
  }

 private:
  std::map<SendId, Record> all_;
  std::vector<std::string> broken_;
};

}  // namespace tern::simulation
