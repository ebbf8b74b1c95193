#pragma once

#include "async/keyed_hash.hpp"

#include <tern/schema/activity.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::detail {

/// A hash of 128 bits, without a key. It is wide enough that two activities do not have the same hash by chance.
///
/// Stored keys contain it, so it must not change.
class WideHash {
 public:
  explicit WideHash(std::uint64_t seed = 0) noexcept : a_(seed ^ 0x243F6A8885A308D3ULL), b_(~seed) {}
  void add(std::uint64_t word) noexcept;
  /// Adds the text with its length, so that "ab" and "c" differ from "a" and "bc".
  void add(std::string_view text) noexcept;
  std::uint64_t high() const noexcept { return finish(a_); }
  std::uint64_t low() const noexcept { return finish(b_); }

 private:
  static std::uint64_t finish(std::uint64_t value) noexcept;
  std::uint64_t a_;
  std::uint64_t b_;
};

/// The members of an activity that the runtime needs for each turn. One pass over the activity finds all of them. ""
/// for a member that is absent or not a string. Lifetime: views into the activity.
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

/// The members that identify an activity in its conversation. Two activities with equal members are the same activity,
/// which the channel has delivered again. The dedupe window uses this, and the keys of a turn's sends are made of it.
///
/// These members are the type, the id, the moment of the timestamp, the sender and the bot. The id alone is not enough,
/// because an edit, a deletion or a reaction has the id of its message. The sender counts, so that nobody can repeat
/// the activity of another user. An activity whose timestamp is absent, cannot be read or is out of the clock's range
/// (`Timestamp::time`) is identified by its content instead, without the members that may differ between two
/// deliveries: the service URL, the names of accounts, the client's own time.
///
/// Every open client of a user sends a `signin/tokenExchange` with an id of its own; their `value.id` is the same, so
/// it identifies the activity. (`signin/verifyState` comes only from the client in which the user has signed in. It has
/// no such id, and its state may be the same text at two attempts.)
///
/// Source: docs/architecture.md, "How a message flows". Lifetime: views into the activity.
struct SameActivity {
  std::string_view kind;  ///< the type, or `signin/tokenExchange`
  std::string_view id;    ///< never ""
  std::string_view sender;
  std::string_view bot;
  std::optional<std::int64_t> moment;  ///< of the timestamp, in nanoseconds since 1970
  std::uint64_t content_high = 0;      ///< the hash of the content, if there is no moment
  std::uint64_t content_low = 0;
  bool is_token_exchange = false;

  /// Whether the content identifies the activity.
  bool has_content() const noexcept { return !is_token_exchange && !moment; }
  void add_to(KeyedHasher& hasher) const noexcept;
  /// Appends a part of a stored key: `{id}/{kind}/{bot}/{sender}/{moment or content}`.
  void append_to(std::string& key) const;
  friend bool operator==(const SameActivity&, const SameActivity&) = default;
};

/// nullopt for an activity without an id, which is never a repetition.
std::optional<SameActivity> same_activity(const Activity& activity, const ActivityHead& head) noexcept;
std::optional<SameActivity> same_activity(const Activity& activity) noexcept;

}  // namespace tern::detail
