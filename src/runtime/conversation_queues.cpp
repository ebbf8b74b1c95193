#include "runtime/conversation_queues.hpp"

namespace tern::runtime {

ConversationQueues::~ConversationQueues() {
  clear();
}

void ConversationQueues::clear() {
  for (auto& [conversation, waiting] : running_) {
    if (waiting != nullptr) {
      waiting->turns.clear();
      delete waiting;
    }
  }
  running_.clear();
}

ConversationQueues::Admission ConversationQueues::enter(Queued& turn) {
  auto [entry, added] = running_.try_emplace(turn.conversation(), nullptr);
  if (added) {
    return Admission::start;
  }
  auto*& waiting = entry->second;
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

Queued* ConversationQueues::leave(std::uint64_t conversation) {
  const auto entry = running_.find(conversation);
  if (entry == running_.end()) {
    return nullptr;
  }
  auto* waiting = entry->second;
  if (waiting == nullptr || waiting->turns.empty()) {
    delete waiting;
    running_.erase(entry);
    return nullptr;
  }
  auto& next = waiting->turns.front();
  waiting->turns.pop_front();
  return &next;
}

void ConversationQueues::abandon(Queued& turn) {
  const auto entry = running_.find(turn.conversation());
  if (entry != running_.end() && entry->second != nullptr && turn.waiting()) {
    entry->second->turns.erase(entry->second->turns.iterator_to(turn));
  }
}

}  // namespace tern::runtime
