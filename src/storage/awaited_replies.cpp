#include "storage/awaited_replies.hpp"

#include <algorithm>

namespace tern::storage {

void hint_at_awaited_replies(StoreChanges& changes) {
  const bool awaits = std::any_of(changes.sends.begin(), changes.sends.end(),
                                  [](const ScheduledSend& send) { return !send.cancel_on_reply.empty(); }) ||
                      std::any_of(changes.edits.begin(), changes.edits.end(),
                                  [](const SendEdit& edit) { return edit.kind == SendEdit::Kind::redrive; });
  if (awaits) {
    changes.hints.emplace_back(awaited_replies_topic);
  }
}

}  // namespace tern::storage
