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
      : max_bytes_(max_bytes), window_time_(window), window_(clock_, max_bytes, window) {
    // What an answer costs besides its body is the window's own affair; it is measured once.
    DedupeWindow probe(clock_, 1'000, window);
    probe.remember({0, 0}, TurnReply(200));
    fixed_cost_ = probe.bytes();
  }

  /// Each returns what is wrong afterwards, "" when nothing is.
  std::string remember(std::uint64_t id, std::size_t body_bytes) {
    const auto status = static_cast<unsigned>(200 + serial_ % 3);
    auto body = std::to_string(serial_++);
    body.resize(body_bytes, static_cast<char>('a' + serial_ % 26));
    window_.remember({id, id}, TurnReply(status, body));
    expect_remembered(id, status, std::move(body));
    return difference();
  }

  std::string find(std::uint64_t id) {
    const auto* found = window_.find({id, id});
    forget_old();
    const auto known = latest_.find(id);
    const bool expected = known != latest_.end() && known->second.until > clock_.now();
    if ((found != nullptr) != expected) {
      return std::string(expected ? "an answer is missing: " : "an answer is there that should be gone: ") +
             std::to_string(id);
    }
    if (found != nullptr && (found->status != known->second.status || found->body != known->second.body)) {
      return "another answer than was remembered: " + std::to_string(id);
    }
    return difference();
  }

  void advance(std::chrono::milliseconds by) { clock_.advance(by); }

 private:
  struct Answer {
    std::uint64_t serial;
    SteadyTime until;
    unsigned status;
    std::string body;
  };
  struct Came {
    std::uint64_t id;
    std::uint64_t serial;
    SteadyTime until;
    std::size_t cost;
  };

  std::size_t cost_of(std::size_t body_bytes) const { return fixed_cost_ + (body_bytes + 7) / 8 * 8; }

  void expect_remembered(std::uint64_t id, unsigned status, std::string body) {
    forget_old();
    const auto cost = cost_of(body.size());
    if (cost > max_bytes_) {
      return;
    }
    while (bytes_ + cost > max_bytes_) {
      forget_oldest();
    }
    const auto known = latest_.find(id);
    if (known != latest_.end() && known->second.until > clock_.now()) {
      return;  // the first answer stands
    }
    const auto until = clock_.now() + window_time_;
    in_order_.push_back({id, serial_, until, cost});
    latest_[id] = {serial_, until, status, std::move(body)};
    bytes_ += cost;
  }

  void forget_old() {
    for (int i = 0; i < 64 && !in_order_.empty() && in_order_.front().until <= clock_.now(); ++i) {
      forget_oldest();
    }
  }

  void forget_oldest() {
    const auto oldest = in_order_.front();
    in_order_.pop_front();
    bytes_ -= oldest.cost;
    const auto known = latest_.find(oldest.id);
    if (known != latest_.end() && known->second.serial == oldest.serial) {
      latest_.erase(known);
    }
  }

  std::string difference() const {
    if (window_.bytes() != bytes_) {
      return "it counts " + std::to_string(window_.bytes()) + " bytes instead of " + std::to_string(bytes_);
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
  std::size_t bytes_ = 0;
  std::deque<Came> in_order_;
  std::map<std::uint64_t, Answer> latest_;
  DedupeWindow window_;
};

}  // namespace tern::runtime
