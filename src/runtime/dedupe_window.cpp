#include "runtime/dedupe_window.hpp"

namespace tern::runtime {

namespace {

// What one remembered answer costs besides its body: the map's slot at its usual load, and the queue's entry.
constexpr std::size_t entry_bytes = 80;

}  // namespace

DedupeWindow::DedupeWindow(Clock& clock, std::size_t max_bytes, std::chrono::milliseconds window)
    : clock_(clock), max_bytes_(max_bytes), window_(window) {}

const TurnReply* DedupeWindow::find(const ActivityKey& key) {
  forget_old();
  const auto found = done_.find(key);
  if (found == done_.end()) {
    return nullptr;
  }
  found_ = TurnReply(found->second.status, found->second.body ? *found->second.body : std::string());
  return &found_;
}

void DedupeWindow::remember(const ActivityKey& key, const TurnReply& reply) {
  forget_old();
  const auto cost = entry_bytes + reply.body.size();
  if (cost > max_bytes_) {
    return;
  }
  while (bytes_ + cost > max_bytes_) {
    forget_first();
  }
  Done done;
  done.status = reply.status;
  if (!reply.body.empty()) {
    done.body = std::make_unique<std::string>(reply.body);
  }
  if (done_.emplace(key, std::move(done)).second) {
    ages_.push_back({key, clock_.now() + window_});
    bytes_ += cost;
  }
}

void DedupeWindow::forget_old() {
  if (ages_.empty()) {
    return;
  }
  const auto now = clock_.now();
  while (!ages_.empty() && ages_.front().until <= now) {
    forget_first();
  }
}

void DedupeWindow::forget_first() {
  const auto found = done_.find(ages_.front().key);
  if (found != done_.end()) {
    bytes_ -= entry_bytes + (found->second.body ? found->second.body->size() : 0);
    done_.erase(found);
  }
  ages_.pop_front();
}

}  // namespace tern::runtime
