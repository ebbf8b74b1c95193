#pragma once

#include "runtime/runtime_inlet.hpp"
#include "turn/routing_sender.hpp"

#include <tern/app/app.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace tern::app {

/// The channels of an app that live in its process: their senders on each shard, and their inlets.
///
/// Thread safety: `at` from any thread; the rest from the owner's thread.
class Channels final : public ChannelInlets {
 public:
  Channels() = default;
  /// Checks the channels of `AppOptions::channels`.
  /// Errors: `errc::invalid_argument`, with the address that cannot be one, is taken, or is Tern's own.
  explicit Channels(std::vector<InProcessChannel> of_bot);

  /// Adds a channel of Tern's own. Preconditions: no shard has its senders yet, and no inlet is open.
  void add(InProcessChannel channel) { channels_.push_back(std::move(channel)); }

  bool empty() const noexcept { return channels_.empty(); }
  /// Makes the senders of the next shard. `others` sends what is for no channel in the process. Lifetime: it outlives
  /// them. Errors: those of the factories; `errc::invalid_argument` when one returns nothing.
  void make_senders(const SenderContext& context, ChannelSender& others);
  /// The sender of a shard, for all channels. Preconditions: the shard has its senders.
  ChannelSender& sender(std::size_t shard) noexcept { return *shards_[shard].routes; }
  /// Destroys the senders.
  void clear_senders() noexcept { shards_.clear(); }
  /// Makes the inlets. Lifetime: both outlive them.
  void open(runtime::TurnReceiver& turns, runtime::ShardPool& shards);

  ChannelInlet& at(std::string_view address) const override;

 private:
  struct OfShard {
    std::vector<std::unique_ptr<ChannelSender>> senders;
    std::unique_ptr<tern::detail::RoutingSender> routes;
  };

  std::vector<InProcessChannel> channels_;
  std::vector<OfShard> shards_;
  std::vector<std::unique_ptr<runtime::RuntimeInlet>> inlets_;
};

}  // namespace tern::app
