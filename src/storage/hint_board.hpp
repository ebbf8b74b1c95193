#pragma once

#include <tern/storage/hints.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tern::detail {

/// The listeners of one store in this process, for hints or for notes. Hints have no text.
///
/// Thread safety: all functions from any thread.
class HintBoard : public std::enable_shared_from_this<HintBoard> {
 public:
  /// Adds a listener for the topics that begin with `prefix`.
  HintSubscription add(std::string prefix, HintListener listener);
  /// The same for a board of notes.
  HintSubscription add_for_notes(std::string prefix, NoteListener listener);
  /// Tells the listeners of a topic; "" tells all of them.
  void announce(std::string_view topic, std::string_view text = {}) noexcept;

 private:
  struct Entry;
  class Ended;
  using Entries = std::vector<std::shared_ptr<Entry>>;

  void remove(const Entry* entry) noexcept;

  std::mutex mutex_;
  std::shared_ptr<const Entries> entries_ = std::make_shared<const Entries>();  // replaced, never changed
};

}  // namespace tern::detail
