#pragma once

#include "async/keyed_hash.hpp"
#include "runtime/last_conversations.hpp"

#include <tern/schema/activity.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::detail {
class UnitOfWork;
}

namespace tern::runtime {

/// Remembers which references are stored as they are now, so that one is written only when it changes. Beside a user's
/// reference there are two things that it does not say: where a conversation of several users is by the last message of
/// any of them, and in which conversation the user wrote last. Bounded: when it is full the older half is forgotten,
/// which costs a write that was not needed.
///
/// What is remembered is found by keyed hashes, and is known when the digest of the whole is equal, ids included: with
/// an id that a stranger makes up nobody's reference is taken for stored.
///
/// Thread safety: none; one for each shard.
class ReferenceCapture {
 public:
  static constexpr std::size_t usual_capacity = 100'000;

  /// `last`: of the process, outlives this. `longest`: the most bytes of a reference as it is kept.
  ReferenceCapture(std::string bot_id, LastConversations& last, std::size_t longest,
                   std::size_t capacity = usual_capacity);

  /// What a turn is to remember once its commit has gone through.
  struct Seen {
    std::uint64_t key = 0;
    detail::KeyedDigest fingerprint;
    bool too_large = false;   ///< it is not written
    std::uint64_t place = 0;  ///< the conversation; 0 for a personal one
    detail::KeyedDigest place_fingerprint;
    std::uint64_t user = 0;  ///< in conversations of this kind
    detail::KeyedDigest conversation;
    bool personal = false;
  };

  /// Adds to `work` what `activity` tells: a reference that is new or has changed, or, when the bot was removed, that
  /// it is gone. nullopt when there is nothing to tell.
  std::optional<Seen> observe(const Activity& activity, detail::UnitOfWork& work);
  /// True when `observe` would write; asked first, so that a turn without news needs no unit of work.
  bool has_news(const Activity& activity) const;
  void written(const Seen& seen);
  /// What `observe` added was not written.
  void lost(const Seen& seen);
  /// Somebody else changed the stored reference: the next activity writes it again.
  void forget(std::string_view channel, std::string_view user, std::string_view conversation) noexcept;

 private:
  using Map = boost::unordered_flat_map<std::uint64_t, detail::KeyedDigest>;

  std::optional<Seen> identify(const Activity& activity) const;
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
