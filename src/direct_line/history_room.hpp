#pragma once

#include "direct_line/head.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace tern::direct_line {

/// The bytes of all histories that are kept, and the most that clients may let them become. A sweep of the store counts
/// them anew.
///
/// Thread safety: all functions from any thread; `begin_count`, `count` and `end_count` by one sweep at a time.
class HistoryRoom {
 public:
  explicit HistoryRoom(std::size_t bound) : bound_(bound) {}

  /// What a conversation with this head counts: the activities that are kept, with what a store has beside each.
  static std::size_t bytes_of(const Head& head) noexcept;

  /// Whether so many bytes more are within the bound.
  bool has_room(std::size_t bytes) const;
  /// A conversation has become as large as `after`; it was as large as `before`.
  void change(std::size_t before, std::size_t after);

  /// A sweep begins.
  void begin_count();
  /// It has found a conversation.
  void count(std::size_t bytes) { counting_ += bytes; }
  /// It has seen all: what it has found counts from now on, and what has grown since it began, which it may have
  /// missed.
  void end_count();

  /// The bytes of all histories.
  std::size_t bytes() const;

 private:
  const std::size_t bound_;
  mutable std::mutex mutex_;  // guards all but `counting_`
  std::size_t now_ = 0;
  std::size_t since_ = 0;     // what has grown since the sweep under way began
  std::size_t counting_ = 0;  // by the sweep under way
};

}  // namespace tern::direct_line
