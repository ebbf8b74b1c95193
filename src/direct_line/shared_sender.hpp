#pragma once

#include <tern/turn/channel_sender.hpp>

#include <functional>
#include <string>
#include <utility>

namespace tern::direct_line {

/// The sender of a shard, in place of the one that all shards share.
///
/// Lifetime: the other one outlives it.
class SharedSender final : public ChannelSender {
 public:
  explicit SharedSender(ChannelSender& shared) noexcept : shared_(shared) {}

  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) override {
    return shared_.send(activity, std::move(request_id), by);
  }
  awaitable<ResourceResponse> send_if(const Activity& activity, std::string request_id, Deadline by,
                                      std::function<bool()> may_begin) override {
    return shared_.send_if(activity, std::move(request_id), by, std::move(may_begin));
  }
  awaitable<ResourceResponse> update(const Activity& activity, Deadline by) override {
    return shared_.update(activity, by);
  }
  awaitable<void> remove(const ConversationReference& reference, Deadline by) override {
    return shared_.remove(reference, by);
  }
  awaitable<ConversationResourceResponse> create_conversation(std::string url, ConversationParameters parameters,
                                                              Deadline by) override {
    return shared_.create_conversation(std::move(url), std::move(parameters), by);
  }
  bool sends_to(std::string_view url) const noexcept override { return shared_.sends_to(url); }

 private:
  ChannelSender& shared_;
};

}  // namespace tern::direct_line
