#pragma once

#include "async/keyed_hash.hpp"
#include "runtime/last_conversations.hpp"

#include <tern/schema/activity.hpp>
#include <tern/storage/types.hpp>
#include <tern/turn/identity.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::detail {
class UnitOfWork;
}

namespace tern::runtime {

/// Captures the references of turns, and remembers which of them the store has, so that a reference is written only
/// when it changes. Three documents are kept: the reference of a user in a conversation; the address of a group
/// conversation, from the last message of any user; and the conversation in which a user wrote last: a message, an edit
/// or an invoke, or began the conversation. Typing, reactions, deletions and events are no writing. The memory is
/// bounded: when it is full, the older half is forgotten. A forgotten reference is written once more than needed. When
/// other processes write to the same store, what is remembered counts for as long as a user's last conversation
/// (`LastConversations`): a conversation may have moved there and back, or may have been forgotten there.
///
/// An entry is found by a keyed hash, and counts as known when a keyed digest of the whole reference, ids included, is
/// equal. So a stranger cannot make up an id that lets somebody's reference pass for stored.
///
/// Thread safety: none; each shard has its own.
class ReferenceCapture {
 public:
  static constexpr std::size_t usual_capacity = 100'000;

  /// `last`: shared by all shards; outlives this. `longest`: the most bytes of a stored reference.
  ReferenceCapture(std::string bot_id, LastConversations& last, std::size_t longest,
                   std::size_t capacity = usual_capacity);

  /// The facts that a turn writes to the store. They count as known once the turn has committed.
  struct Seen {
    std::uint64_t key = 0;
    detail::KeyedDigest fingerprint;
    bool too_large = false;     ///< the reference is longer than allowed, and is not written
    std::uint64_t address = 0;  ///< the key of the group conversation; 0 for a personal conversation
    detail::KeyedDigest address_fingerprint;
    /// The key of the document about the user's last conversation; personal conversations have one of their own.
    std::uint64_t user = 0;
    detail::KeyedDigest conversation;
    bool personal = false;
  };

  /// What `observe` may write: everything, or everything but where the user wrote last, or nothing.
  enum class Allowed : std::uint8_t { all, all_but_last, none };

  /// Adds writes to `work`: the reference of `activity`, if it is new or has changed; or its removal, if the activity
  /// says that the bot was removed. nullopt when the activity has no reference. `caller`: who has sent the activity,
  /// nullptr when nobody was asked; it is stored with the reference, and another one is news.
  std::optional<Seen> observe(const Activity& activity, detail::UnitOfWork& work, const Identity* caller = nullptr,
                              Allowed allowed = Allowed::all);
  /// True when `observe` would add a write. Ask this first: a turn without news needs no unit of work.
  bool has_news(const Activity& activity, const Identity* caller = nullptr) const;

  /// The keys of the documents that `observe` would write.
  std::vector<std::string> keys_of(const Activity& activity) const;
  /// What of these documents a caller may write. `stored`: what the store has under `keys_of`. `checks_callers`: the
  /// bot finds out who its callers are; otherwise only channels in the process are told apart from all others.
  struct Judged {
    Allowed allowed = Allowed::all;
    std::string disbelieved;  ///< the key of a document that somebody else has written; "" for none
  };
  Judged judge(const Activity& activity, const Identity* caller, const StoreItems& stored, bool checks_callers) const;

  /// The writes that `observe` added have succeeded.
  void written(const Seen& seen);
  /// The writes that `observe` added have failed.
  void lost(const Seen& seen);
  /// Somebody else has changed the stored reference. The next activity writes it again.
  void forget(std::string_view channel, std::string_view user, std::string_view conversation) noexcept;

 private:
  struct Written {
    detail::KeyedDigest fingerprint;
    SteadyTime since{};
  };
  using Map = boost::unordered_flat_map<std::uint64_t, Written>;

  std::optional<Seen> identify(const Activity& activity, const Identity* caller) const;
  std::string last_key_of(const Activity& activity) const;
  Seen forget_stored(Seen seen, const Activity& activity, detail::UnitOfWork& work) const;
  bool knows(std::uint64_t key, const detail::KeyedDigest& fingerprint) const;
  void remember(std::uint64_t key, const detail::KeyedDigest& fingerprint);

  std::string bot_id_;
  LastConversations& last_;
  std::size_t longest_;
  std::size_t capacity_;
  Map young_;
  Map old_;
};

}  // namespace tern::runtime
