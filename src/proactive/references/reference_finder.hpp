#pragma once

#include <tern/async/deadline.hpp>
#include <tern/schema/conversation_reference.hpp>
#include <tern/storage/any_storage.hpp>

#include <optional>
#include <string>

namespace tern::proactive {

/// The reference that is stored under `key`, unless its conversation is marked as gone.
/// Errors: those of the store.
awaitable<std::optional<ConversationReference>> find_reference(AnyStorage storage, std::string key, Deadline by);

/// The reference of the personal conversation that the user wrote in last, or else of the other one.
/// Errors: those of the store.
awaitable<std::optional<ConversationReference>> find_last_reference(AnyStorage storage, std::string bot,
                                                                    std::string channel, std::string user, Deadline by);

}  // namespace tern::proactive
