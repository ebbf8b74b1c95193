#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/schema/activity.hpp>
#include <tern/turn/broadcast.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace tern {

/// Messages to very many conversations, at a rate. A broadcast has an id, under which all functions find it.
///
/// Thread safety and errors: as `Proactive`.
class Broadcasts {
 public:
  virtual ~Broadcasts() = default;

  /// Begins to send `activity` to all of `recipients`, at a rate. Returns the id of the broadcast. The broadcast is
  /// durable when this returns: it goes on after a restart, or on another replica. A conversation gets one send,
  /// however many users have written in it, and however often a list names it. If this is interrupted, the part of the
  /// list that was stored is removed an hour later.
  /// Errors: `errc::invalid_argument`; `errc::conflict` when it took longer than that hour to store the list.
  virtual awaitable<std::string> start(Recipients recipients, Activity activity, BroadcastOptions options = {}) = 0;
  /// The progress; nullopt when there is no broadcast with this id. Reads the outcomes of all recipients so far.
  virtual awaitable<std::optional<BroadcastProgress>> progress(std::string id) = 0;
  /// A page of the known outcomes, one for each conversation. `limit` is 1 to 1,000; a page may have fewer outcomes.
  virtual awaitable<RecipientOutcomes> outcomes(std::string id, std::string after = {}, std::size_t limit = 100) = 0;
  ///@{
  /// Pauses, resumes or cancels it. A paused or cancelled broadcast takes no more recipients; sends to recipients that
  /// were taken, those of two seconds, still go. False when there is no broadcast with this id, or it is done or
  /// cancelled. To resume a running broadcast is allowed: it makes sure that the broadcast goes on.
  virtual awaitable<bool> pause(std::string id) = 0;
  virtual awaitable<bool> resume(std::string id) = 0;
  virtual awaitable<bool> cancel(std::string id) = 0;
  ///@}
  /// Removes a broadcast that is done or cancelled, with its progress and outcomes; its id is free then. Tern keeps a
  /// broadcast until this is called. False when there is no broadcast with this id, when it is running or paused, or
  /// when one of its sends is pending. This takes a while for many recipients; if it is interrupted, call it again.
  virtual awaitable<bool> forget(std::string id) = 0;
};

}  // namespace tern
