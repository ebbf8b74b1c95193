#pragma once

#include <tern/turn/dead_letters.hpp>
#include <tern/turn/pending_send.hpp>

namespace tern::proactive {

/// A stored send as bots, the paths below /proactive/ and `tern-schedule` show it. A part that is damaged in the store
/// is left out.
PendingSend view_of(const ScheduledSend& send);
DeadLetter view_of(const DeadSend& dead);

}  // namespace tern::proactive
