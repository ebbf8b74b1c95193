#include "runtime/conversation_queues.hpp"

namespace tern::runtime {

ConversationQueues::~ConversationQueues() {
  clear();
}

void ConversationQueues::clear() {
  for (const auto& entry : running_) {
    if (entry.waiting != nullptr) {
      entry.waiting->turns.clear();
      delete entry.waiting;
    }
  }
  running_.clear();
}

ConversationQueues::Admission ConversationQueues::enter(Queued& turn) {
  const auto [entry, added] = running_.insert(Entry{turn.conversation().hash, &turn});
  if (added) {
    return Admission::start;
  }
  auto*& waiting = entry->waiting;
  if (waiting == nullptr) {
    if (max_waiting_ == 0) {
      return Admission::full;
    }
    waiting = new Waiting;
  }
  if (waiting->turns.size() >= max_waiting_) {
    return Admission::full;
  }
  waiting->turns.push_back(turn);
  return Admission::wait;
}

Queued* ConversationQueues::next(const ConversationKey& conversation) {
  const auto entry = running_.find(conversation);
  if (entry == running_.end()) {
    return nullptr;
  }
  auto* waiting = entry->waiting;
  if (waiting == nullptr || waiting->turns.empty()) {
    delete waiting;
    running_.erase(entry);
    return nullptr;
  }
  auto& turn = waiting->turns.front();
  waiting->turns.pop_front();
  entry->running = &turn;
  return &turn;
}

void ConversationQueues::abandon(Queued& turn) {
  const auto entry = running_.find(turn.conversation());
  if (entry != running_.end() && entry->waiting != nullptr && turn.waiting()) {
    entry->waiting->turns.erase(entry->waiting->turns.iterator_to(turn));
  }
}

}  // namespace tern::runtime
