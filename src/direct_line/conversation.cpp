#include "direct_line/conversation.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::size_t jobs_at_once = 64;
constexpr std::ptrdiff_t longest_tail = 32;
constexpr std::size_t max_tail_bytes = std::size_t{8} * 1024;
constexpr std::chrono::seconds write_timeout{10};
constexpr std::chrono::seconds read_timeout{5};

}  // namespace

Conversation::Conversation(std::string id, History& history, TaskGroup& tasks, Clock& clock)
    : id_(std::move(id)), history_(history), tasks_(tasks), clock_(clock), shared_(history.storage().traits().shared) {}

awaitable<std::optional<Conversation::Place>> Conversation::append(NewActivity activity, Deadline by) {
  const auto ex = co_await this_coro::executor;
  auto job = std::make_shared<Job>(std::move(activity), std::make_shared<auth::WaitPlace>(clock_, ex));
  co_await do_job(job, by);
  co_return std::move(job->stored);
}

awaitable<void> Conversation::end(Deadline by) {
  const auto ex = co_await this_coro::executor;
  auto job = std::make_shared<Job>(std::make_shared<auth::WaitPlace>(clock_, ex));
  co_await do_job(std::move(job), by);
}

awaitable<void> Conversation::do_job(std::shared_ptr<Job> job, Deadline by) {
  const auto ex = co_await this_coro::executor;
  bool begins = false;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(job);
    begins = !std::exchange(writing_, true);
  }
  if (begins) {
    try {
      tasks_.spawn(ex, "write to a conversation of Direct Line",
                   [self = shared_from_this()] { return self->write_all(); });
    } catch (...) {
      fail_jobs(std::current_exception());
    }
  }
  const bool told = co_await job->place->wait(by);
  if (!told) {
    throw_error(errc::timed_out, "The conversation of Direct Line was not stored in time.");
  }
  if (job->error) {
    std::rethrow_exception(job->error);
  }
}

// Up to the next end, so that what comes later finds it.
Conversation::Jobs Conversation::take_jobs() {
  Jobs jobs;
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    const auto most = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), jobs_at_once));
    auto end = std::find_if(queue_.begin(), most, [](const auto& job) { return job->is_end; });
    end = end == most ? end : std::next(end);
    jobs.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    writing_ = !jobs.empty();
    wakes = !writing_ && heed_late_hints();
  }
  if (wakes) {
    wake_followers();
  }
  return jobs;
}

// Under the mutex, when nothing is being written any more: a hint that came after the last write is of somebody else,
// or of that write. True when there was one.
bool Conversation::heed_late_hints() noexcept {
  if (std::exchange(hints_while_writing_, 0) == 0) {
    return false;
  }
  head_.reset();
  drop_tail();
  return true;
}

void Conversation::fail_jobs(const std::exception_ptr& error) {
  Jobs jobs;
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    jobs = std::exchange(queue_, {});
    writing_ = false;
    wakes = heed_late_hints();
  }
  if (wakes) {
    wake_followers();
  }
  for (const auto& job : jobs) {
    job->error = error;
    job->place->wake();
  }
}

awaitable<void> Conversation::write_all() {
  for (auto jobs = take_jobs(); !jobs.empty(); jobs = take_jobs()) {
    std::exception_ptr error;
    try {
      co_await write(jobs);
    } catch (...) {
      error = std::current_exception();
    }
    for (const auto& job : jobs) {
      job->error = job->stored ? nullptr : error;  // the activities may be stored, and only the end has failed
      job->place->wake();
    }
  }
}

// Stores the activities of the jobs, and then the end. Lifetime: all parameters outlive it.
awaitable<void> Conversation::store(const Jobs& jobs, std::optional<FoundHead>& known,
                                    std::optional<History::Appended>& appended, std::size_t& own_hints) {
  std::vector<NewActivity> activities;
  activities.reserve(jobs.size());
  for (const auto& job : jobs) {
    if (!job->is_end) {
      activities.push_back(std::move(job->activity));
    }
  }
  if (!activities.empty()) {
    appended = co_await history_.append(id_, known, std::move(activities), Deadline::after(write_timeout, clock_));
    own_hints += appended && !appended->stored.empty() ? 1 : 0;
  }
  if (jobs.back()->is_end) {
    known.reset();  // those who follow read the end
    (void)co_await history_.end(id_, Deadline::after(write_timeout, clock_));
    ++own_hints;
  }
}

// Long: what is known is set right in every outcome.
awaitable<void> Conversation::write(const Jobs& jobs) {
  std::optional<FoundHead> known;
  {
    const std::lock_guard lock(mutex_);
    drop_if_over();
    known = head_;
  }
  std::optional<History::Appended> appended;
  std::size_t own_hints = 0;
  std::exception_ptr error;
  try {
    co_await store(jobs, known, appended, own_hints);
  } catch (...) {
    error = std::current_exception();  // what the store has now, nobody knows
    known.reset();
  }
  {
    const std::lock_guard lock(mutex_);
    head_ = std::move(known);
    if (appended) {
      note_stored(appended->stored);
    } else {
      drop_tail();
    }
    // One hint is that of each write. With more, somebody else may have written after it.
    if (std::exchange(hints_while_writing_, 0) > own_hints) {
      head_.reset();
      drop_tail();
    }
  }
  wake_followers();
  for (std::size_t i = 0; appended && i < appended->seqs.size(); ++i) {
    if (appended->seqs[i] != 0) {
      jobs[i]->stored = Place{appended->seqs[i], std::move(appended->times[i])};
    }
  }
  if (error) {
    std::rethrow_exception(error);
  }
}

// Under the mutex.
void Conversation::drop_tail() noexcept {
  std::vector<StoredActivity>().swap(tail_);
  tail_bytes_ = 0;
}

// Under the mutex. A conversation whose time is over is not known any more. True when this one was.
bool Conversation::drop_if_over() noexcept {
  if (!head_ || !history_.is_over(head_->head)) {
    return false;
  }
  head_.reset();
  drop_tail();
  return true;
}

// Under the mutex.
void Conversation::note_stored(const std::vector<StoredActivity>& stored) {
  if (stored.empty()) {
    return;
  }
  shown_.reset();  // what was shown is over
  if (followers_ == 0 || (!tail_.empty() && tail_.back().seq + 1 != stored.front().seq)) {
    drop_tail();
  }
  if (followers_ == 0) {
    return;
  }
  for (const auto& activity : stored) {
    tail_.push_back(activity);
    tail_bytes_ += activity.text->size();
  }
  auto first = tail_.begin();
  while (tail_.end() - first > longest_tail || (tail_.end() - first > 1 && tail_bytes_ > max_tail_bytes)) {
    tail_bytes_ -= first->text->size();
    ++first;
  }
  tail_.erase(tail_.begin(), first);
}

void Conversation::show(std::string text, std::optional<std::uint64_t> after) {
  std::vector<std::shared_ptr<auth::WaitPlace>> sleepers;
  {
    const std::lock_guard lock(mutex_);
    if (followers_ == 0) {
      return;
    }
    shown_ = std::make_shared<const std::string>(std::move(text));
    shown_after_ = after.value_or(std::numeric_limits<std::uint64_t>::max());
    ++shown_number_;
    sleepers = std::exchange(sleepers_, {});  // with what is shown, or the last one to sleep would drop it
  }
  for (const auto& sleeper : sleepers) {
    sleeper->wake();
  }
}

awaitable<std::optional<std::uint64_t>> Conversation::last(Deadline by) {
  const auto extent = co_await known_extent(by);
  co_return extent ? std::optional(extent->last) : std::nullopt;
}

void Conversation::wake_followers() {
  std::vector<std::shared_ptr<auth::WaitPlace>> sleepers;
  {
    const std::lock_guard lock(mutex_);
    sleepers = std::exchange(sleepers_, {});
  }
  for (const auto& sleeper : sleepers) {
    sleeper->wake();
  }
}

std::uint64_t Conversation::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

void Conversation::learn(std::optional<FoundHead> found, std::uint64_t heard_then) {
  {
    const std::lock_guard lock(mutex_);
    if (heard_then != heard_) {
      return;  // whoever has heard it has woken the others, or wakes them after the write under way
    }
    drop_if_over();
    if (head_ && found) {
      const bool is_known = head_->etag == found->etag;
      // Read before the last write of this process, and heard of after it.
      const bool is_stale = found->head.last < head_->head.last || (head_->head.ended && !found->head.ended);
      if (is_known || is_stale) {
        return;
      }
    }
    if (!tail_.empty() && (!found || tail_.back().seq != found->head.last)) {
      drop_tail();
    }
    head_ = std::move(found);
  }
  wake_followers();
}

void Conversation::forget_head() {
  {
    const std::lock_guard lock(mutex_);
    ++heard_;
    head_.reset();
  }
  wake_followers();
}

void Conversation::forget_if_over() {
  bool was_over = false;
  {
    const std::lock_guard lock(mutex_);
    was_over = drop_if_over();
  }
  if (was_over) {
    wake_followers();
  }
}

void Conversation::heed_hint() {
  {
    const std::lock_guard lock(mutex_);
    if (writing_) {
      ++heard_;
      ++hints_while_writing_;
      return;
    }
  }
  forget_head();
}

std::size_t Conversation::followers() const {
  const std::lock_guard lock(mutex_);
  return followers_;
}

std::size_t Conversation::sleepers() const {
  const std::lock_guard lock(mutex_);
  return sleepers_.size();
}

Conversation::Sleep::~Sleep() {
  const std::lock_guard lock(all_.mutex_);
  std::erase(all_.sleepers_, place_);
}

// Without a read of the store, if it is known.
awaitable<std::optional<Conversation::Extent>> Conversation::known_extent(Deadline by) {
  {
    const std::lock_guard lock(mutex_);
    drop_if_over();
    if (head_) {
      co_return Extent{head_->head.first, head_->head.last};
    }
  }
  const auto extent = co_await read_extent(by);
  co_return extent;
}

awaitable<std::optional<Conversation::Extent>> Conversation::read_extent(Deadline by) {
  const auto heard_before = heard();
  auto found = co_await history_.find(id_, by);
  std::optional<Extent> extent;
  if (found) {
    extent = Extent{found->head.first, found->head.last};
  }
  learn(std::move(found), heard_before);
  co_return extent;
}

awaitable<std::optional<Head>> Conversation::head(Deadline by) {
  std::uint64_t heard_before = 0;
  {
    const std::lock_guard lock(mutex_);
    drop_if_over();
    if (head_ && !shared_) {
      co_return head_->head;
    }
    heard_before = heard_;
  }
  auto found = co_await history_.find(id_, by);
  std::optional<Head> head;
  if (found) {
    head = found->head;
  }
  learn(std::move(found), heard_before);
  co_return head;
}

std::vector<StoredActivity> Conversation::from_tail(std::uint64_t first) const {
  const std::lock_guard lock(mutex_);
  if (tail_.empty() || tail_.front().seq > first) {
    return {};
  }
  const auto skipped = std::min<std::uint64_t>(first - tail_.front().seq, tail_.size());
  return {tail_.begin() + static_cast<std::ptrdiff_t>(skipped), tail_.end()};
}

awaitable<std::optional<Conversation::Page>> Conversation::read(std::uint64_t watermark, Deadline by) {
  const auto head = co_await this->head(by);
  if (!head) {
    co_return std::nullopt;
  }
  Page page;
  page.watermark = std::min(watermark, head->last);
  const auto first = std::max(page.watermark + 1, head->first);
  if (first > head->last) {
    page.ended = head->ended;
    co_return page;
  }
  auto found = co_await history_.read(id_, first, head->last, by);
  page.activities = std::move(found.activities);
  page.watermark = found.last;
  page.more = page.watermark < head->last;
  page.ended = head->ended && !page.more;
  co_return page;
}

// A page from the store, once the reader may have it.
awaitable<History::Page> Conversation::read_at_pace(std::uint64_t first, std::uint64_t last, PacedReader reader) {
  std::shared_ptr<void> place;
  if (reader.pace != nullptr) {
    place = co_await reader.pace->begin(id_, reader.client, Deadline::never());
  }
  auto page = co_await history_.read(id_, first, last, Deadline::after(read_timeout, clock_));
  if (reader.pace != nullptr) {
    reader.pace->charge(id_, reader.client, ReadPace::cost_of(page.activities));
  }
  co_return page;
}

// Under the mutex.
bool Conversation::is_news(std::uint64_t watermark, std::uint64_t shown) const noexcept {
  return !head_ || head_->head.last > watermark || head_->head.ended || (shown_ && shown_number_ > shown);
}

}  // namespace tern::direct_line
