#pragma once

#include "proactive/limits/send_limits.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tern::proactive {

/// Says when a send may go. It neither waits nor sends, and the caller passes the time.
///
/// A send counts from the moment at which it may go until `length` after its end, because the channel may have counted
/// it at any moment in between. So no interval at the channel has more sends than a window allows, however long
/// requests take.
/// One limiter serves all the schedulers of a process. A conversation belongs to one process, so that its windows are
/// kept exactly; those of a bot or tenant are split evenly among the processes.
///
/// A conversation with one or two sends is forgotten after a minute, so that memory follows the rate of sends and not
/// the longest window. Longer windows are smaller by the sends that may be forgotten in this way.
///
/// Thread safety: all of it; a call holds the lock for well under a microsecond, save for a rare look for idle scopes.
class Limiter {
 public:
  /// When this many conversations are throttled within this time, and they are a quarter of those that were answered
  /// in that time or are under way, their tenant or bot is meant: refusals come sooner than answers.
  static constexpr std::size_t widening = 3;
  static constexpr std::size_t widening_share = 4;
  static constexpr std::chrono::seconds widening_time{3};
  /// Refusals mean the bot, or the way to its channel, when of the last answers so few took a message that it is at
  /// most a tenth of what is usual (`refusals_of_usual`). Looked at are as many answers as usually hold ten that did,
  /// none older than `refusals_time`, and at least so many conversations must have refused, and more of them than are
  /// under way. So neither five users who have left nor a list of which most have left stops the others.
  static constexpr std::size_t refusals = 5;
  static constexpr double refusals_of_usual = 10;
  static constexpr std::chrono::seconds refusals_time{30};
  /// This many refusals are no coincidence: a refusal of a conversation may then be about the bot.
  static constexpr std::size_t refusals_to_doubt = 3;
  /// How long the bot rests when its secret is refused; and after other refusals, which may mean the users.
  static constexpr std::chrono::seconds first_pause{60};
  static constexpr std::chrono::seconds first_doubt{5};
  static constexpr std::chrono::seconds longest_pause{900};
  /// The same when a gateway on the way refused: a gateway comes back by itself.
  static constexpr std::chrono::seconds longest_pause_of_way{60};
  /// After a rest sends go one at a time until one succeeds. When so many in a row are refused it rests twice as long.
  static constexpr std::size_t probes = 5;
  /// A send that waits for a paused bot asks again after this time at the latest, since one success ends the pause.
  static constexpr std::chrono::seconds look_again{10};
  /// A slow start doubles each second for so many seconds.
  static constexpr std::uint32_t slow_start_seconds = 10;
  /// When a send is later than this, and its bot has not sent for as long, there was an outage.
  static constexpr std::chrono::seconds outage{10};

  enum class Frozen : std::uint8_t { conversation, tenant, bot };

  /// The answer to a send that asks.
  struct Leave {
    SteadyTime at;                   ///< not after now: the send may go. Otherwise the time to ask again
    std::uint64_t scope = 0;         ///< the conversation, tenant or bot that holds it back
    SteadyTime::duration spacing{};  ///< how far apart the sends of that scope are when all of them must wait
    /// Within this time after `at` all of them ask again; their number says nothing of the time when they may go.
    /// None: no bound.
    std::optional<SteadyTime::duration> within = std::nullopt;
    /// Whether these sends may never go. Where there is little room to wait, sends of others come first.
    bool in_doubt = false;
  };

  explicit Limiter(SendLimits limits = SendLimits()) : limits_(std::move(limits)) {}

  SendScope scope_of(std::string_view reference) const { return SendScope::of(reference, limits_); }
  const SendLimits& limits() const noexcept { return limits_; }
  /// Whether any bot rests, or is being tried after a rest. Without a lock, so that it may be a moment old.
  bool any_in_doubt() const noexcept { return paused_.load(std::memory_order_relaxed) > 0; }

  /// A send that may go counts from here on, until `ended`. `late`: how long it is overdue.
  Leave ask(const SendScope& scope, SteadyTime now, SteadyTime::duration late);
  /// The answer to a reply of a turn, which counts in the same way. A reply waits for the windows and for a
  /// Retry-After of the channel. It does not wait for a bot that rests, because a user has just written to that bot.
  Leave ask_for_reply(const SendScope& scope, SteadyTime now);
  /// A send that was let go has ended, with whatever outcome.
  void ended(const SendScope& scope, SteadyTime now);
  /// A send that was let go does not go after all: it does not count.
  void withdrawn(const SendScope& scope);

  /// True when the bot was paused, which this ends.
  bool succeeded(const SendScope& scope, SteadyTime now);
  /// The channel asks to wait. Returns the scope that is frozen.
  Frozen throttled(const SendScope& scope, SteadyTime now, std::chrono::milliseconds retry_after);
  /// The subject of a refusal. `SendPolicy` says which answers mean which subject.
  enum class Refused : std::uint8_t {
    bot,           ///< its secret
    conversation,  ///< or the bot in it
    way            ///< to the channel, which did not answer itself
  };
  /// Set when the bot is paused: until when, and whether that is news.
  struct Pause {
    SteadyTime until;
    bool begun = false;
  };
  std::optional<Pause> refused(const SendScope& scope, SteadyTime now, Refused what);
  /// Whether the bot is paused, or is being tried after a pause, or was at any time since `since`.
  bool in_doubt(const SendScope& scope, SteadyTime since) const;
  /// Whether several conversations have refused lately and none has taken a message since. Sooner than `in_doubt`.
  bool several_refused(const SendScope& scope, SteadyTime now) const;

  /// Among how many processes the limits of bots and tenants are split.
  void set_processes(std::size_t count);

  /// How many conversations, tenants and bots are remembered.
  std::size_t size() const;

 private:
  struct Sends {
    std::vector<SteadyTime> ends;  // in order; those that left all windows go a few at a time
    std::uint32_t in_flight = 0;
    SteadyTime frozen{};
    SteadyTime used{};
    std::chrono::milliseconds strict{0};  // remembered for so long, however few they were
    std::chrono::milliseconds longest{0};
  };
  using Marks = std::vector<std::pair<std::uint64_t, SteadyTime>>;
  /// How many there were in this second and the two before.
  struct Recent {
    std::array<std::uint32_t, 3> counts{};
    std::int64_t second = 0;
    void add(SteadyTime now) noexcept;
    std::size_t total(SteadyTime now) noexcept;
  };
  struct Wide : Sends {
    Marks throttled;
    Recent passed;
    Marks refused;
    /// Of the last two that took a message: which of all answers it was, and when.
    struct Passed {
      std::uint64_t number = 0;
      SteadyTime at{};
    };
    std::array<Passed, 2> last_passed{};
    std::uint64_t answers = 0;
    std::size_t run = 0;   // conversations that have refused since the last success
    double usual_run = 0;  // how many that usually are
    std::optional<SteadyTime> ramp;
    std::uint64_t ramp_step = 0;
    std::uint32_t ramp_sent = 0;
    SteadyTime::duration pause{0};  // none: nothing speaks against the bot
    SteadyTime paused_until{};
    SteadyTime cleared{};  // when the last pause was over
    std::size_t probed = 0;
    bool known = false;
  };

  static Leave free_at(std::uint64_t scope, Sends& sends, const std::vector<SendWindow>& windows, std::uint32_t share,
                       SteadyTime now);
  SteadyTime ramp_at(Wide& wide, SteadyTime now) const;
  static bool is_meant(Wide& wide, std::size_t throttled, SteadyTime now) noexcept;
  static void note_passed(Wide& bot, SteadyTime now) noexcept;
  static bool is_refused_as_a_whole(const Wide& bot, SteadyTime now) noexcept;
  static SteadyTime::duration next_pause(const Wide& bot, Refused what) noexcept;
  SteadyTime::duration slow_spacing() const noexcept;
  Leave windows_at(const SendScope& scope, Sends& conversation, Wide& tenant, Wide& bot, SteadyTime now) const;
  static void let_go(Sends& conversation, Wide& tenant, Wide& bot) noexcept;
  Leave after_pause(const SendScope& scope, const Wide& bot, SteadyTime now) const;
  static std::size_t mark(Marks& marks, std::uint64_t conversation, SteadyTime now, SteadyTime::duration keep);
  static void begin_slowly(Wide& wide, SteadyTime from) noexcept;
  void freeze(Wide& wide, SteadyTime until) const;
  void forget_idle(SteadyTime now);

  const SendLimits limits_;
  mutable std::mutex mutex_;
  boost::unordered_flat_map<std::uint64_t, Sends> conversations_;
  boost::unordered_flat_map<std::uint64_t, Wide> wide_;  // tenants and bots
  std::uint32_t processes_ = 1;
  std::atomic<std::size_t> paused_ = 0;  // bots whose `pause` is not zero
  std::size_t next_look_ = 1'024;
};

}  // namespace tern::proactive
