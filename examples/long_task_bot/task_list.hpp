#pragma once

#include <tern/tern.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What runs in the background, by conversation. A conversation is forgotten when its last task has ended.
///
/// Thread safety: any thread; conversations live on different shards.
class TaskList {
 public:
  /// `per_conversation`: the most tasks of one conversation at once.
  explicit TaskList(std::size_t per_conversation) : per_conversation_(per_conversation) {}

  /// Takes a place and gives it a number, from 1 on; nullopt when the conversation has its share of tasks.
  std::optional<unsigned> add(const std::string& conversation, std::string_view title);
  /// Keeps the handle, so that `cancel_all` can end the task.
  void attach(const std::string& conversation, unsigned number, tern::BackgroundTask task);
  /// Gives the place back. False when `cancel_all` was quicker: then the task has nothing to report.
  bool remove(const std::string& conversation, unsigned number);

  /// One line for each task: its number and title.
  std::vector<std::string> titles(const std::string& conversation) const;
  /// Ends the tasks of a conversation; how many there were.
  std::size_t cancel_all(const std::string& conversation);

 private:
  struct Entry {
    unsigned number;
    std::string title;
    tern::BackgroundTask task;
  };

  const std::size_t per_conversation_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Entry>> tasks_;
};
