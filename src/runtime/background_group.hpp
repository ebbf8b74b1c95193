#pragma once

#include "runtime/typing_keeper.hpp"

#include <tern/async/task_group.hpp>

namespace tern::runtime {

/// Background work of one shard: started from turns, counted by the process's task group, with typing kept alive.
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
