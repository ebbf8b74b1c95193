#include "storage/hint_board.hpp"

#include <tern/async/log.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace tern::detail {

/// One listener. Its mutex is held while the listener runs, so that the end of a subscription waits for it. It is
/// recursive, because the listener itself may end the subscription.
struct HintBoard::Entry {
  Entry(std::string of_topics, NoteListener told) : prefix(std::move(of_topics)), listener(std::move(told)) {}
  const std::string prefix;
  const NoteListener listener;
  std::recursive_mutex running;
  bool is_over = false;  // guarded by `running`

  bool wants(std::string_view topic) const noexcept { return topic.empty() || topic.starts_with(prefix); }
  void tell(std::string_view topic, std::string_view text) noexcept {
    const std::lock_guard lock(running);
    if (is_over) {
      return;
    }
    try {
      listener(topic, text);
    } catch (const std::exception& e) {
      log::error("a listener for hints of the storage failed", {{"topic", topic}, {"error", e.what()}});
    } catch (...) {
      log::error("a listener for hints of the storage failed", {{"topic", topic}});
    }
  }
};

/// Ends a subscription when it is destroyed.
class HintBoard::Ended {
 public:
  Ended(std::weak_ptr<HintBoard> board, std::shared_ptr<Entry> entry)
      : board_(std::move(board)), entry_(std::move(entry)) {}
  Ended(const Ended&) = delete;
  Ended& operator=(const Ended&) = delete;
  ~Ended() {
    {
      const std::lock_guard lock(entry_->running);
      entry_->is_over = true;
    }
    if (const auto board = board_.lock()) {
      board->remove(entry_.get());
    }
  }

 private:
  std::weak_ptr<HintBoard> board_;
  std::shared_ptr<Entry> entry_;
};

HintSubscription HintBoard::add(std::string prefix, HintListener listener) {
  return add_for_notes(std::move(prefix),
                       [listener = std::move(listener)](std::string_view topic, std::string_view) { listener(topic); });
}

HintSubscription HintBoard::add_for_notes(std::string prefix, NoteListener listener) {
  auto entry = std::make_shared<Entry>(std::move(prefix), std::move(listener));
  auto ended = std::make_shared<Ended>(weak_from_this(), entry);
  const std::lock_guard lock(mutex_);
  auto more = std::make_shared<Entries>(*entries_);
  more->push_back(std::move(entry));
  entries_ = std::move(more);
  return HintSubscription(std::move(ended));
}

void HintBoard::announce(std::string_view topic, std::string_view text) noexcept {
  std::shared_ptr<const Entries> entries;
  {
    const std::lock_guard lock(mutex_);
    entries = entries_;
  }
  for (const auto& entry : *entries) {
    if (entry->wants(topic)) {
      entry->tell(topic, text);
    }
  }
}

void HintBoard::remove(const Entry* entry) noexcept {
  const std::lock_guard lock(mutex_);
  auto fewer = std::make_shared<Entries>(*entries_);
  std::erase_if(*fewer, [entry](const auto& one) { return one.get() == entry; });
  entries_ = std::move(fewer);
}

}  // namespace tern::detail
