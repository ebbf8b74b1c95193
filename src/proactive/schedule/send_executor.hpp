#pragma once

#include "proactive/references/fetched_send.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/types.hpp>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace tern::proactive {

/// Carries out one scheduled send: posts the activity, or runs the continuation to its end. Throws when it fails.
class SendExecutor {
 public:
  virtual ~SendExecutor() = default;
  virtual awaitable<void> execute(ScheduledSend send) = 0;
  /// The same, and asks `may_begin` after each wait, before it does anything that cannot be undone. When the answer is
  /// false, it throws as for a send that has not begun. Both functions may throw before they are awaited.
  /// Lifetime: objects that `may_begin` refers to outlive this call.
  virtual awaitable<void> execute_if(ScheduledSend send, std::function<bool()> may_begin) {
    (void)may_begin;
    return execute(std::move(send));
  }
  /// Brings the addresses of due sends up to date.
  /// Lifetime: they outlive it.
  virtual awaitable<void> bring_up_to_date(std::vector<FetchedSend*> sends) {
    (void)sends;
    co_return;
  }
  /// When a recurring send is due again after `now`; nullopt for any other send.
  virtual std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const = 0;
  /// A document to be written with the outcome; nullopt for none.
  virtual std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const = 0;
  /// The channel does not know the conversation of `send` any more, or bars the bot from it.
  virtual void on_conversation_gone(const ScheduledSend& send) = 0;
  /// `now`, or, if that lies in the quiet hours of the send, their end.
  virtual WallTime not_before(const ScheduledSend& send, WallTime now) const = 0;
};

/// The answers of a `SendExecutor` that a scheduler needs in any case. When the executor throws, the log says so, and
/// the answer is the one that loses least.
class SendQuestions {
 public:
  /// Lifetime: `sends` outlives it.
  explicit SendQuestions(SendExecutor& sends) : sends_(sends) {}

  /// As `SendExecutor::next_occurrence`; without an answer the send does not come again. An exception here must not
  /// prevent the outcome from being recorded: without it the send would go out at every start again.
  std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const noexcept;
  /// As `SendExecutor::note_of`; without an answer there is no note.
  std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const noexcept;
  /// As `SendExecutor::not_before`; without an answer the send goes now: late is better than never.
  WallTime not_before(const ScheduledSend& send, WallTime now) const noexcept;

 private:
  SendExecutor& sends_;
};

}  // namespace tern::proactive
