#pragma once

#include <tern/schema/json_object.hpp>
#include <tern/turn/dead_letters.hpp>
#include <tern/turn/pending_send.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern::tools {

/// The part of a message that is shown only when a person asks for it.
enum class Texts { hidden, shown };

/// `2026-11-23 17:30:00`, UTC.
std::string utc_text(WallTime when);
/// `in 20 s`, `2 min ago`, `now`.
std::string relative_text(WallTime when, WallTime now);

/// `activity`, or `continuation NAME`; with ` (recurring)` when it comes again.
std::string kind_text(const PendingSend& send);
/// The text of an activity, the value of a continuation; "" for none.
std::string message_text(const PendingSend& send);
/// `every day at 09:00 (Europe/Berlin)`; nullopt when it does not come again.
std::optional<std::string> recurrence_text(const PendingSend& send);

/// One send as JSON, as the bot shows it below /proactive/; without its message unless that is asked for.
json::object describe(const PendingSend& send, Texts texts);
json::object describe(const DeadLetter& letter, Texts texts);

/// Names and values for a person, in their order.
using Fields = std::vector<std::pair<std::string, std::string>>;
Fields fields_of(const PendingSend& send, Texts texts, WallTime now);
Fields fields_of(const DeadLetter& letter, Texts texts, WallTime now);
Fields fields_of(const SendCounts& counts, WallTime now);

}  // namespace tern::tools
