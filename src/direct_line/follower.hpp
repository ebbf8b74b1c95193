#pragma once

#include "direct_line/conversation.hpp"
#include "direct_line/read_pace.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/deadline.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace tern::direct_line {

/// Follows a conversation from a watermark on, for one socket.
///
/// Thread safety: none; used on one shard.
class Follower {
 public:
  /// `reader`: what it reads from the store waits for its pace.
  Follower(std::shared_ptr<Conversation> conversation, std::uint64_t watermark, PacedReader reader = {});
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// What has come.
  struct News {
    std::vector<StoredActivity> activities;  ///< those that are only shown have the number 0
    std::uint64_t watermark = 0;
    bool more = false;   ///< there is more already
    bool ended = false;  ///< the conversation has ended, or is not kept any more, and nothing more comes
  };
  /// Waits for news, at most until `by`; without activities then.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  /// Errors: those of the store.
  awaitable<News> next(Deadline by);

 private:
  bool take(News& news);

  std::shared_ptr<Conversation> conversation_;
  std::uint64_t watermark_;
  std::uint64_t shown_;
  PacedReader reader_;
  bool checked_ = false;  // the watermark is one of this conversation
};

}  // namespace tern::direct_line
