#pragma once

#include "runtime/streamed_replies.hpp"
#include "turn/environment.hpp"
#include "turn/turn_slots.hpp"

#include <tern/turn/bot.hpp>

#include <memory>
#include <utility>

namespace tern::runtime {

/// Keeps the parts of a turn that its background work needs after its end: the context in its turn slot, the open
/// stream, and the bot of the turn. See `detail::TurnTrail`.
///
/// Thread safety: made and destroyed on its shard.
class TurnTrail final : public detail::TurnTrail {
 public:
  /// `stream`: nullptr for a turn without a stream. `bot`: nullptr when one bot serves all turns.
  TurnTrail(std::shared_ptr<detail::TurnSlots> slots, TurnContext& context, std::shared_ptr<StreamedReplies> stream,
            std::shared_ptr<Bot> bot)
      : pin_(std::move(slots), context), stream_(std::move(stream)), bot_(std::move(bot)) {
    if (stream_) {
      stream_->begin_work();
    }
  }
  ~TurnTrail() override {
    if (stream_) {
      stream_->end_work();
    }
  }
  TurnTrail(const TurnTrail&) = delete;
  TurnTrail& operator=(const TurnTrail&) = delete;

  bool listens() const override { return stream_ && stream_->is_read(); }
  awaitable<bool> take(Activity activity) override { return take_into(stream_, std::move(activity)); }

 private:
  static awaitable<bool> take_into(std::shared_ptr<StreamedReplies> stream, Activity activity);

  detail::TurnSlots::Pin pin_;
  std::shared_ptr<StreamedReplies> stream_;
  std::shared_ptr<Bot> bot_;
};

}  // namespace tern::runtime
