#pragma once

#include "proactive/references/fetched_send.hpp"
#include "turn/environment.hpp"

#include <vector>

namespace tern::proactive {

/// Brings due sends up to date: the address, the tenant, and the accounts of bot and user, in the reference of a send
/// and in its activity. The latest message of the channel counts, if the bot may send to its address, and, with an
/// authenticator, if its sender may say where the conversation is (`detail::may_move`). One read of the store serves
/// all sends.
///
/// When that read fails, the sends stay as they are, with a line in the log: to wait for the store would not be
/// better.
/// Lifetime: the sends outlive it.
awaitable<void> bring_up_to_date(detail::TurnEnvironment& environment, std::vector<FetchedSend*> sends);

}  // namespace tern::proactive
