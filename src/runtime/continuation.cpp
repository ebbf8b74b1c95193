#include "runtime/continuation.hpp"

#include <utility>

namespace tern::runtime {

std::exception_ptr not_begun() {
  return std::make_exception_ptr(NotBegun(errc::shutting_down, "The turn was not begun: the bot is shutting down"));
}

// The event has no id: with an id the turn's messages would be replies to it, and the channel does not know the event.
Activity event_of(const Continuation& continuation) {
  auto event = Activity::event("ContinueConversation", continuation.value);
  // The event goes from the user to the bot, so that an answer to it addresses the user.
  auto& fields = event.json();
  for (const auto& [name, as] : {std::pair{"channelId", "channelId"}, std::pair{"serviceUrl", "serviceUrl"},
                                 std::pair{"conversation", "conversation"}, std::pair{"user", "from"},
                                 std::pair{"bot", "recipient"}, std::pair{"locale", "locale"}}) {
    if (const auto* found = continuation.reference.json().if_contains(name)) {
      fields[as] = *found;
    }
  }
  event.set_relates_to(continuation.reference);
  return event;
}

}  // namespace tern::runtime
