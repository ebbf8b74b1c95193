#pragma once

#include "runtime/conversation_key.hpp"

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>

namespace tern::runtime {

using QueueHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct QueueTag>,
                                                   boost::intrusive::link_mode<boost::intrusive::safe_link>>;

/// What waits in a queue. Derive from it.
class Queued : public QueueHook {
 public:
  const ConversationKey& conversation() const noexcept { return conversation_; }
  bool waiting() const noexcept { return QueueHook::is_linked(); }

 protected:
  /// Lifetime: what `conversation` views outlives this.
  explicit Queued(const ConversationKey& conversation) : conversation_(conversation) {}
  ~Queued() = default;

 private:
  ConversationKey conversation_;
};

/// The FIFO of each conversation: one turn runs, the others wait in order of arrival. An entry exists only while a
/// turn runs, so conversations at rest cost nothing, and names the conversation by that turn.
///
/// Thread safety: none; one for each shard.
class ConversationQueues {
 public:
  enum class Admission { start, wait, full };

  /// `max_waiting`: the most turns that wait in one conversation, besides the running one.
  explicit ConversationQueues(std::size_t max_waiting) : max_waiting_(max_waiting) {}
  ~ConversationQueues();

  /// `start`: nothing ran there, `turn` now does. `wait`: it waits. `full`: it was not taken.
  Admission enter(Queued& turn);
  /// The running turn has ended; the one that runs now, nullptr when none waited.
  /// Preconditions: the turn of this conversation that runs is still there.
  Queued* leave(const ConversationKey& conversation);
  /// A waiting turn is given up.
  void abandon(Queued& turn);

  /// Forgets all; the turns are the caller's.
  void clear();

  std::size_t conversations() const noexcept { return running_.size(); }

 private:
  struct Waiting {
    boost::intrusive::list<Queued, boost::intrusive::base_hook<QueueHook>, boost::intrusive::constant_time_size<true>>
        turns;
  };
  struct Entry {
    std::uint64_t hash;
    mutable const Queued* running;       // its conversation is that of the entry
    mutable Waiting* waiting = nullptr;  // most have nobody waiting: the list is made when somebody does
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    template <class Key>
    std::size_t operator()(const Key& key) const noexcept {
      return key.hash;
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const ConversationKey& key, const Entry& entry) const noexcept {
      return key == entry.running->conversation();
    }
    bool operator()(const Entry& entry, const ConversationKey& key) const noexcept { return (*this)(key, entry); }
    bool operator()(const Entry& a, const Entry& b) const noexcept { return (*this)(a.running->conversation(), b); }
  };

  boost::unordered_flat_set<Entry, Hash, Equal> running_;
  std::size_t max_waiting_;
};

}  // namespace tern::runtime
