#include <tern/async/manual_clock.hpp>

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include "async/timing_wheel.hpp"
#include "support/random_seed.hpp"

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace tern {
namespace {

using namespace std::chrono_literals;

/// A wheel beside a plain table of when each entry is to fire. What fires arms, moves, disarms and destroys entries,
/// itself too.
class WheelModel {
 public:
  explicit WheelModel(std::mt19937_64& random) : random_(random), looked_(tick_of_now()) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    if (random_() % 3 == 0) {
      advance();
    } else {
      change(random_() % places);
    }
    return difference();
  }

 private:
  static constexpr std::size_t places = 40;
  static constexpr auto tick = std::chrono::nanoseconds(TimingWheel::tick).count();

  class Probe final : public TimingWheel::Entry {
   public:
    Probe(WheelModel& model, std::size_t place) : model_(model), place_(place) {}
    ~Probe() override = default;

   private:
    void on_expired() noexcept override { model_.fired(place_); }  // which may destroy this
    WheelModel& model_;
    std::size_t place_;
  };
  struct Place {
    std::unique_ptr<Probe> probe;
    std::optional<std::int64_t> due;  ///< the first tick at which it may fire; nullopt: it is not armed
  };

  std::int64_t tick_of_now() const { return clock_.now().time_since_epoch().count() / tick; }

  SteadyTime any_time() {
    const auto near = std::chrono::nanoseconds(random_() % std::chrono::nanoseconds(2s).count());
    switch (random_() % 6) {
      case 0:
        return clock_.now() - near;
      case 1:
        return clock_.now() + 10 * near;
      case 2:
        return clock_.now() + 60 * near;  // rounds of the wheel away
      case 3:
        return SteadyTime(SteadyTime::duration((looked_ + static_cast<std::int64_t>(random_() % 600)) * tick));
      default:
        return clock_.now() + near;
    }
  }

  void arm(Place& place) {
    const auto when = any_time();
    const auto count = when.time_since_epoch().count();
    place.due = std::max(count / tick + (count % tick > 0 ? 1 : 0), looked_ + 1);
    wheel_.arm(*place.probe, Deadline::at(when));
  }

  void change(std::size_t number) {
    auto& place = places_[number];
    if (!place.probe) {
      place.probe = std::make_unique<Probe>(*this, number);
    }
    switch (random_() % 6) {
      case 0:
        place.due.reset();
        place.probe.reset();
        break;
      case 1:
        place.due.reset();
        wheel_.disarm(*place.probe);
        break;
      case 2:
        place.due.reset();
        wheel_.arm(*place.probe, Deadline::never());
        break;
      default:
        arm(place);
    }
  }

  void advance() {
    switch (random_() % 8) {
      case 0:
        clock_.advance(std::chrono::seconds(random_() % 100));  // up to four rounds
        break;
      case 1:
        break;
      default:
        clock_.advance(std::chrono::milliseconds(random_() % 200));
    }
    looked_ = std::max(looked_, tick_of_now());
    wheel_.expire_due();
    for (const auto& place : places_) {
      if (place.due && *place.due <= looked_ && wrong_.empty()) {
        wrong_ = "an entry did not fire";
      }
    }
  }

  void fired(std::size_t number) {
    auto& place = places_[number];
    if (!place.due || *place.due > looked_) {
      wrong_ = place.due ? "an entry fired early" : "an entry fired that is not armed";
    }
    if (place.probe->armed()) {
      wrong_ = "an entry is armed while it fires";
    }
    place.due.reset();
    for (auto others = random_() % 4; others > 0; --others) {
      change(random_() % places);
    }
    if (random_() % 3 == 0) {
      change(number);
    }
  }

  std::string difference() const {
    for (std::size_t i = 0; i < places; ++i) {
      if (places_[i].probe && places_[i].probe->armed() != places_[i].due.has_value()) {
        return "entry " + std::to_string(i) + (places_[i].due ? " is not armed" : " is armed");
      }
    }
    return wrong_;
  }

  std::mt19937_64& random_;
  ManualClock clock_;
  asio::io_context io_{1};
  std::int64_t looked_;
  std::string wrong_;
  std::array<Place, places> places_;
  TimingWheel wheel_{clock_, io_.get_executor()};  // goes before its entries
};

TEST(TimingWheel, DoesWhatAPlainTableDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 15; ++run) {
    WheelModel model(random);
    for (int step = 0; step < 1'000; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern
