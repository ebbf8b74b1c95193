#include "runtime/reference_capture.hpp"

#include "support/bot_world.hpp"
#include "support/random_seed.hpp"
#include "turn/unit_of_work.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace tern::runtime {
namespace {

/// What is remembered beside a plain map of what is stored. It may forget, which costs a write; but what it takes for
/// stored must be, and what came last must not be forgotten.
class CaptureModel {
 public:
  CaptureModel(std::mt19937_64& random, test::BotWorld& world, std::size_t capacity)
      : random_(random),
        world_(world),
        capacity_(capacity < 2 ? 2 : capacity),
        conversations_(world.clock),
        capture_("local", conversations_, 4096, capacity) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    const auto user = "user-" + std::to_string(random_() % 12);
    switch (random_() % 8) {
      case 0:
        capture_.forget("emulator", user, "conv-1");
        stored_.erase(user);  // by somebody else, with a change of his own
        return {};
      case 1:
        return observe(user, "", true);
      default:
        return observe(user, "http://localhost:" + std::to_string(1 + random_() % 3), false);
    }
  }

 private:
  std::string observe(const std::string& user, const std::string& url, bool removed) {
    auto activity = world_.message("hello");
    activity.json()["from"] = {{"id", user}};
    if (removed) {
      activity.json()["type"] = "installationUpdate";
      activity.json()["action"] = "remove";
    } else {
      activity.set_service_url(url);
    }
    const bool news = capture_.has_news(activity);
    const auto found = stored_.find(user);
    const bool is_stored = !removed && found != stored_.end() && found->second == url;
    if (!news && !is_stored) {
      return "it takes for stored what is not";
    }
    if (news && is_stored && written_ - last_[user] < capacity_ / 2) {
      return "it has forgotten what was written of late";
    }
    if (!news || random_() % 4 == 0) {
      return {};  // or the commit fails
    }
    detail::UnitOfWork work(world_.runtime->environment(0), activity);
    const auto seen = capture_.observe(activity, work);
    if (!seen || !work.references_pending()) {
      return "it has news and writes nothing";
    }
    capture_.written(*seen);
    last_[user] = ++written_;
    if (removed) {
      stored_.erase(user);
    } else {
      stored_[user] = url;
    }
    return {};
  }

  std::mt19937_64& random_;
  test::BotWorld& world_;
  std::size_t capacity_;
  LastConversations conversations_;
  ReferenceCapture capture_;
  std::map<std::string, std::string> stored_;
  std::map<std::string, std::size_t> last_;
  std::size_t written_ = 0;
};

TEST(ReferenceCapture, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  test::BotWorld world(test::message_bot([](TurnContext&) -> awaitable<void> { co_return; }));
  for (int run = 0; run < 20; ++run) {
    CaptureModel model(random, world, random() % 20);
    for (int step = 0; step < 200; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::runtime
