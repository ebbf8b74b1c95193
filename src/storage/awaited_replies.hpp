#pragma once

#include <tern/storage.hpp>

#include <string_view>

namespace tern::storage {

/// The topic of the hint that a send is stored which a reply cancels. A process that has heard it looks for such sends
/// at each message.
inline constexpr std::string_view awaited_replies_topic = "schedule/awaited-replies";

/// Lets `changes` carry that hint if they store such a send, or may make a dead one pending again.
void hint_at_awaited_replies(StoreChanges& changes);

}  // namespace tern::storage
