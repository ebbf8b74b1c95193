#include "app/stop_progress.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <thread>

namespace tern::app {

std::string_view name_of(StopPhase phase) noexcept {
  switch (phase) {
    case StopPhase::asked:
      return "the first shard";
    case StopPhase::delay:
      return "drain.delay";
    case StopPhase::turns:
      return "turns";
    case StopPhase::background:
      return "background work";
    case StopPhase::senders:
      return "scheduled sends";
    case StopPhase::answers:
      return "responses";
    case StopPhase::slots:
      return "the slots of the schedule";
    case StopPhase::storage:
      return "storage";
    case StopPhase::threads:
      return "the threads of the shards";
    case StopPhase::parts:
      return "the end of the app's parts";
    case StopPhase::program:
      break;
  }
  return "the program's own end";
}

void StopProgress::watch(runtime::ShardPool& shards) {
  const std::lock_guard lock(mutex_);
  shards_ = &shards;
}

void StopProgress::give_up_shards() noexcept {
  const std::lock_guard lock(mutex_);
  shards_ = nullptr;
}

std::vector<std::size_t> StopProgress::held_shards(std::chrono::milliseconds patience) {
  std::vector<std::shared_ptr<std::atomic<bool>>> answers;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; shards_ != nullptr && i < shards_->size(); ++i) {
      answers.push_back(std::make_shared<std::atomic<bool>>(false));
      asio::post((*shards_)[i].io(), [answer = answers.back()] { answer->store(true); });
    }
  }
  std::this_thread::sleep_for(patience);
  std::vector<std::size_t> held;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; shards_ != nullptr && i < answers.size(); ++i) {
    // A thread that has ended does not answer, and holds up nothing.
    if (!answers[i]->load() && (*shards_)[i].runs()) {
      held.push_back(i);
    }
  }
  return held;
}

}  // namespace tern::app
