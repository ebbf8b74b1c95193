#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/resource_response.hpp>

#include <functional>
#include <optional>
#include <string>

namespace tern {

class TurnContext;

/// What runs for a turn: a bot's handler, a continuation.
/// Lifetime: the turn outlives the coroutine. The callable is kept until the coroutine has ended, so it may capture.
using TurnHandler = std::function<awaitable<void>(TurnContext&)>;

/// Around each activity that is sent. `next` sends it on (once); a hook that does not call it keeps the activity
/// back, and the send yields no response. The activity may be changed before `next`.
using SendNext = std::function<awaitable<std::optional<ResourceResponse>>()>;
using SendHook = std::function<awaitable<std::optional<ResourceResponse>>(TurnContext&, Activity&, SendNext)>;

/// Around each update of an activity; as `SendHook`.
using UpdateHook = SendHook;

/// Around each deletion; `reference` names the activity.
using DeleteNext = std::function<awaitable<void>()>;
using DeleteHook = std::function<awaitable<void>(TurnContext&, ConversationReference&, DeleteNext)>;

}  // namespace tern
