// The functions of ShardRuntime for turns that stream their replies.

#include "runtime/shard_runtime.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace tern::runtime {

namespace {

TurnReply kept_no_longer() noexcept {
  return {TurnOutcome::forgotten,
          "This activity is or was answered on another connection, and its replies are too long to be streamed again "
          "(limits.stream_replay)."};
}

}  // namespace

// A client of a streaming turn gets all replies, also those from before it came.
void ShardRuntime::observe(Turn& turn, TurnRequest& request) {
  if (turn.stream() != nullptr && request.observer) {
    auto replies = turn.stream()->read();
    if (!replies) {
      tell(std::move(request.observer), request.origin, kept_no_longer());
      return;
    }
    tell_stream(*request.observer, request.origin, std::move(replies));
  }
  turn.add_observer(std::move(request.observer), request.origin);
}

/// The answer that is remembered for a turn that has streamed its replies.
TurnReply ShardRuntime::repeated_stream(const StreamedReplies& stream) {
  auto whole = stream.whole();
  return whole ? TurnReply(std::move(*whole)) : kept_no_longer();
}

void ShardRuntime::repeat(TurnRequest& request, Delivery delivery, const TurnReply& reply) {
  const bool streams = delivery == Delivery::stream && reply.outcome == TurnOutcome::done;
  if (!streams || !request.observer) {
    tell(std::move(request.observer), request.origin, reply);
    return;
  }
  tell_stream(*request.observer, request.origin, StreamedReplies::ended(reply.body)->read());
  tell(std::move(request.observer), request.origin, TurnReply());
}

// A repetition of a turn that has ended while its background work goes on.
void ShardRuntime::repeat_open(TurnRequest& request, StreamedReplies& stream) {
  auto replies = request.observer ? stream.read() : nullptr;
  if (!replies) {
    tell(std::move(request.observer), request.origin, kept_no_longer());
    return;
  }
  tell_stream(*request.observer, request.origin, std::move(replies));
  tell(std::move(request.observer), request.origin, TurnReply());
}

// The stream is remembered when the background work has ended, since the work may still add replies.
void ShardRuntime::end_later(const ActivityKey& key, const std::shared_ptr<StreamedReplies>& stream) {
  auto text = key.text();
  open_streams_.insert_or_assign(text, stream);
  stream->on_end([this, text = std::move(text), hash = key.hash, conversation = key.conversation.hash] {
    if (const auto open = open_streams_.find(text); open != open_streams_.end()) {
      done_.remember({hash, conversation, text}, repeated_stream(*open->second), runtime_.clock_.now());
      open_streams_.erase(open);
    }
  });
}

// The key is written out only when a stream is open, which is rare.
StreamedReplies* ShardRuntime::open_stream(const ActivityKey& key) const {
  if (open_streams_.empty()) {
    return nullptr;
  }
  const auto open = open_streams_.find(key.text());
  return open == open_streams_.end() ? nullptr : open->second.get();
}

void ShardRuntime::tell_stream(TurnObserver& observer, std::size_t origin, std::unique_ptr<ReplyReader> replies) {
  if (origin == shard_.index()) {
    observer.on_stream(std::move(replies));
    return;
  }
  // `on_reply` is posted to the same shard later and arrives after this. The turn owns the observer until then.
  asio::post(runtime_.shards_[origin].io(),
             [&observer, replies = std::move(replies)]() mutable { observer.on_stream(std::move(replies)); });
}

}  // namespace tern::runtime
