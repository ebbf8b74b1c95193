#pragma once

#include <tern/async/clock.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace tern::proactive {

/// Divides the places for scheduled sends among parties, which are the hosts of channels or the tenants in them. A
/// party that does not answer leaves places for parties that do. It neither waits nor sends, and the caller passes the
/// time.
///
/// A send is slow once it has waited for its answer for `slow_after`. A quarter of the places is kept for slow sends,
/// so that they take none of the others. A party may have a part of these others (`Rule::most`, or `most_of_quick`
/// while it is quick), and half of the slow places. A party whose sends all wait for so long gets no more places until
/// one is answered.
///
/// A party is cut off when a send ends without an answer and no other send was answered since that one began. Its
/// *circuit* is then open. After a time that doubles from `first_rest` to `longest_rest` one send at a time tries the
/// party, and the first answer closes the circuit. All tries together may have a sixteenth of the places.
///
/// A party is new until it has answered `known_after` sends since it was first seen or its circuit closed. With
/// `Rule::doubts_new` it has a few places until then, and all new parties together have an eighth of the places, or a
/// quarter with their slow sends. A party that has answered less than `well_known_after` has an eighth, and all of
/// these with the new ones half. When slow sends have taken half of the other places, only parties that have answered
/// more and more sends may begin further ones. So parties that answer a little and then stop do not hold up parties
/// that always answer.
///
/// A party is forgotten when it has had nothing to do for `memory`, and is new afterwards. When `most_remembered`
/// parties are known, idle parties are forgotten earlier, first of all those that do not answer.
///
/// Thread safety: none; one for each scheduler.
class Shares {
 public:
  static constexpr std::chrono::milliseconds slow_after{1'000};
  static constexpr std::chrono::milliseconds first_rest{1'000};
  static constexpr std::chrono::milliseconds longest_rest{60'000};
  static constexpr std::chrono::minutes memory{5};
  static constexpr std::uint32_t known_after = 8;
  static constexpr std::uint32_t well_known_after = 64;
  static constexpr std::size_t most_remembered = 16'384;
  /// A send without a place asks again after this time at the latest: another send may become slow, and then frees a
  /// place.
  static constexpr std::chrono::milliseconds look_again{250};
  /// A party is quick if it usually answers within this time, has no slow send, and has answered within this time what
  /// is under way, or another send since.
  static constexpr std::chrono::milliseconds quick{50};

  struct Rule {
    std::size_t places = 1;         ///< how many sends may be under way, of all
    std::size_t most = 1;           ///< of one party at once, without slow ones
    std::size_t most_of_quick = 1;  ///< of one party that is quick
    bool doubts_new = false;        ///< whether a new party has few
  };
  /// For hosts: each may have three quarters of the places that are not kept for slow sends, and a quick one five
  /// sixths: what it has comes back at once.
  static Rule of_hosts(std::size_t places);
  /// For tenants: each may have half of all places. A new tenant may have as many, because a list may name thousands.
  static Rule of_tenants(std::size_t places);

  explicit Shares(const Rule& rule) : rule_(rule) {}

  /// What holds a send back.
  enum class Held : std::uint8_t {
    no,
    party,  ///< the sends of its party that are under way, or the party does not answer
    all,    ///< all places are taken
    fresh,  ///< the places of new and little known parties are taken
    tries   ///< the places of tries are taken
  };
  struct Leave {
    SteadyTime at;  ///< not after now: the send may begin. Otherwise the time to ask again
    Held held = Held::no;
    bool in_doubt = false;            ///< its party is not known to answer
    SteadyTime::duration spacing{0};  ///< how far apart sends that wait for the same may begin
  };
  /// Whether a send to a party may begin now. It counts only with `begun`.
  Leave ask(std::uint64_t party, SteadyTime now);
  void begun(std::uint64_t party, SteadyTime now);

  enum class End : std::uint8_t {
    answered,    ///< it was answered, whatever the answer said
    unanswered,  ///< no connection, or no answer in time
    unknown      ///< it never went, or was cut here, which says nothing about the party
  };
  /// The end of a send that had `begun` at that time.
  struct Change {
    bool opened = false;  ///< the party's circuit
    bool closed = false;
    bool tried = false;  ///< it was a try of one whose circuit is open
  };
  Change ended(std::uint64_t party, SteadyTime begun, SteadyTime now, End end);

  /// How many more sends may begin of the party that has the most under way, if it is quick, or new and may turn out
  /// to be quick; nullopt if it is not. Due sends to it are worth waiting for.
  std::optional<std::size_t> room_of_busiest(SteadyTime now) const;
  /// How many tries in a row it has not answered; 0 while its circuit is closed.
  std::uint32_t failures(std::uint64_t party) const;
  /// Whether it is remembered.
  bool knows(std::uint64_t party) const { return parties_.contains(party); }
  /// Parties whose circuit is open.
  std::size_t open() const noexcept { return counts_.open; }
  /// Parties that are remembered.
  std::size_t size() const noexcept { return parties_.size(); }

 private:
  struct Party {
    std::vector<SteadyTime> begun;  // of what is under way, in order
    std::size_t slow = 0;           // the first so many of them
    std::uint32_t answers = 0;      // since it was first seen, or its circuit opened
    std::uint32_t failures = 0;     // tries in a row without an answer; its circuit is open when there are any
    SteadyTime::duration usual{};   // the time to an answer
    SteadyTime failed{};
    SteadyTime rests_until{};
    SteadyTime answered{};
    SteadyTime used{};

    bool is_open() const noexcept { return failures > 0; }
    bool is_new() const noexcept { return answers < known_after && !is_open(); }
    bool is_little_known() const noexcept { return answers < well_known_after && !is_open(); }
    bool seems_to_hang() const noexcept { return slow > 0 && answered < begun.front(); }
    std::size_t quick_ones() const noexcept { return begun.size() - slow; }
  };
  /// What parties have under way, in the terms that are bounded.
  struct Counts {
    std::size_t all = 0;
    std::size_t slow = 0;
    std::size_t fresh = 0;         // of new parties
    std::size_t fresh_quick = 0;   // of them, those that are not slow
    std::size_t little_known = 0;  // of parties that are new or little known
    std::size_t tries = 0;         // parties whose circuit is open and that are tried
    std::size_t open = 0;          // parties whose circuit is open
  };

  template <class Change>
  void change(Party& party, const Change& change);
  static Counts counts_of(const Party& party) noexcept;
  void note_slow(SteadyTime now);
  bool is_quick(const Party& party, SteadyTime now) const noexcept;
  std::size_t most_of(const Party& party, SteadyTime now) const noexcept;
  bool has_place(const Party& party) const noexcept;
  Held held_by(const Party& party, SteadyTime now) const noexcept;
  bool is_doubted(const Party& party) const noexcept;
  SteadyTime::duration spacing_of(const Party& party) const noexcept;
  void note_answer(Party& party, SteadyTime begun, SteadyTime now) noexcept;
  void fail(Party& party, SteadyTime begun, SteadyTime now);
  void forget_idle(SteadyTime now);
  template <class Condition>
  void forget_if(const Condition& condition);

  const Rule rule_;
  boost::unordered_flat_map<std::uint64_t, Party> parties_;
  std::deque<std::pair<SteadyTime, std::uint64_t>> young_;  // when each began, in order; some have ended
  Counts counts_;
  std::uint64_t busiest_ = 0;  // the one that had the most when it last began one
  std::size_t next_look_ = 1'024;
};

}  // namespace tern::proactive
