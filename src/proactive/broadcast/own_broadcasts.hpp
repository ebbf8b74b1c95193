#pragma once

#include "proactive/broadcast/broadcaster.hpp"

#include <tern/turn/broadcasts.hpp>

#include <string>

namespace tern::proactive {

/// The `Broadcasts` of the process: its broadcaster, unless proactive messages are off.
///
/// Lifetime: the broadcaster outlives it.
class OwnBroadcasts final : public Broadcasts {
 public:
  OwnBroadcasts(Broadcaster& broadcaster, bool enabled) : broadcaster_(broadcaster), enabled_(enabled) {}

  awaitable<std::string> start(Recipients recipients, Activity activity, BroadcastOptions options) override;
  awaitable<std::optional<BroadcastProgress>> progress(std::string id) override;
  awaitable<RecipientOutcomes> outcomes(std::string id, std::string after, std::size_t limit) override;
  awaitable<bool> pause(std::string id) override;
  awaitable<bool> resume(std::string id) override;
  awaitable<bool> cancel(std::string id) override;
  awaitable<bool> forget(std::string id) override;

 private:
  /// Errors: `errc::proactive_disabled`.
  Broadcaster& broadcaster() const;

  Broadcaster& broadcaster_;
  bool enabled_;
};

}  // namespace tern::proactive
