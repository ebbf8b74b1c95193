#pragma once

#include "proactive/references/fetched_send.hpp"
#include "turn/environment.hpp"

#include <vector>

namespace tern::proactive {

/// Brings what is due up to what is known of its conversation by now: the address, the tenant, and the accounts of bot
/// and user, in the reference of a send and in the activity that it sends. What the channel said last wins, when its
/// address is one that the bot may send to. One read of the store for all of them.
///
/// What cannot be read leaves the sends as they are, with a line in the log: late would not be better.
/// Lifetime: the sends outlive it.
awaitable<void> bring_up_to_date(detail::TurnEnvironment& environment, std::vector<FetchedSend*> sends);

}  // namespace tern::proactive
