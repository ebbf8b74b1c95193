#pragma once

#include <boost/json/object.hpp>

#include <tern/schema/json_object.hpp>

namespace tern::detail {

/// Whether the members of a conversation say that it is one of the bot with a single user.
inline bool is_personal(const json::object& conversation) noexcept {
  const auto* type = conversation.if_contains("conversationType");
  const auto* group = conversation.if_contains("isGroup");
  return (type != nullptr && type->is_string() && type->get_string() == "personal") ||
         (group != nullptr && group->is_bool() && !group->get_bool());
}

}  // namespace tern::detail
