#pragma once

#include "auth/fetch_pace.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace tern::auth {

/// When tokens are asked for. All times are positive.
struct TokenTimes {
  /// A token is renewed so long before it expires, while it serves; a token that lives for less than twice this time,
  /// after half of its life.
  SteadyTime::duration renew_before = std::chrono::minutes(5);
  /// The pause after the first request that failed. It doubles with each that follows, and is shortened by up to a half
  /// at random.
  SteadyTime::duration first_pause = std::chrono::seconds(1);
  /// The longest pause between requests that fail.
  SteadyTime::duration longest_pause = std::chrono::minutes(2);
  /// The longest Retry-After of the token service; a longer one counts as this.
  SteadyTime::duration longest_retry_after = std::chrono::minutes(5);
  /// After a service has refused a token, and another one was got, no refusal leads to a further one for so long.
  SteadyTime::duration refusal_pause = std::chrono::minutes(1);
};

/// Decides when a token is asked for, and what becomes of a send meanwhile. It does no I/O and knows no token, only
/// whether there is one.
///
/// Thread safety: none.
class TokenSchedule {
 public:
  /// What to do with a send.
  enum class Answer : std::uint8_t {
    use,   ///< the token is good
    wait,  ///< a request is under way; ask `after_request` when it has ended
    fail   ///< there is no token now: the last request has failed a short time ago
  };
  struct Step {
    Answer answer;
    bool request = false;  ///< a request must begin now; it counts as begun
  };

  explicit TokenSchedule(const TokenTimes& times) : times_(times), pace_(times.first_pause, times.longest_pause) {}

  /// A send needs the token.
  Step ask(SteadyTime now) noexcept;
  /// A send has waited for a request, which has ended now. It causes no other request. `use` or `fail`.
  Answer after_request(SteadyTime now) const noexcept { return is_good(now) ? Answer::use : Answer::fail; }

  /// The request that `began` then has brought a token that lives for `lifetime` from then on. `renew_in`: when the
  /// token service wants it to be renewed.
  void succeeded(SteadyTime began, SteadyTime::duration lifetime,
                 std::optional<SteadyTime::duration> renew_in) noexcept;
  /// The request has failed. `random`: uniform in [0, 1).
  void failed(SteadyTime now, std::optional<SteadyTime::duration> retry_after, double random) noexcept;
  /// A service has refused the token. Whether another one is asked for, or was asked for already: then sends wait for
  /// it, and use the refused one only while it cannot be got.
  bool refuse(SteadyTime now) noexcept;

  /// Whether a request is under way.
  bool requesting() const noexcept { return pace_.under_way(); }

 private:
  bool is_good(SteadyTime now) const noexcept { return expires_ && now < *expires_; }

  TokenTimes times_;
  FetchPace pace_;
  bool refused_ = false;               // the token, by a service
  std::optional<SteadyTime> expires_;  // nullopt: there was no token yet
  SteadyTime renew_at_;
  std::optional<SteadyTime> refused_at_;  // the last refusal that led to a request
};

}  // namespace tern::auth
