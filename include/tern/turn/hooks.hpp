#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/resource_response.hpp>

#include <functional>
#include <optional>
#include <string>

namespace tern {

class TurnContext;

/// A function that answers a turn: a handler of the bot, or a continuation.
/// Lifetime: the turn outlives the coroutine. The callable is kept until the coroutine has ended, so it may capture.
using TurnHandler = std::function<awaitable<void>(TurnContext&)>;

/// Sends the activity on; called at most once.
using SendNext = std::function<awaitable<std::optional<ResourceResponse>>()>;
/// Runs around each activity that is sent. A hook may change the activity before it calls `next`. A hook that does not
/// call `next` keeps the activity back, and the send yields no response.
using SendHook = std::function<awaitable<std::optional<ResourceResponse>>(TurnContext&, Activity&, SendNext)>;

/// Runs around each update of an activity, as a `SendHook` does around a send.
using UpdateHook = SendHook;

/// Deletes the activity; called at most once.
using DeleteNext = std::function<awaitable<void>()>;
/// Runs around each deletion. The reference names the activity.
using DeleteHook = std::function<awaitable<void>(TurnContext&, ConversationReference&, DeleteNext)>;

}  // namespace tern
