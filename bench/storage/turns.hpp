#pragma once

#include "turn/contestant.hpp"

#include <string>
#include <vector>

namespace bench {

/// One kind of storage that state_bot runs on.
struct TurnStore {
  std::string name;
  std::vector<std::string> settings;  ///< for --set
  double most = 0;                    ///< of memory's processor time; 0: no target
  double least_per_second = 0;        ///< turns; 0: no target
};

struct TurnSettings {
  LoadSettings load;
  unsigned rounds = 15;
  std::string state_bot;
  std::string logs;  ///< a folder
};

/// Runs state_bot on each store, turn and turn about, and prints what a turn costs its process beside the first of
/// them. True when all targets are met and no shard has stalled.
bool compare_turns(const std::vector<TurnStore>& stores, const TurnSettings& settings);

}  // namespace bench
