#pragma once

#include "runtime/streamed_replies.hpp"
#include "turn/environment.hpp"
#include "turn/turn_slots.hpp"

#include <tern/turn/bot.hpp>

#include <memory>
#include <utility>

namespace tern::runtime {

/// See `detail::TurnTrail`: keeps the turn's context in its slot, its stream open, and the bot that was made for it.
///
/// Thread safety: made and destroyed on its shard.
class TurnTrail final : public detail::TurnTrail {
 public:
  /// `stream`: nullptr for a turn that streams nothing. `bot`: nullptr where one serves all turns.
  TurnTrail(std::shared_ptr<detail::TurnSlots> slots, TurnContext& context, std::shared_ptr<StreamedReplies> stream,
            std::shared_ptr<Bot> bot)
      : hold_(std::move(slots), context), stream_(std::move(stream)), bot_(std::move(bot)) {
    if (stream_) {
      stream_->join();
    }
  }
  ~TurnTrail() override {
    if (stream_) {
      stream_->leave();
    }
  }
  TurnTrail(const TurnTrail&) = delete;
  TurnTrail& operator=(const TurnTrail&) = delete;

  bool listens() const override { return stream_ && stream_->is_read(); }
  awaitable<bool> take(Activity activity) override { return take_into(stream_, std::move(activity)); }

 private:
  static awaitable<bool> take_into(std::shared_ptr<StreamedReplies> stream, Activity activity);

  detail::TurnSlots::Hold hold_;
  std::shared_ptr<StreamedReplies> stream_;
  std::shared_ptr<Bot> bot_;
};

}  // namespace tern::runtime
