#include "turn/environment.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tern::detail {

namespace {

ReplyCarrier::Address address(std::optional<std::string_view> channel, std::optional<std::string_view> bot,
                              const std::optional<ConversationAccount>& conversation) {
  ReplyCarrier::Address to;
  to.channel = channel.value_or("");
  to.bot = bot.value_or("");
  if (conversation) {
    to.tenant = conversation->tenant_id().value_or("");
    to.conversation = conversation->id().value_or("");
  }
  return to;
}

}  // namespace

ReplyCarrier::Address ReplyCarrier::Address::of(const Activity& reply) {
  return address(reply.channel_id(), reply.from_id(), reply.conversation());
}

ReplyCarrier::Address ReplyCarrier::Address::of(const ConversationReference& reference) {
  const auto bot = reference.bot();
  return address(reference.channel_id(), bot ? bot->id() : std::nullopt, reference.conversation());
}

}  // namespace tern::detail
