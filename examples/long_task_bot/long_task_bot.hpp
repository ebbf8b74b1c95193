#pragma once

#include "task_list.hpp"

#include <tern/tern.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

/// Takes on slow work, goes on listening, and reports when each piece is done.
class LongTaskBot : public tern::ActivityHandler {
 private:
  tern::awaitable<void> on_message(tern::TurnContext& turn) override;
  tern::awaitable<void> on_members_added(std::vector<tern::ChannelAccount> members, tern::TurnContext& turn) override;

  tern::awaitable<void> start(tern::TurnContext& turn, std::chrono::seconds duration);
  tern::awaitable<void> list(tern::TurnContext& turn);
  tern::awaitable<void> cancel(tern::TurnContext& turn);

  /// The work itself. It may go on long after the turn that began it has ended, so it is given values only.
  tern::awaitable<void> work(tern::Conversation conversation, std::string key, unsigned number,
                             std::chrono::seconds duration);

  TaskList tasks_{10};
};
