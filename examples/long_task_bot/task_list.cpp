#include "task_list.hpp"

#include <algorithm>
#include <utility>

std::optional<unsigned> TaskList::add(const std::string& conversation, std::string_view title) {
  const std::lock_guard lock(mutex_);
  auto& entries = tasks_[conversation];
  if (entries.size() >= per_conversation_) {
    return std::nullopt;
  }
  const unsigned number = entries.empty() ? 1 : entries.back().number + 1;
  entries.push_back({number, std::string(title), {}});
  return number;
}

void TaskList::attach(const std::string& conversation, unsigned number, tern::BackgroundTask task) {
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find(conversation);
  if (found == tasks_.end()) {
    return;
  }
  for (auto& entry : found->second) {
    if (entry.number == number) {
      entry.task = std::move(task);
      return;
    }
  }
}

bool TaskList::remove(const std::string& conversation, unsigned number) {
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find(conversation);
  if (found == tasks_.end()) {
    return false;
  }
  const auto removed = std::erase_if(found->second, [&](const Entry& entry) { return entry.number == number; });
  if (found->second.empty()) {
    tasks_.erase(found);
  }
  return removed > 0;
}

std::vector<std::string> TaskList::titles(const std::string& conversation) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  if (const auto found = tasks_.find(conversation); found != tasks_.end()) {
    for (const auto& entry : found->second) {
      lines.push_back("Task " + std::to_string(entry.number) + ": " + entry.title);
    }
  }
  return lines;
}

std::size_t TaskList::cancel_all(const std::string& conversation) {
  std::vector<Entry> ended;
  {
    const std::lock_guard lock(mutex_);
    if (auto node = tasks_.extract(conversation)) {
      ended = std::move(node.mapped());
    }
  }
  for (auto& entry : ended) {
    entry.task.cancel();
  }
  return ended.size();
}
