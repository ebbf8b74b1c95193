#pragma once

#include "runtime/dedupe_window.hpp"

#include <tern/async/manual_clock.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace tern::runtime {

/// A `DedupeWindow` beside a plain map that does the same without blocks. Each operation is done to both, and what
/// they then differ in is told. Random tests and a fuzzer drive it.
class DedupeWindowModel {
 public:
  DedupeWindowModel(std::size_t max_bytes, std::chrono::milliseconds window)
      : max_bytes_(max_bytes), window_time_(window), window_(max_bytes, window) {
    // What an answer costs besides its body is the window's own affair; it is measured once.
    DedupeWindow probe(1'000, window);
    probe.remember(key(0), TurnReply(), clock_.now());
    fixed_cost_ = probe.bytes();
  }

  /// Each returns what is wrong afterwards, "" when nothing is.
  std::string remember(std::uint64_t id, std::size_t body_bytes) {
    const auto status = static_cast<int>(serial_ % 3 == 0 ? 0 : 199 + serial_ % 3);
    auto body = std::to_string(serial_++);
    body.resize(body_bytes, static_cast<char>('a' + serial_ % 26));
    window_.remember(key(id), TurnReply::to_invoke(status, body), clock_.now());
    expect_remembered(id, status, std::move(body));
    return difference();
  }

  std::string find(std::uint64_t id) {
    const auto* found = window_.find(key(id), clock_.now());
    forget_old();
    const auto known = latest_.find(id);
    const bool expected = known != latest_.end() && known->second.until > clock_.now();
    if ((found != nullptr) != expected) {
      return std::string(expected ? "an answer is missing: " : "an answer is there that should be gone: ") +
             std::to_string(id);
    }
    if (found != nullptr && (found->outcome != TurnOutcome::done || found->invoke_status != known->second.status ||
                             found->body != known->second.body)) {
      return "another answer than was remembered: " + std::to_string(id);
    }
    return difference();
  }

  void advance(std::chrono::milliseconds by) { clock_.advance(by); }

 private:
  struct Answer {
    std::uint64_t serial;
    SteadyTime until;
    int status;
    std::string body;
  };
  struct Came {
    std::uint64_t id;
    std::uint64_t serial;
    SteadyTime until;
    std::size_t cost;
  };
  /// The usual part, for the answers that conversations have within their own parts, or the busy part.
  struct Part {
    std::deque<Came> in_order;
    std::size_t bytes = 0;
  };

  // Some keys share a hash, and some a conversation; all begin alike.
  DedupeWindow::WrittenKey key(std::uint64_t id) {
    text_ = "all begin like this, and then:" + std::to_string(100'000 + id);
    return {id / 2, conversation_of(id), text_};
  }
  static std::uint64_t conversation_of(std::uint64_t id) { return id % 5; }

  // The probe's key and no body take forty.
  std::size_t cost_of(std::size_t body_bytes) const { return fixed_cost_ - 40 + (36 + body_bytes + 7) / 8 * 8; }

  void expect_remembered(std::uint64_t id, int status, std::string body) {
    forget_old();
    const auto cost = cost_of(body.size());
    const auto own = max_bytes_ / DedupeWindow::conversation_part;
    auto& taken = taken_[conversation_of(id)];
    auto& part = taken + cost > own ? busy_ : usual_;
    if (cost > max_bytes_ || !make_room(part, cost)) {
      return;
    }
    const auto known = latest_.find(id);
    if (known != latest_.end() && known->second.until > clock_.now()) {
      return;  // the first answer stands
    }
    const auto until = clock_.now() + window_time_;
    part.in_order.push_back({id, serial_, until, cost});
    latest_[id] = {serial_, until, status, std::move(body)};
    part.bytes += cost;
    taken += &part == &usual_ ? cost : 0;
  }

  bool make_room(const Part& part, std::size_t cost) {
    const auto kept = max_bytes_ / DedupeWindow::busy_part;
    const auto more_of_busy = &part == &busy_ ? cost : 0;
    if (more_of_busy > kept && more_of_busy + usual_.bytes > max_bytes_) {
      return false;
    }
    while (usual_.bytes + busy_.bytes + cost > max_bytes_) {
      const bool busy_has_more = busy_.bytes + more_of_busy > kept;
      forget_oldest(busy_.bytes > 0 && (busy_has_more || usual_.bytes == 0) ? busy_ : usual_);
    }
    return true;
  }

  void forget_old() {
    for (auto* part : {&usual_, &busy_}) {
      for (int i = 0; i < 64 && !part->in_order.empty() && part->in_order.front().until <= clock_.now(); ++i) {
        forget_oldest(*part);
      }
    }
  }

  void forget_oldest(Part& part) {
    const auto oldest = part.in_order.front();
    part.in_order.pop_front();
    part.bytes -= oldest.cost;
    taken_[conversation_of(oldest.id)] -= &part == &usual_ ? oldest.cost : 0;
    const auto known = latest_.find(oldest.id);
    if (known != latest_.end() && known->second.serial == oldest.serial) {
      latest_.erase(known);
    }
  }

  std::string difference() const {
    const auto bytes = usual_.bytes + busy_.bytes;
    if (window_.bytes() != bytes) {
      return "it counts " + std::to_string(window_.bytes()) + " bytes instead of " + std::to_string(bytes);
    }
    if (window_.size() != latest_.size()) {
      return "it counts " + std::to_string(window_.size()) + " answers instead of " + std::to_string(latest_.size());
    }
    return {};
  }

  ManualClock clock_;
  std::size_t max_bytes_;
  std::chrono::milliseconds window_time_;
  std::size_t fixed_cost_ = 0;
  std::uint64_t serial_ = 0;
  std::string text_;
  Part usual_;
  Part busy_;
  std::map<std::uint64_t, std::size_t> taken_;  // bytes in the usual part, by conversation
  std::map<std::uint64_t, Answer> latest_;
  DedupeWindow window_;
};

}  // namespace tern::runtime
