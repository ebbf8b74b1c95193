#pragma once

#include "async/task_group.hpp"
#include "auth/wait_place.hpp"
#include "direct_line/history.hpp"
#include "direct_line/read_pace.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tern::direct_line {

/// A conversation that somebody uses in this process. It writes the activities of all who append at once in one write,
/// and wakes those who follow it.
///
/// Lifetime: the history, the clock and the group of tasks outlive it.
/// Thread safety: all functions from any thread, their coroutines on any shard.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(std::string id, History& history, TaskGroup& tasks, Clock& clock);

  const std::string& id() const noexcept { return id_; }

  /// A stored activity.
  struct Place {
    std::uint64_t seq = 0;
    std::string timestamp;  ///< "" when the activity was known
  };
  /// Appends an activity, and returns its place once it is stored: that of the stored activity when its key is known.
  /// nullopt when there is no such conversation, or when it has ended.
  /// Cancellation: the activity is stored all the same.
  /// Errors: those of the store; `errc::timed_out` at `by`. The activity may be stored then.
  awaitable<std::optional<Place>> append(NewActivity activity, Deadline by);

  /// Shows an activity to all who follow in this process, and to nobody who comes later: typing. The next one takes its
  /// place, and so does a stored activity. `after`: the number of the last activity that was stored before, if it is
  /// known: it is not shown behind a later one.
  void show(std::string text, std::optional<std::uint64_t> after = std::nullopt);
  /// The number of the last activity, read from the store only if nobody here knows it. nullopt when there is no such
  /// conversation.
  awaitable<std::optional<std::uint64_t>> last(Deadline by);

  /// The head. Where other processes write to the store, it is read each time. nullopt when there is no such
  /// conversation.
  awaitable<std::optional<Head>> head(Deadline by);

  /// Some activities, and where the next ones begin.
  struct Page {
    std::vector<StoredActivity> activities;
    std::uint64_t watermark = 0;  ///< the number of the last activity that the reader has, with these
    bool more = false;            ///< there are more already
    bool ended = false;           ///< the conversation has ended, and there are no more behind these
  };
  /// The activities after `watermark` that are kept. nullopt when there is no such conversation.
  awaitable<std::optional<Page>> read(std::uint64_t watermark, Deadline by);

  /// How often somebody else may have written, as hints have told.
  std::uint64_t heard() const;
  /// The head was read from the store, or nullopt when there is none any more: wakes those who follow when it is news.
  /// `heard_then`: what `heard()` was before the read. When more was heard since, the read may be too old and counts
  /// for nothing.
  void learn(std::optional<FoundHead> found, std::uint64_t heard_then);
  /// Somebody else may have written: those who follow read again.
  void forget_head();
  /// When the time of the conversation is over: those who follow read again, and end.
  void forget_if_over();
  /// As `forget_head`, for a hint of the store, which may be that of a write of this process.
  void heed_hint();

  /// Ends the conversation after what was appended before: nobody may write to it any more.
  /// Cancellation: the conversation ends all the same.
  /// Errors: those of the store; `errc::timed_out` at `by`.
  awaitable<void> end(Deadline by);

  /// How many follow.
  std::size_t followers() const;
  /// How many of them wait.
  std::size_t sleepers() const;

 private:
  friend class Follower;

  struct Job {
    Job(NewActivity a, std::shared_ptr<auth::WaitPlace> p) : activity(std::move(a)), place(std::move(p)) {}
    explicit Job(std::shared_ptr<auth::WaitPlace> p) : place(std::move(p)), is_end(true) {}
    NewActivity activity;
    std::shared_ptr<auth::WaitPlace> place;
    bool is_end = false;  // there is no activity: the conversation ends
    // Set before the place is woken.
    std::optional<Place> stored;
    std::exception_ptr error;
  };
  using Jobs = std::vector<std::shared_ptr<Job>>;
  // The place of a follower that waits, for as long as this lives.
  class Sleep {
   public:
    // The place is among the sleepers.
    Sleep(Conversation& all, std::shared_ptr<auth::WaitPlace> place) noexcept : all_(all), place_(std::move(place)) {}
    ~Sleep();
    Sleep(const Sleep&) = delete;
    Sleep& operator=(const Sleep&) = delete;

   private:
    Conversation& all_;
    std::shared_ptr<auth::WaitPlace> place_;
  };

  awaitable<void> do_job(std::shared_ptr<Job> job, Deadline by);
  awaitable<void> write_all();
  awaitable<void> write(const Jobs& jobs);
  awaitable<void> store(const Jobs& jobs, std::optional<FoundHead>& known, std::optional<History::Appended>& appended,
                        std::size_t& own_hints);
  Jobs take_jobs();
  void fail_jobs(const std::exception_ptr& error);
  bool heed_late_hints() noexcept;
  void note_stored(const std::vector<StoredActivity>& stored);
  void wake_followers();
  struct Extent {
    std::uint64_t first;
    std::uint64_t last;
  };
  awaitable<std::optional<Extent>> known_extent(Deadline by);
  awaitable<std::optional<Extent>> read_extent(Deadline by);
  awaitable<History::Page> read_at_pace(std::uint64_t first, std::uint64_t last, PacedReader reader);
  std::vector<StoredActivity> from_tail(std::uint64_t first) const;
  bool is_news(std::uint64_t watermark, std::uint64_t shown) const noexcept;
  void drop_tail() noexcept;
  bool drop_if_over() noexcept;

  const std::string id_;
  History& history_;
  TaskGroup& tasks_;
  Clock& clock_;
  const bool shared_;         // other processes may write
  mutable std::mutex mutex_;  // guards all below
  std::optional<FoundHead> head_;
  Jobs queue_;
  bool writing_ = false;
  std::size_t hints_while_writing_ = 0;
  std::uint64_t heard_ = 0;  // how often somebody else may have written
  // The newest activities, without a gap up to `head_->head.last`. Empty while all followers wait: they have them.
  std::vector<StoredActivity> tail_;
  std::size_t tail_bytes_ = 0;
  std::shared_ptr<const std::string> shown_;  // likewise
  std::uint64_t shown_number_ = 0;
  std::uint64_t shown_after_ = 0;  // it is over when there is a later activity
  std::size_t followers_ = 0;
  std::vector<std::shared_ptr<auth::WaitPlace>> sleepers_;
};

}  // namespace tern::direct_line
