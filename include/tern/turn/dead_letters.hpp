#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/turn/pending_send.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tern {

/// A send that was given up and is kept, as it was when it was pending.
struct DeadLetter : PendingSend {
  std::string reason;  ///< why it was given up; docs/proactive-http.md lists the reasons
  WallTime died{};     ///< when it was given up
};

/// A page of dead letters.
struct DeadLetterPage {
  std::vector<DeadLetter> letters;  ///< the oldest death first
  std::string next;                 ///< pass as `after` for the page that follows; "" when this was the last
};

/// Chooses dead sends. An absent member accepts all.
struct DeadFilter {
  /// The beginning of the reason, such as `conversation_gone`; docs/proactive-http.md lists the reasons. "": any.
  std::string reason;
  std::optional<WallTime> since;         ///< given up then or later
  std::optional<WallTime> until;         ///< given up then or earlier
  std::optional<std::string> order_key;  ///< sends of one conversation
};

/// The sends that were given up. They are kept until they are sent again or discarded, or forgotten to make room for
/// later ones.
///
/// A step of a broadcast may be among them (`PendingSend::Kind::broadcast`): to send it again, or to resume its
/// broadcast, makes the broadcast go on.
///
/// Thread safety and errors: as `Proactive`.
class DeadLetters {
 public:
  virtual ~DeadLetters() = default;

  /// A page of those that `filter` chooses, the oldest death first. `limit` is 1 to 1,000.
  virtual awaitable<DeadLetterPage> list(DeadFilter filter = {}, std::string after = {}, std::size_t limit = 100) = 0;
  /// Sends it again, now. Returns the handle that is valid from now on; nullopt when it is not kept any more. If its
  /// conversation was marked as gone, the mark is removed.
  virtual awaitable<std::optional<SendHandle>> redrive(SendHandle handle) = 0;
  /// The same for all that `filter` chooses and that had died when this was called; returns how many. A filter by
  /// reason and time finds the sends that died of an outage. If this is interrupted, some of them are sent again: call
  /// it once more.
  virtual awaitable<std::size_t> redrive_all(DeadFilter filter) = 0;
  /// Forgets it; false when it is not kept any more.
  virtual awaitable<bool> discard(SendHandle handle) = 0;
};

}  // namespace tern
