#pragma once

#include "turn/contestant.hpp"

#include <string>
#include <vector>

namespace bench {

struct ComparisonSettings {
  LoadSettings load;
  unsigned rounds = 7;
  bool pin = false;       ///< the server on core 0, all else on core 1
  std::string programs;   ///< the folder of the baselines and the sink
  std::string state_bot;  ///< the program
  std::string logs;       ///< the folder for what the servers print
};

/// The most that a turn may cost, in units of the baseline's turn.
inline constexpr double target = 1.5;

/// Measures `state_bot` beside its baseline, turn and turn about, and prints each round and the median of the rounds'
/// ratios. True when that is within the target.
/// Errors: `std::runtime_error` when anything was not answered as it should be.
bool compare(Mode mode, const ComparisonSettings& settings);

/// The most that a turn with a valid token may cost, in units of a turn without one.
inline constexpr double token_target = 1.05;

/// The same for `state_bot` with `bot.app_id`, whose messages all bring one valid token, as a channel's do for an hour,
/// beside `state_bot` without.
bool compare_tokens(Mode mode, const ComparisonSettings& settings);

}  // namespace bench
