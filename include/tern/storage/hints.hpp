#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace tern {

/// Is told that something was written, by the topic of the hint (`StoreChanges::hints`). An empty topic says that hints
/// may have been missed: look at everything that you listen for.
///
/// A hint says no more than that it is worth looking now: it may come late, twice, or not at all, and what counts is
/// what the store has. It is called on any thread, one call at a time for each subscription. It does not block, since
/// it may hold up a write, and an exception that leaves it is logged and dropped.
using HintListener = std::function<void(std::string_view topic)>;

/// Is told a note of another process: a text of the moment that is told and stored nowhere (`AnyStorage::tell`). It is
/// called as a `HintListener` is.
using NoteListener = std::function<void(std::string_view topic, std::string_view text)>;

/// The longest text of a note, in bytes.
inline constexpr std::size_t max_note_bytes = 7'000;

/// A listener for hints or notes, from `AnyStorage::listen` on until this is destroyed. When the destructor returns,
/// the listener is not running and is not called any more; the listener itself may destroy it, too.
class HintSubscription {
 public:
  /// Of nothing.
  HintSubscription() = default;
  /// `ended`: its destruction ends the subscription.
  explicit HintSubscription(std::shared_ptr<void> ended) noexcept : ended_(std::move(ended)) {}
  ///@{
  /// The other one ends nothing any more.
  HintSubscription(HintSubscription&&) noexcept = default;
  HintSubscription& operator=(HintSubscription&&) noexcept = default;
  ///@}
  HintSubscription(const HintSubscription&) = delete;
  HintSubscription& operator=(const HintSubscription&) = delete;
  ~HintSubscription() = default;

 private:
  std::shared_ptr<void> ended_;
};

}  // namespace tern
