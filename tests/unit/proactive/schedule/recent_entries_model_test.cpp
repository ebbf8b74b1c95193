#include "proactive/schedule/recent_entries.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <map>
#include <random>
#include <string>
#include <tuple>

namespace tern::proactive {
namespace {

/// What is remembered beside a plain map of when each came. Between its time and twice that, either may be.
class RecentModel {
 public:
  explicit RecentModel(std::mt19937_64& random) : random_(random) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    now_ += std::chrono::milliseconds(random_() % 10 == 0 ? random_() % 2'000 : random_() % 60);
    DueEntry entry;
    entry.id[0] = static_cast<std::uint8_t>(random_() % 20);
    entry.generation = static_cast<std::uint32_t>(random_() % 2);
    entry.attempt = static_cast<std::uint16_t>(random_() % 2);
    const Name name{entry.id[0], entry.generation, entry.attempt};
    const auto wrong = random_() % 4 == 0 ? forget(entry, name) : come(entry, name);
    return !wrong.empty() ? wrong : recent_.size() > all_.size() ? "it holds more than came of late" : "";
  }

 private:
  using Name = std::tuple<std::uint8_t, std::uint32_t, std::uint16_t>;
  struct Came {
    SteadyTime at;
    bool again = false;
  };

  bool must_be_known(const Name& name) const {
    const auto found = all_.find(name);
    return found != all_.end() && added_ - found->second.at < RecentEntries::kept;
  }

  // As the scheduler does: what came already is not added again.
  std::string come(const DueEntry& entry, const Name& name) {
    const bool known = recent_.came_again(entry);
    const auto found = all_.find(name);
    if (known && found == all_.end()) {
      return "it knows what it should have forgotten";
    }
    if (!known && must_be_known(name)) {
      return "it has forgotten too early";
    }
    if (known) {
      found->second.again = true;
      return {};
    }
    recent_.add(entry, now_);
    all_[name] = {now_};
    added_ = now_;
    std::erase_if(all_, [this](const auto& one) { return now_ - one.second.at >= 2 * RecentEntries::kept; });
    return {};
  }

  std::string forget(const DueEntry& entry, const Name& name) {
    const bool again = recent_.forget(entry);
    const auto found = all_.find(name);
    const bool came_again = found != all_.end() && found->second.again;
    const bool must = must_be_known(name);
    if (again != came_again && (again || must)) {
      return again ? "it says that one came again which did not" : "it does not say that one came again";
    }
    all_.erase(name);
    return recent_.came_again(entry) ? "it knows what was forgotten" : "";
  }

  std::mt19937_64& random_;
  RecentEntries recent_;
  std::map<Name, Came> all_;
  SteadyTime now_{std::chrono::hours(1)};
  SteadyTime added_{};  ///< when the last was added: only then is anything forgotten
};

TEST(RecentEntries, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 30; ++run) {
    RecentModel model(random);
    for (int step = 0; step < 2'000; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::proactive
