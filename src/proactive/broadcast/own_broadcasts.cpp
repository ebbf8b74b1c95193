#include "proactive/broadcast/own_broadcasts.hpp"

#include "turn/environment.hpp"

#include <utility>

namespace tern::proactive {

Broadcaster& OwnBroadcasts::broadcaster() const {
  if (!enabled_) {
    detail::throw_proactive_disabled();
  }
  return broadcaster_;
}

awaitable<std::string> OwnBroadcasts::start(Recipients recipients, Activity activity, BroadcastOptions options) {
  return broadcaster().begin(std::move(recipients), std::move(activity), std::move(options));
}

awaitable<std::optional<BroadcastProgress>> OwnBroadcasts::progress(std::string id) {
  return broadcaster().progress(std::move(id));
}

awaitable<RecipientOutcomes> OwnBroadcasts::outcomes(std::string id, std::string after, std::size_t limit) {
  return broadcaster().outcomes(std::move(id), std::move(after), limit);
}

awaitable<bool> OwnBroadcasts::pause(std::string id) {
  return broadcaster().change(std::move(id), BroadcastState::paused);
}

awaitable<bool> OwnBroadcasts::resume(std::string id) {
  return broadcaster().change(std::move(id), BroadcastState::running);
}

awaitable<bool> OwnBroadcasts::cancel(std::string id) {
  return broadcaster().change(std::move(id), BroadcastState::cancelled);
}

awaitable<bool> OwnBroadcasts::forget(std::string id) {
  return broadcaster().forget(std::move(id));
}

}  // namespace tern::proactive
