#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>

namespace tern::runtime {

using QueueHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct QueueTag>,
                                                   boost::intrusive::link_mode<boost::intrusive::safe_link>>;

/// What waits in a queue. Derive from it.
class Queued : public QueueHook {
 public:
  /// The conversation, by the hash of its key.
  std::uint64_t conversation() const noexcept { return conversation_; }
  bool waiting() const noexcept { return QueueHook::is_linked(); }

 protected:
  explicit Queued(std::uint64_t conversation) : conversation_(conversation) {}
  ~Queued() = default;

 private:
  std::uint64_t conversation_;
};

/// The FIFO of each conversation: one turn runs, the others wait in order of arrival. An entry exists only while a
/// turn runs, so conversations at rest cost nothing.
///
/// Two conversations whose 64-bit hashes are equal share a FIFO, which costs time and breaks nothing.
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
  Queued* leave(std::uint64_t conversation);
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
  // Most conversations have nobody waiting: the list is made when somebody does.
  boost::unordered_flat_map<std::uint64_t, Waiting*> running_;
  std::size_t max_waiting_;
};

}  // namespace tern::runtime
