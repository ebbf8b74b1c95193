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

/// Does one scheduled send: posts the activity, or runs the continuation to its end. Throws when it failed.
class SendExecutor {
 public:
  virtual ~SendExecutor() = default;
  virtual awaitable<void> execute(ScheduledSend send) = 0;
  /// The same, for one that asks `may_begin` once more when it has waited before it does what cannot be undone. When
  /// that says no it throws, as for what has not begun. Both may throw before they are awaited.
  /// Lifetime: what `may_begin` refers to is there until this ends.
  virtual awaitable<void> execute_if(ScheduledSend send, std::function<bool()> may_begin) {
    (void)may_begin;
    return execute(std::move(send));
  }
  /// Brings sends that are due up to what is known by now of where they go.
  /// Lifetime: they outlive it.
  virtual awaitable<void> bring_up_to_date(std::vector<FetchedSend*> sends) {
    (void)sends;
    co_return;
  }
  /// When a recurring send is due again after `now`; nullopt for one that is not.
  virtual std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const = 0;
  /// A document to be written with the outcome; nullopt for none.
  virtual std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const = 0;
  /// The channel knows the conversation of `send` no more, or bars the bot from it.
  virtual void on_conversation_gone(const ScheduledSend& send) = 0;
  /// `now`, or when the quiet hours of the send end that it lies in.
  virtual WallTime not_before(const ScheduledSend& send, WallTime now) const = 0;
};

/// The answers of a `SendExecutor` that a scheduler must have. Where the executor throws, the log says so, and the
/// answer is the one that loses least.
class SendQuestions {
 public:
  /// Lifetime: `sends` outlives it.
  explicit SendQuestions(SendExecutor& sends) : sends_(sends) {}

  /// As `SendExecutor::next_occurrence`; without an answer the send comes no more. An exception here must not keep the
  /// outcome from being recorded: unrecorded, the send would go out at every start again.
  std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const noexcept;
  /// As `SendExecutor::note_of`; without an answer there is no note.
  std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const noexcept;
  /// As `SendExecutor::not_before`; without an answer the send goes now: late is better than never.
  WallTime not_before(const ScheduledSend& send, WallTime now) const noexcept;

 private:
  SendExecutor& sends_;
};

}  // namespace tern::proactive
