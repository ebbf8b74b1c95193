#pragma once

#include "runtime/shard.hpp"
#include "runtime/turn_request.hpp"

#include <tern/turn/channel_inlet.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tern::runtime {

/// Gives the runtime the activities of one channel in the process.
///
/// Lifetime: runtime and shards outlive it, and the coroutines of `receive`.
class RuntimeInlet final : public ChannelInlet {
 public:
  /// Preconditions: `detail::is_channel_address(address)`.
  RuntimeInlet(TurnReceiver& turns, ShardPool& shards, std::string address);

  std::string_view address() const noexcept override { return address_; }
  awaitable<TurnResult> receive(Activity activity, std::optional<Identity> caller, OnReply on_reply) override;

 private:
  void check(Activity& activity) const;
  std::shared_ptr<const Identity> sign(std::optional<Identity> caller) const;
  awaitable<TurnResult> receive_on(std::size_t shard, Activity activity, std::shared_ptr<const Identity> caller,
                                   OnReply on_reply);

  TurnReceiver& turns_;
  ShardPool& shards_;
  const std::string address_;
  const std::shared_ptr<const Identity> itself_;  // of activities about whose sender the channel says no more
};

}  // namespace tern::runtime
