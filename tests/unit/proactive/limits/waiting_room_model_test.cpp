#include "proactive/limits/waiting_room.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

/// A room beside a plain map of lists. Whom it sends away is its own affair: they must be given a time to come back,
/// those of a scope apart.
class RoomModel {
 public:
  RoomModel(std::mt19937_64& random, std::size_t capacity, std::uint64_t scopes)
      : random_(random), capacity_(capacity), scopes_(scopes), room_(capacity, 5s) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    now_ += std::chrono::milliseconds(random_() % 400);
    switch (random_() % 10) {
      case 0:
        return drop(random_() % 5);
      case 1:
      case 2:
      case 3:
        return take();
      default:
        return enter(1 + random_() % scopes_);
    }
  }

  /// All that wait go in the end.
  std::string finish() {
    now_ += 1h;
    while (size() > 0) {
      const auto before = size();
      if (auto wrong = take(); !wrong.empty()) {
        return wrong;
      }
      if (size() > before) {
        return "it grows";
      }
      now_ += 1s;
    }
    return room_.next() ? "it is empty, and a time comes" : difference();
  }

 private:
  struct Queue {
    std::deque<std::uint64_t> numbers;
    SteadyTime at{};
  };

  static WaitingSend numbered(std::uint64_t number) {
    WaitingSend send;
    send.entry.seq = number;
    std::memcpy(send.entry.id.data(), &number, sizeof number);
    return send;
  }

  std::size_t size() const {
    std::size_t all = 0;
    for (const auto& [scope, queue] : queues_) {
      all += queue.numbers.size();
    }
    return all;
  }

  std::string enter(std::uint64_t scope) {
    const SteadyTime::duration spacing = std::chrono::milliseconds(random_() % 1'000);
    const Limiter::Leave leave{now_ + std::chrono::milliseconds(random_() % 6'000), scope, spacing};
    const auto send = numbered(++last_);
    const auto back = room_.enter(leave, now_, send);
    if (back) {
      const bool is_apart = !back_.contains(scope) || *back >= back_[scope] + spacing;
      back_[scope] = *back;
      if (*back < now_ || !is_apart) {
        return "those who are sent away come back too early, or together";
      }
      return room_.find(send.entry.id) != nullptr ? "one that was sent away is there" : difference();
    }
    if (size() >= capacity_) {
      return "it takes in more than it may hold";
    }
    auto& queue = queues_[scope];
    queue.at = queue.numbers.empty() ? leave.at : queue.at;
    queue.numbers.push_back(last_);
    return difference();
  }

  std::string take() {
    auto first = queues_.end();
    for (auto queue = queues_.begin(); queue != queues_.end(); ++queue) {
      if (first == queues_.end() || queue->second.at < first->second.at) {
        first = queue;
      }
    }
    auto taken = room_.take(now_);
    const bool expected = first != queues_.end() && first->second.at <= now_;
    if (taken.has_value() != expected) {
      return expected ? "one whose time has come does not go" : "one goes before its time";
    }
    if (!taken) {
      return difference();
    }
    const auto from = std::find_if(queues_.begin(), queues_.end(), [&](const auto& one) {
      return one.second.at == first->second.at && one.second.numbers.front() == taken->entry.seq;
    });
    if (from == queues_.end()) {
      return "another one goes than the first of its queue";
    }
    const auto scope = from->first;
    from->second.numbers.pop_front();
    if (from->second.numbers.empty()) {
      queues_.erase(from);
    }
    if (random_() % 3 == 0) {
      wait_on(scope, *taken);
    } else if (room_.find(taken->entry.id) != nullptr) {
      return "one that has gone is there";
    }
    return difference();
  }

  // Held back by the same scope, or by another one.
  void wait_on(std::uint64_t before, const WaitingSend& send) {
    const auto scope = random_() % 2 == 0 ? before : 1 + random_() % scopes_;
    const Limiter::Leave leave{now_ + std::chrono::milliseconds(random_() % 6'000), scope, 10ms};
    auto& queue = queues_[scope];
    queue.at = queue.numbers.empty() ? leave.at : std::max(queue.at, leave.at);
    queue.numbers.push_front(send.entry.seq);
    room_.enter_again(leave, send);
  }

  std::string drop(std::size_t which) {
    const auto is_so = [which](std::uint64_t number) { return number % 5 == which; };
    std::size_t told = 0;
    const auto before = size();
    room_.drop([&](const WaitingSend& send) { return is_so(send.entry.seq); }, [&](const WaitingSend&) { ++told; });
    for (auto& [scope, queue] : queues_) {
      std::erase_if(queue.numbers, is_so);
    }
    std::erase_if(queues_, [](const auto& one) { return one.second.numbers.empty(); });
    return before - size() != told ? "it tells of others than it gave up" : difference();
  }

  std::string difference() const {
    std::optional<SteadyTime> next;
    for (const auto& [scope, queue] : queues_) {
      next = std::min(next.value_or(queue.at), queue.at);
      const auto held = room_.held_by({scope, 0, 0, nullptr});
      if (!held || held->at != queue.at || held->scope != scope) {
        return "it does not say that a scope is held back";
      }
      for (const auto number : queue.numbers) {
        const auto* found = room_.find(numbered(number).entry.id);
        if (found == nullptr || found->seq != number) {
          return "one that waits is not found";
        }
      }
    }
    if (room_.size() != size()) {
      return "it counts " + std::to_string(room_.size()) + " instead of " + std::to_string(size());
    }
    return room_.next() == next ? "" : "its next time is another one";
  }

  std::mt19937_64& random_;
  std::size_t capacity_;
  std::uint64_t scopes_;
  WaitingRoom room_;
  SteadyTime now_{std::chrono::hours(1)};
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Queue> queues_;  // none is empty
  std::map<std::uint64_t, SteadyTime> back_;
};

TEST(WaitingRoom, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 30; ++run) {
    RoomModel model(random, random() % 30, 1 + random() % 10);
    for (int step = 0; step < 300; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
    ASSERT_EQ(model.finish(), "") << "run " << run;
  }
}

}  // namespace
}  // namespace tern::proactive
