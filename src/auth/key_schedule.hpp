#pragma once

#include "auth/fetch_pace.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace tern::auth {

/// When keys are fetched. All times are positive.
struct KeyTimes {
  /// Keys that are older are fetched again, while the old ones serve.
  SteadyTime::duration refresh_after = std::chrono::hours(24);
  /// Tokens wait for a fetch when the keys are older: nobody has used them for a long time, and they may have been
  /// withdrawn. When the fetch fails, the old ones serve all the same.
  SteadyTime::duration wait_after = std::chrono::hours(48);
  /// A fetch that has found no key for a token is not repeated for other unknown keys for so long.
  SteadyTime::duration unknown_pause = std::chrono::hours(1);
  /// The pause after the first fetch that failed. It doubles with each that follows.
  SteadyTime::duration first_pause = std::chrono::seconds(1);
  /// The longest pause between fetches that fail.
  SteadyTime::duration longest_pause = std::chrono::minutes(5);
};

/// Decides when the keys of an issuer are fetched, and what becomes of a token meanwhile. It does no I/O and knows no
/// key, only whether there is one.
///
/// Thread safety: none.
class KeySchedule {
 public:
  /// What to do with a token.
  enum class Answer : std::uint8_t {
    use,         ///< its key is there
    wait,        ///< a fetch is under way; ask `after_fetch` when it has ended
    unknown,     ///< the issuer has no such key: it was asked just now
    later,       ///< the issuer had no such key a short time ago, and is not asked again yet
    unavailable  ///< it is not known now whether the issuer has such a key
  };
  struct Step {
    Answer answer;
    bool fetch = false;            ///< a fetch must begin now; it counts as begun
    SteadyTime::duration later{};  ///< with `Answer::later`: how long until the issuer is asked again
  };

  explicit KeySchedule(const KeyTimes& times) : times_(times), pace_(times.first_pause, times.longest_pause) {}

  /// A token came. `has_key`: whether its key is there.
  Step ask(bool has_key, SteadyTime now);
  /// A token has waited for a fetch, which has ended now. It causes no other fetch.
  Answer after_fetch(bool has_key) const noexcept;

  ///@{
  /// How the fetch has ended. `in_vain`: a key that a token asked for meanwhile was not among those that were fetched.
  void succeeded(SteadyTime now, bool in_vain) noexcept;
  void failed(SteadyTime now) noexcept;
  ///@}
  /// Whether a fetch is under way.
  bool fetching() const noexcept { return pace_.under_way(); }

 private:
  Step begin(Answer answer) noexcept {
    pace_.begin();
    return {answer, true};
  }

  KeyTimes times_;
  FetchPace pace_;
  std::optional<SteadyTime> loaded_at_;      // the end of the last fetch that did not fail
  std::optional<SteadyTime> unknown_until_;  // until then no unknown key causes a fetch
};

}  // namespace tern::auth
