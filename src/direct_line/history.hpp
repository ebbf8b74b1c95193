#pragma once

#include "direct_line/append_plan.hpp"
#include "direct_line/history_room.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>
#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tern::direct_line {

/// A head as it is stored.
struct FoundHead {
  Head head;
  std::string etag;
};

/// The conversations in the store. A head and the activities that it counts are written together, on the condition that
/// nobody else has written the head meanwhile.
///
/// Lifetime: the clock outlives it.
/// Thread safety: as `AnyStorage`.
class History {
 public:
  /// `all`: the bytes of all conversations from which on `room` has none; whoever writes is not refused here.
  History(AnyStorage storage, HistoryBounds bounds, Clock& clock,
          std::size_t all = std::numeric_limits<std::size_t>::max())
      : storage_(std::move(storage)), bounds_(bounds), clock_(clock), room_(all) {}

  /// Stores a conversation without activities. False when there is one of this id.
  awaitable<bool> begin(std::string conversation, Head head, Deadline by);

  /// The head; nullopt when there is no such conversation, or when its last change is longer ago than activities are
  /// kept.
  awaitable<std::optional<FoundHead>> find(std::string conversation, Deadline by);
  /// The heads of several conversations, in their order.
  awaitable<std::vector<std::optional<FoundHead>>> find_all(std::vector<std::string> conversations, Deadline by);

  /// What became of an append.
  struct Appended {
    std::vector<StoredActivity> stored;  ///< the activities that are new
    std::vector<std::uint64_t>
        seqs;  ///< of all that were given; 0 of one that is not stored, because the conversation has ended
    std::vector<std::string> times;  ///< their timestamps; "" for those that were not stored now
  };
  /// Adds activities. `known`: the head as the caller knows it, or nullopt; it is the stored head afterwards. nullopt
  /// when there is no such conversation. Errors: those of the store, and `errc::conflict` when others write all the
  /// time; `known` is absent then.
  /// Lifetime: `known` outlives the call.
  awaitable<std::optional<Appended>> append(std::string conversation, std::optional<FoundHead>& known,
                                            std::vector<NewActivity> activities, Deadline by);

  /// Marks the conversation as ended. False when there is no such conversation.
  awaitable<bool> end(std::string conversation, Deadline by);

  /// Some activities.
  struct Page {
    std::vector<StoredActivity> activities;
    std::uint64_t last = 0;  ///< the number of the last that was looked for; the next page begins behind it
  };
  /// The activities from `first` to `last` that are kept, in order: at most `max_page` of them, and no more after
  /// `page_bytes`. Preconditions: `first` is at most `last`.
  awaitable<Page> read(std::string conversation, std::uint64_t first, std::uint64_t last, Deadline by);
  static constexpr std::uint64_t max_page = 100;
  static constexpr std::size_t page_bytes = std::size_t{256} * 1024;

  /// Removes up to a page of conversations whose time is over, among those after `after`, and counts the others.
  /// Returns where the next page begins; "" at the end.
  awaitable<std::string> sweep(std::string after, Deadline by);

  /// Whether the time of a conversation is over: its last change is longer ago than activities are kept.
  bool is_over(const Head& head) const noexcept;

  AnyStorage& storage() noexcept { return storage_; }
  const HistoryBounds& bounds() const noexcept { return bounds_; }
  /// What all conversations have, as this process has written and the last sweep has found.
  const HistoryRoom& room() const noexcept { return room_; }

 private:
  awaitable<void> remove(std::string conversation, FoundHead found, Deadline by);

  AnyStorage storage_;
  HistoryBounds bounds_;
  Clock& clock_;
  HistoryRoom room_;
};

}  // namespace tern::direct_line
