#pragma once

#include <tern/storage.hpp>

#include "note_queue.hpp"
#include "session.hpp"

#include <atomic>
#include <string>
#include <vector>

namespace tern::detail::pg {

/// Tells the other processes that use the same schema what was written, and notes, by NOTIFY. A notification is
/// `ORIGIN TOPIC`, and a note has a line more with its text; the origin is a text that no other store has, by which a
/// store knows its own.
///
/// Thread safety: any thread.
class HintStatement {
 public:
  explicit HintStatement(const std::string& schema);

  /// The channel of notifications. It belongs to the whole database, and has a name for each schema.
  const std::string& channel() const noexcept { return channel_; }
  const std::string& channel_of_notes() const noexcept { return channel_of_notes_; }
  const std::string& origin() const noexcept { return origin_; }

  /// Whether the server takes notifications; engines that merely resemble PostgreSQL may not. It is asked once, outside
  /// of a transaction. Errors: `Failure` when the connection is lost.
  bool works(Session& session, SteadyTime cut_at);
  /// Notifies when the transaction is committed. Equal topics of a transaction are told of once.
  void notify(Session& session, const std::vector<std::string>& topics, SteadyTime cut_at) const;
  void tell(Session& session, const NoteQueue::Notes& notes, SteadyTime cut_at) const;

 private:
  enum class Support { unknown, there, missing };

  const std::string channel_;
  const std::string channel_of_notes_;
  const std::string origin_;
  const Statement statement_;           ///< ($1 text[])
  const Statement statement_of_notes_;  ///< the same
  std::atomic<Support> support_ = Support::unknown;
};

}  // namespace tern::detail::pg
