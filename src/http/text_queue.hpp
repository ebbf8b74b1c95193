#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::http {

/// Texts that wait to be sent on one WebSocket. An empty queue has no memory, unlike a `std::deque`.
class TextQueue {
 public:
  using Text = std::shared_ptr<const std::string>;

  bool empty() const noexcept { return first_ == texts_.size(); }
  const Text& front() const noexcept { return texts_[first_]; }
  /// The bytes that the texts take on the wire, at most: a text with the head of its frame.
  std::size_t bytes() const noexcept { return bytes_; }

  void push(Text text) {
    const std::size_t size = size_of(text);
    texts_.push_back(std::move(text));
    bytes_ += size;
  }
  void pop() noexcept {
    bytes_ -= size_of(front());
    texts_[first_++].reset();
    if (empty()) {
      std::vector<Text>().swap(texts_);
      first_ = 0;
    } else if (first_ >= 64 && first_ * 2 >= texts_.size()) {
      texts_.erase(texts_.begin(), texts_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }
  /// Drops all texts; `but_first`: but the first, if there is one.
  void drop(bool but_first) noexcept {
    const std::size_t kept = but_first && !empty() ? first_ + 1 : first_;
    while (texts_.size() > kept) {
      bytes_ -= size_of(texts_.back());
      texts_.pop_back();
    }
  }
  static std::size_t size_of(const Text& text) noexcept { return text->size() + longest_head; }

 private:
  static constexpr std::size_t longest_head = 10;  // of a frame without a mask (RFC 6455, 5.2)

  std::vector<Text> texts_;
  std::size_t first_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tern::http
