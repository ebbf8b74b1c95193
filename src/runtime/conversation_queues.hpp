#pragma once

#include "runtime/conversation_key.hpp"

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>

namespace tern::runtime {

using QueueHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct QueueTag>,
                                                   boost::intrusive::link_mode<boost::intrusive::safe_link>>;

/// The base of objects that can wait in a queue.
class Queued : public QueueHook {
 public:
  const ConversationKey& conversation() const noexcept { return conversation_; }
  bool waiting() const noexcept { return QueueHook::is_linked(); }

 protected:
  /// Lifetime: the texts of `conversation` outlive this.
  explicit Queued(const ConversationKey& conversation) : conversation_(conversation) {}
  ~Queued() = default;

 private:
  ConversationKey conversation_;
};

/// The queue of each conversation: one turn runs, and the others wait in the order of their arrival. An entry exists
/// only while a turn runs, so conversations at rest cost nothing. The key of the entry is the one of the running turn.
///
/// Thread safety: none; each shard has its own.
class ConversationQueues {
 public:
  enum class Admission { start, wait, full };

  /// `max_waiting`: the most turns that wait in one conversation, besides the running one.
  explicit ConversationQueues(std::size_t max_waiting) : max_waiting_(max_waiting) {}
  ~ConversationQueues();

  /// `start`: no turn ran in the conversation, and `turn` runs now. `wait`: `turn` waits. `full`: it was not taken.
  Admission enter(Queued& turn);
  /// The running turn has ended. Returns the next turn, which counts as running now; nullptr when none waits.
  /// Preconditions: the turn that has ended still exists.
  Queued* next(const ConversationKey& conversation);
  /// Takes a waiting turn out of its queue.
  void abandon(Queued& turn);

  /// Forgets all turns, and destroys none.
  void clear();

  std::size_t conversations() const noexcept { return running_.size(); }

 private:
  struct Waiting {
    boost::intrusive::list<Queued, boost::intrusive::base_hook<QueueHook>, boost::intrusive::constant_time_size<true>>
        turns;
  };
  struct Entry {
    std::uint64_t hash;
    mutable const Queued* running;       // its conversation is the key of the entry
    mutable Waiting* waiting = nullptr;  // made when a turn has to wait, which happens in few conversations
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
