#pragma once

#include "storage/idempotency_rule.hpp"
#include "storage/schedule_rules.hpp"
#include "storage/storable_text.hpp"

#include <tern/storage.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <vector>

/// Applies a write to a schedule: the order of its parts, and its receipt. The rules decide; the book of a store looks
/// records up and keeps them.
namespace tern::storage {

/// A store's records, for the time of one write or of a batch of writes. `Pending` and `Dead` are its records of a
/// pending and of a dead send; a reference to one is valid until the record is erased, revived or discarded.
template <class Book>
concept ScheduleBook =
    requires(Book& book, typename Book::Pending& pending, typename Book::Dead& dead, const SendHandle& handle,
             const SlotLease& lease, const SendState& state, const std::string& text, std::size_t place) {
      { book.find(handle) } -> std::same_as<typename Book::Pending*>;  // nullptr when it is not pending
      { book.state_of(pending) } -> std::convertible_to<SendState>;
      { book.is_held_by(lease) } -> std::convertible_to<bool>;
      // False when the send is being sent. Otherwise nobody begins to send it before the write is stored.
      { book.begin_edit(pending) } -> std::convertible_to<bool>;
      book.end_sending(pending);
      book.change(pending, state);
      book.erase(pending);
      book.bury(pending, std::string());  // the reason; it is erased afterwards
      book.for_each_awaiting(text, [](typename Book::Pending&) {});

      { book.find_dead(handle) } -> std::same_as<typename Book::Dead*>;  // nullptr when it is not kept
      { book.state_of(dead) } -> std::convertible_to<SendState>;
      book.revive(dead, state);
      book.discard(dead);

      // With the handle that is valid now; nullopt for a key that is not known, or forgotten.
      { book.known_by(text) } -> std::same_as<std::optional<KnownKey>>;
      book.take_key(place);  // of the send at this place of the write
      // Its place in the order of commit, or 0 when the store fills it in later.
      { book.add(place, state) } -> std::same_as<std::uint64_t>;
      book.keep(KeptKey());
      book.keep(DeadSend(), std::string());  // with the reason that is kept
      book.count(CountChanges());
    };

/// The sends of a write whose keys are known although they must be new. `known_by`: as that of a book.
template <class KnownBy>
std::vector<KnownSend> refused_sends(const std::vector<ScheduledSend>& sends, const KnownBy& known_by) {
  std::vector<KnownSend> refused;
  for (std::size_t i = 0; i < sends.size(); ++i) {
    const auto& key = tern::detail::key_to_take(sends[i]);
    const std::optional<KnownKey> known = key.empty() ? std::nullopt : known_by(key);
    if (known && tern::detail::is_refused(sends[i].key_is_new, sends[i].digest, known->digest)) {
      refused.push_back({i, *known});
    }
  }
  return refused;
}

/// Applies the schedule's part of a write: outcomes, then edits, then new sends, then data from another store.
template <ScheduleBook Book>
class ScheduleWrite {
 public:
  explicit ScheduleWrite(Book& book) : book_(book) {}

  /// Preconditions: `refused_sends` says of none that it is refused.
  void apply(const StoreChanges& changes, StoreReceipt& receipt) {
    for (std::size_t i = 0; i < changes.outcomes.size(); ++i) {
      if (!accept(changes.outcomes[i])) {
        receipt.refused.push_back(i);
      }
    }
    for (const auto& change : changes.edits) {
      auto valid_now = change.handle;
      receipt.edits.push_back(edit(change, valid_now) ? EditOutcome::done : EditOutcome::too_late);
      receipt.edit_handles.push_back(valid_now);
    }
    for (std::size_t i = 0; i < changes.sends.size(); ++i) {
      add(changes.sends[i], i, receipt);
    }
    for (const auto& kept : changes.keys) {
      book_.keep(kept);
    }
    for (const auto& dead : changes.dead) {
      book_.keep(dead, tern::detail::stored_reason(dead.reason));
      book_.count(ScheduleRules::keep_dead());
    }
  }

 private:
  using Pending = typename Book::Pending;

  // False when the outcome is stale.
  bool accept(const SendOutcome& outcome) {
    auto* const pending = book_.find(outcome.handle);
    if (pending == nullptr) {
      return ScheduleRules::outcome(nullptr, outcome, false).accepted;
    }
    const auto state = book_.state_of(*pending);
    const bool owned = ScheduleRules::needs_owner(outcome) && outcome.lease.slot == outcome.handle.slot &&
                       book_.is_held_by(outcome.lease);
    const auto ruling = ScheduleRules::outcome(&state, outcome, owned);
    carry_out(*pending, ruling, outcome.reason);
    return ruling.accepted;
  }

  // False when it is too late. `valid_now` becomes the handle that the send has afterwards.
  bool edit(const SendEdit& edit, SendHandle& valid_now) {
    using Kind = SendEdit::Kind;
    switch (edit.kind) {
      case Kind::reply:
        book_.for_each_awaiting(edit.conversation, [this](Pending& pending) {
          carry_out(pending, ScheduleRules::cancel(book_.state_of(pending), book_.begin_edit(pending)));
        });
        return true;
      case Kind::redrive:
        return edit_dead(edit, &valid_now);
      case Kind::discard:
        return edit_dead(edit, nullptr);
      case Kind::cancel:
      case Kind::reschedule:
        break;
    }
    auto* const pending = book_.find(edit.handle);
    if (pending == nullptr) {
      return ScheduleRules::edit(nullptr, edit, false).accepted;
    }
    const auto state = book_.state_of(*pending);
    const auto ruling = ScheduleRules::edit(&state, edit, book_.begin_edit(*pending));
    if (ruling.fate == Fate::changes) {
      valid_now.due = ruling.now.due;
    }
    carry_out(*pending, ruling);
    return ruling.accepted;
  }

  // `valid_now`: of one that is to be sent again; nullptr for one that is to be forgotten.
  bool edit_dead(const SendEdit& edit, SendHandle* valid_now) {
    auto* const dead = book_.find_dead(edit.handle);
    if (dead == nullptr) {
      return ScheduleRules::discard(false).accepted;
    }
    const auto state = book_.state_of(*dead);
    const auto ruling =
        valid_now != nullptr ? ScheduleRules::redrive(&state, edit.new_due) : ScheduleRules::discard(true);
    if (ruling.fate == Fate::changes) {
      valid_now->due = ruling.now.due;
      book_.revive(*dead, ruling.now);
    } else {
      book_.discard(*dead);
    }
    book_.count(ruling.counts);
    return ruling.accepted;
  }

  // Its key is asked for again here, since an earlier send of the same write may have taken it.
  void add(const ScheduledSend& send, std::size_t place, StoreReceipt& receipt) {
    const auto& key = tern::detail::key_to_take(send);
    if (!key.empty()) {
      if (const auto known = book_.known_by(key)) {
        receipt.handles.push_back(known->handle);
        receipt.seqs.push_back(0);
        return;
      }
      book_.take_key(place);
    }
    const auto ruling = ScheduleRules::add(send);
    receipt.handles.push_back(send.handle);
    receipt.seqs.push_back(book_.add(place, ruling.now));
    book_.count(ruling.counts);
  }

  void carry_out(Pending& pending, const Ruling& ruling, const std::string& reason = {}) {
    if (ruling.ends_sending) {
      book_.end_sending(pending);
    }
    switch (ruling.fate) {
      case Fate::stays:
        break;
      case Fate::changes:
        book_.change(pending, ruling.now);
        break;
      case Fate::dies:
        book_.bury(pending, tern::detail::stored_reason(reason));
        book_.erase(pending);
        break;
      case Fate::ends:
        book_.erase(pending);
        break;
    }
    book_.count(ruling.counts);
  }

  Book& book_;
};

}  // namespace tern::storage
