#pragma once

#include "async/task_group.hpp"
#include "runtime/typing_keeper.hpp"

namespace tern::runtime {

/// Runs the background work that turns of one shard start. The task group of the process counts it, and the typing
/// indicator is shown while it runs.
///
/// Thread safety: none; on its shard.
class BackgroundGroup final : public detail::BackgroundRunner {
 public:
  BackgroundGroup(Shard& shard, detail::TurnEnvironment& environment, TaskGroup& tasks);

  BackgroundTask start(ConversationReference reference, BackgroundWork work,
                       std::shared_ptr<detail::TurnTrail> trail) override;

 private:
  Shard& shard_;
  detail::TurnEnvironment& environment_;
  TaskGroup& tasks_;
  TypingKeeper typing_;
};

}  // namespace tern::runtime
