#include "turn/routing_sender.hpp"

#include <algorithm>
#include <utility>

namespace tern::detail {

void RoutingSender::add(std::string address, ChannelSender& sender) {
  channels_.push_back({std::move(address), sender});
}

bool RoutingSender::has(std::string_view address) const noexcept {
  return std::any_of(channels_.begin(), channels_.end(), [&](const Channel& channel) {
    return is_address_of(channel.address, address) || is_address_of(address, channel.address);
  });
}

// There are few, so that a map would find them later.
ChannelSender& RoutingSender::channel_at(std::string_view address) const noexcept {
  const auto found = std::find_if(channels_.begin(), channels_.end(),
                                  [&](const Channel& channel) { return is_address_of(channel.address, address); });
  return found != channels_.end() ? found->sender : others_;
}

awaitable<ResourceResponse> RoutingSender::send(const Activity& activity, std::string request_id, Deadline by) {
  return sender_for(activity.service_url().value_or("")).send(activity, std::move(request_id), by);
}

awaitable<ResourceResponse> RoutingSender::send_if(const Activity& activity, std::string request_id, Deadline by,
                                                   std::function<bool()> may_begin) {
  return sender_for(activity.service_url().value_or(""))
      .send_if(activity, std::move(request_id), by, std::move(may_begin));
}

awaitable<ResourceResponse> RoutingSender::update(const Activity& activity, Deadline by) {
  return sender_for(activity.service_url().value_or("")).update(activity, by);
}

awaitable<void> RoutingSender::remove(const ConversationReference& reference, Deadline by) {
  return sender_for(reference.service_url().value_or("")).remove(reference, by);
}

awaitable<ConversationResourceResponse> RoutingSender::create_conversation(std::string service_url,
                                                                           ConversationParameters parameters,
                                                                           Deadline by) {
  auto& sender = sender_for(service_url);
  return sender.create_conversation(std::move(service_url), std::move(parameters), by);
}

bool RoutingSender::sends_to(std::string_view service_url) const noexcept {
  return sender_for(service_url).sends_to(service_url);
}

}  // namespace tern::detail
