#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace tern::detail::pg {

/// Notes that wait to be told, the last one of each topic. Notes of further topics are dropped while it is full.
///
/// Thread safety: all functions from any thread.
class NoteQueue {
 public:
  using Notes = std::unordered_map<std::string, std::string>;  ///< topic and text

  static constexpr std::size_t max_topics = 256;

  void add(std::string topic, std::string text) {
    const std::lock_guard lock(mutex_);
    if (const auto found = notes_.find(topic); found != notes_.end()) {
      found->second = std::move(text);
    } else if (notes_.size() < max_topics) {
      notes_.emplace(std::move(topic), std::move(text));
    }
  }
  /// Takes all of them.
  Notes take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(notes_, {});
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return notes_.empty();
  }

 private:
  mutable std::mutex mutex_;
  Notes notes_;
};

}  // namespace tern::detail::pg
