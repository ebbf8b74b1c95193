#include "direct_line/follower.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::chrono::seconds follow_timeout{5};  // of a read of the store

}  // namespace

Follower::Follower(std::shared_ptr<Conversation> conversation, std::uint64_t watermark, PacedReader reader)
    : conversation_(std::move(conversation)), watermark_(watermark), reader_(std::move(reader)) {
  const std::lock_guard lock(conversation_->mutex_);
  if (conversation_->followers_++ == 0 && conversation_->shared_) {
    ++conversation_->heard_;
    conversation_->head_.reset();  // nobody has looked for news while nobody followed
  }
  shown_ = conversation_->shown_number_;
}

Follower::~Follower() {
  const std::lock_guard lock(conversation_->mutex_);
  if (--conversation_->followers_ == 0) {
    conversation_->drop_tail();
    conversation_->shown_.reset();
  }
}

// Takes what needs no read of the store. True when there is news to tell.
bool Follower::take(News& news) {
  Conversation& all = *conversation_;
  const std::lock_guard lock(all.mutex_);
  news.watermark = watermark_;
  news.more = !all.head_ || all.head_->head.last > watermark_;
  news.ended = !news.more && all.head_->head.ended;
  // Behind what was stored before it, or nobody would know whether it is over.
  if (!news.more) {
    if (all.shown_ && all.shown_number_ > shown_ && all.shown_after_ >= all.head_->head.last) {
      news.activities.push_back({0, all.shown_});
    }
    shown_ = all.shown_number_;
  }
  return !news.activities.empty() || news.ended;
}

// Long: one coroutine frame for each socket.
awaitable<Follower::News> Follower::next(Deadline by) {
  Conversation& all = *conversation_;
  const auto ex = co_await this_coro::executor;
  News news;
  while (true) {
    const auto read_by = Deadline::after(follow_timeout, all.clock_);
    auto extent = co_await all.known_extent(read_by);
    if (extent && watermark_ > extent->last) {
      // Another process may have given the watermark a moment ago, and nobody has heard of that here yet.
      extent = co_await all.read_extent(read_by);
    }
    // A conversation with fewer activities than this socket has seen is a new one of the same id.
    if (!extent || (checked_ && watermark_ > extent->last)) {
      news.ended = true;
      co_return news;
    }
    if (!std::exchange(checked_, true)) {
      watermark_ = std::min(watermark_, extent->last);
    }
    const auto first = std::max(watermark_ + 1, extent->first);
    if (first <= extent->last) {
      auto activities = all.from_tail(first);
      if (activities.empty()) {
        auto page = co_await all.read_at_pace(first, extent->last, reader_);
        activities = std::move(page.activities);
        watermark_ = page.last;
      } else {
        watermark_ = activities.back().seq;
      }
      std::move(activities.begin(), activities.end(), std::back_inserter(news.activities));
    }
    if (take(news) || by.expired(all.clock_)) {
      co_return news;
    }
    auto place = std::make_shared<auth::WaitPlace>(all.clock_, ex);
    {
      const std::lock_guard lock(all.mutex_);
      if (all.is_news(watermark_, shown_)) {
        continue;
      }
      all.sleepers_.push_back(place);
      if (all.sleepers_.size() == all.followers_) {
        all.drop_tail();  // a socket that sleeps for hours holds no text
        all.shown_.reset();
      }
    }
    const Conversation::Sleep sleep(all, place);
    const bool woken = co_await place->wait(by);
    if (!woken) {
      co_return news;
    }
  }
}

}  // namespace tern::direct_line
