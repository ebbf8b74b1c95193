#pragma once

#include "async/keyed_hash.hpp"

#include <tern/schema/activity.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::detail {

/// Two numbers of 64 bits that follow from what was added, in its order: wide enough that two activities do not meet.
///
/// Stored keys are made of it, so it stays as it is.
class WideHash {
 public:
  explicit WideHash(std::uint64_t seed = 0) noexcept : a_(seed ^ 0x243F6A8885A308D3ULL), b_(~seed) {}
  void add(std::uint64_t word) noexcept;
  /// Also its length, so that two texts do not run into each other.
  void add(std::string_view text) noexcept;
  std::uint64_t high() const noexcept { return finish(a_); }
  std::uint64_t low() const noexcept { return finish(b_); }

 private:
  static std::uint64_t finish(std::uint64_t value) noexcept;
  std::uint64_t a_;
  std::uint64_t b_;
};

/// What the runtime asks of each activity that arrives, found by going over its members once. "" for what is absent or
/// no string. Views into the activity.
struct ActivityHead {
  std::string_view id;
  std::string_view type;
  std::string_view timestamp;
  std::string_view delivery_mode;
  std::string_view channel;
  std::string_view conversation;
  std::string_view sender;  ///< the id in `from`
  std::string_view bot;     ///< the id in `recipient`
};
ActivityHead head_of(const Activity& activity) noexcept;

/// What tells an activity from all others of its conversation. Two that are equal in it are one, which its channel
/// delivers again. The one notion of that: repetitions are found by it, and the sends of a turn have their keys of it.
///
/// It is type, id and timestamp, since edits, deletions and reactions carry the id of the message that they are about,
/// with who sent it and to which bot: nobody's activity is another's, whatever id it was given.
/// What comes without a timestamp is told apart by its content instead, but for what may change between two deliveries
/// of the same: the service's address, names of accounts, the client's own time.
///
/// A `signin/tokenExchange` comes from every open client of a user, each with an id of its own. Its `value.id` is what
/// they share. (`signin/verifyState` comes from the one client where the user has signed in, and has no such id: its
/// state may be the same text at two attempts.)
///
/// Source: protocol, "What 2026 added". Lifetime: views into the activity.
struct SameActivity {
  std::string_view kind;       ///< the type, or `signin/tokenExchange`
  std::string_view id;         ///< never ""
  std::string_view timestamp;  ///< as it came; "" when there is none
  std::string_view sender;
  std::string_view bot;
  std::uint64_t content_high = 0;  ///< of what has no timestamp
  std::uint64_t content_low = 0;
  bool is_token_exchange = false;

  /// Told apart by its content.
  bool has_content() const noexcept { return !is_token_exchange && timestamp.empty(); }
  void add_to(KeyedHasher& hasher) const noexcept;
  /// As a part of a key that is stored: `{id}/{kind}/{bot}/{sender}/{what else}`.
  void append_to(std::string& key) const;
  friend bool operator==(const SameActivity&, const SameActivity&) = default;
};

/// nullopt for an activity without an id, which is never a repetition of another.
std::optional<SameActivity> same_activity(const Activity& activity, const ActivityHead& head) noexcept;
std::optional<SameActivity> same_activity(const Activity& activity) noexcept;

}  // namespace tern::detail
