#pragma once

#include "schema/service_url.hpp"

#include <tern/turn/channel_sender.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::detail {

/// Passes each call to the sender of its channel. Channels in the process are found by their address
/// (`is_in_process_address`), and a reference to an address below it is theirs, too. Everything else goes to one
/// sender: the connector, or the bot's own.
///
/// Lifetime: the senders outlive it. Thread safety: none; each shard has its own.
class RoutingSender final : public ChannelSender {
 public:
  explicit RoutingSender(ChannelSender& others) noexcept : others_(others) {}

  /// Adds a channel. Preconditions: `is_channel_address`; no other channel has this address, or one above or below it.
  void add(std::string address, ChannelSender& sender);
  /// Whether a channel has this address, or one above or below it.
  bool has(std::string_view address) const noexcept;

  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) override;
  awaitable<ResourceResponse> send_if(const Activity& activity, std::string request_id, Deadline by,
                                      std::function<bool()> may_begin) override;
  awaitable<ResourceResponse> update(const Activity& activity, Deadline by) override;
  awaitable<void> remove(const ConversationReference& reference, Deadline by) override;
  awaitable<ConversationResourceResponse> create_conversation(std::string service_url,
                                                              ConversationParameters parameters, Deadline by) override;
  bool sends_to(std::string_view service_url) const noexcept override;

 private:
  struct Channel {
    std::string address;
    ChannelSender& sender;
  };

  ChannelSender& sender_for(std::string_view service_url) const noexcept {
    return is_in_process_address(service_url) ? channel_at(service_url) : others_;
  }
  ChannelSender& channel_at(std::string_view address) const noexcept;

  ChannelSender& others_;
  std::vector<Channel> channels_;
};

}  // namespace tern::detail
