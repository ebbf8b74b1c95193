#include "runtime/conversation_queues.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tern::runtime {
namespace {

/// Some conversations share a hash.
class Names {
 public:
  explicit Names(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      ids_.push_back(std::to_string(i));
    }
  }
  ConversationKey key(std::uint64_t conversation) const {
    ConversationKey made("emulator", ids_[conversation]);
    made.hash = conversation / 3;
    return made;
  }

 private:
  std::vector<std::string> ids_;
};

struct Item : Queued {
  explicit Item(const ConversationKey& conversation) : Queued(conversation) {}
};

/// The queues beside a plain map of lists.
class QueuesModel {
 public:
  QueuesModel(std::mt19937_64& random, std::size_t most, std::uint64_t conversations)
      : random_(random), most_(most), conversations_(conversations), names_(conversations), queues_(most) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    const auto conversation = random_() % conversations_;
    switch (random_() % 20) {
      case 0:
        queues_.clear();
        waiting_.clear();
        running_.clear();
        return difference();
      case 1:
      case 2:
        return abandon(conversation);
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        return leave(conversation);
      default:
        return enter(conversation);
    }
  }

 private:
  using Admission = ConversationQueues::Admission;

  std::string enter(std::uint64_t conversation) {
    auto item = std::make_unique<Item>(names_.key(conversation));
    const auto found = waiting_.find(conversation);
    const auto expected = found == waiting_.end()        ? Admission::start
                          : found->second.size() < most_ ? Admission::wait
                                                         : Admission::full;
    if (queues_.enter(*item) != expected || item->waiting() != (expected == Admission::wait)) {
      return "a turn was not admitted as it should be";
    }
    if (expected == Admission::start) {
      waiting_[conversation];
      running_[conversation] = std::move(item);
    } else if (expected == Admission::wait) {
      found->second.push_back(std::move(item));
    }
    return difference();
  }

  std::string leave(std::uint64_t conversation) {
    const auto found = waiting_.find(conversation);
    const Queued* expected = found == waiting_.end() || found->second.empty() ? nullptr : found->second.front().get();
    if (queues_.next(names_.key(conversation)) != expected) {
      return "another turn goes on than should";
    }
    if (expected != nullptr) {
      running_[conversation] = std::move(found->second.front());
      found->second.pop_front();
    } else if (found != waiting_.end()) {
      waiting_.erase(found);
      running_.erase(conversation);
    }
    return difference();
  }

  // Any that waits, which is destroyed then.
  std::string abandon(std::uint64_t conversation) {
    const auto found = waiting_.find(conversation);
    if (found != waiting_.end() && !found->second.empty()) {
      const auto at = found->second.begin() + static_cast<std::ptrdiff_t>(random_() % found->second.size());
      queues_.abandon(**at);
      if ((*at)->waiting()) {
        return "a turn that was given up waits on";
      }
      found->second.erase(at);
    }
    Item stranger(names_.key(conversation));
    queues_.abandon(stranger);  // it waits nowhere
    return difference();
  }

  std::string difference() const {
    return queues_.conversations() == waiting_.size()
               ? ""
               : "it has " + std::to_string(queues_.conversations()) + " conversations instead of " +
                     std::to_string(waiting_.size());
  }

  std::mt19937_64& random_;
  std::size_t most_;
  std::uint64_t conversations_;
  Names names_;
  std::map<std::uint64_t, std::deque<std::unique_ptr<Item>>> waiting_;  // behind the one that runs
  std::map<std::uint64_t, std::unique_ptr<Item>> running_;
  ConversationQueues queues_;  // goes before what is in it
};

TEST(ConversationQueues, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 50; ++run) {
    QueuesModel model(random, random() % 6, 1 + random() % 60);
    for (int step = 0; step < 1'000; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::runtime
