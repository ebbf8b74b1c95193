#pragma once

#include "runtime/runtime.hpp"

#include <tern/app/bot_context.hpp>

#include <atomic>
#include <cstddef>

namespace tern::app {

/// Lets other threads run coroutines as background work of a runtime.
class RuntimePoster final : public Poster {
 public:
  RuntimePoster(runtime::Runtime& runtime, runtime::ShardPool& shards, Proactive& proactive, Clock& clock)
      : runtime_(runtime), shards_(shards), proactive_(proactive), clock_(clock) {}

  std::future<void> post(std::function<awaitable<void>()> work) override;
  std::future<void> post(ConversationReference conversation, BackgroundWork work) override;

 private:
  std::future<void> post_to(std::size_t shard, std::function<awaitable<void>()> work);

  runtime::Runtime& runtime_;
  runtime::ShardPool& shards_;
  Proactive& proactive_;
  Clock& clock_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace tern::app
