#include "turn/environment.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tern::detail {

namespace {

ReplyCarrier::Place place(std::optional<std::string_view> channel, std::optional<std::string_view> bot,
                          const std::optional<ConversationAccount>& conversation) {
  ReplyCarrier::Place to;
  to.channel = channel.value_or("");
  to.bot = bot.value_or("");
  if (conversation) {
    to.tenant = conversation->tenant_id().value_or("");
    to.conversation = conversation->id().value_or("");
  }
  return to;
}

}  // namespace

ReplyCarrier::Place ReplyCarrier::Place::of(const Activity& reply) {
  return place(reply.channel_id(), reply.from_id(), reply.conversation());
}

ReplyCarrier::Place ReplyCarrier::Place::of(const ConversationReference& reference) {
  const auto bot = reference.bot();
  return place(reference.channel_id(), bot ? bot->id() : std::nullopt, reference.conversation());
}

}  // namespace tern::detail
