#pragma once

#include "proactive/limits/limiter.hpp"

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace tern::proactive {

/// Sends with the verdict `judge_later`: the channel has refused them and means their conversation, or the bot. The
/// answers to other sends show within `Limiter::refusals_time` which of the two it means. Until then such a send waits
/// in the store, as a send that has not arrived; only the refusal is remembered here. A send that is not remembered is
/// tried again.
///
/// Thread safety: none.
class RefusedSends {
 public:
  /// Remembers this many sends.
  explicit RefusedSends(std::size_t capacity) : capacity_(capacity) {}

  /// This attempt was refused. Not remembered when there is no room.
  void remember(const DueEntry& entry, std::uint32_t attempt, std::string reason, SteadyTime now);
  void forget(const std::array<std::uint8_t, 16>& id) { refused_.erase(id); }

  struct Judgement {
    enum class Kind : std::uint8_t {
      none,  ///< it may be tried: it was not refused, or another owner has had it since, or the bot may have been meant
      wait,  ///< it is too soon: the clock was set forward
      dead
    };
    Kind kind = Kind::none;
    SteadyTime::duration wait{};
    std::string reason;  ///< of one that is dead
  };
  /// Judges a send that is due. `is_still_mine`: its slot is held under the lease under which it was fetched.
  /// `limiter`: null when nothing was ever refused.
  Judgement judge(const DueEntry& entry, const ScheduledSend& send, bool is_still_mine, const Limiter* limiter,
                  SteadyTime now);

  std::size_t size() const noexcept { return refused_.size(); }

 private:
  struct Refused {
    std::uint32_t generation = 0;
    std::uint64_t epoch = 0;
    std::uint32_t attempt = 0;
    SteadyTime since{};
    std::string reason;
  };

  const std::size_t capacity_;
  std::map<std::array<std::uint8_t, 16>, Refused> refused_;
};

}  // namespace tern::proactive
