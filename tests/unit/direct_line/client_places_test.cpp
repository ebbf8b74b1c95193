#include "direct_line/client_places.hpp"

#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using Lack = ClientPlaces::Lack;
using testing::ElementsAre;

TEST(ClientPlacesTest, AreSharedByTheClients) {
  ManualClock clock;
  ClientPlaces places(3, 2, clock);
  auto first = places.take("a");
  const auto second = places.take("a");
  EXPECT_TRUE(first.place && second.place);
  EXPECT_EQ(places.take("a").lack, Lack::of_client);
  auto other = places.take("b");
  EXPECT_TRUE(other.place);
  EXPECT_EQ(places.take("b").lack, Lack::of_all);
  EXPECT_EQ(places.take("c").lack, Lack::of_all);
  EXPECT_EQ(places.taken(), 3U);
  first.place.reset();
  EXPECT_TRUE(places.take("c").place);
  other.place.reset();
  EXPECT_EQ(places.taken(), 1U);
  EXPECT_EQ(places.clients(), 1U) << "clients without places are forgotten";
}

TEST(ClientPlacesTest, WithoutLimitsAreForAll) {
  ManualClock clock;
  ClientPlaces places(0, 0, clock);
  std::vector<ClientPlaces::Taken> taken;
  for (int i = 0; i < 1000; ++i) {
    taken.push_back(places.take("a"));
    EXPECT_TRUE(taken.back().place);
  }
}

class WaitForAPlace : public testing::Test {
 protected:
  void wait(const std::string& client, const std::string& name, Deadline by = Deadline::never(),
            asio::cancellation_slot slot = {}) {
    auto work = places.wait(client, by);
    asio::co_spawn(
        io, std::move(work),
        asio::bind_cancellation_slot(slot, [this, name](const std::exception_ptr& error, ClientPlaces::Taken taken) {
          if (taken.place) {
            had.push_back(name);
            held.push_back(std::move(taken.place));
          } else {
            lost.push_back(name);
          }
          EXPECT_EQ(!error, name != "cancelled");
        }));
    tern::test::drain(io);
  }
  void release() {
    held.erase(held.begin());
    tern::test::drain(io);
  }

  ManualClock clock;
  ClientPlaces places{3, 1, clock};
  asio::io_context io{1};
  std::vector<std::string> had;
  std::vector<std::string> lost;
  std::vector<std::shared_ptr<void>> held;
};

TEST_F(WaitForAPlace, IsInOrderForEachClient) {
  wait("a", "a1");
  wait("a", "a2");
  wait("a", "a3");
  wait("b", "b1");
  EXPECT_THAT(had, ElementsAre("a1", "b1"));
  release();
  EXPECT_THAT(had, ElementsAre("a1", "b1", "a2"));
  held.clear();
  tern::test::drain(io);
  EXPECT_THAT(had, ElementsAre("a1", "b1", "a2", "a3"));
  held.clear();
  EXPECT_EQ(places.taken(), 0U);
  EXPECT_EQ(places.clients(), 0U);
}

TEST_F(WaitForAPlace, EndsInTimeAndWhenItIsCancelled) {
  asio::cancellation_signal stop;
  wait("a", "a1");
  wait("a", "late", Deadline::after(5s, clock));
  wait("a", "cancelled", Deadline::never(), stop.slot());
  wait("a", "a2");
  clock.advance(5s);
  tern::test::drain(io);
  stop.emit(asio::cancellation_type::terminal);
  tern::test::drain(io);
  EXPECT_THAT(lost, ElementsAre("late", "cancelled"));
  release();
  EXPECT_THAT(had, ElementsAre("a1", "a2"));
  held.clear();
  EXPECT_EQ(places.clients(), 0U);
}

TEST_F(WaitForAPlace, IsNotForThePlacesOfAll) {
  wait("a", "a1");
  wait("b", "b1");
  wait("c", "c1");
  wait("d", "d1");
  EXPECT_THAT(lost, ElementsAre("d1"));
}

TEST(ClientPlacesLoop, LosesNoPlaceWhereverAWaiterIsDestroyed) {
  ManualClock clock;
  ClientPlaces places(3, 1, clock);
  struct Scenario {
    std::shared_ptr<void> place;
    bool advance() {
      const bool had = place != nullptr;
      place.reset();
      return had;
    }
  };
  tern::test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    EXPECT_EQ(places.taken(), 0U);
    Scenario made{places.take("a").place};
    for (int i = 0; i < 3; ++i) {
      auto work = places.wait("a", Deadline::never());
      asio::co_spawn(io, std::move(work), [](const std::exception_ptr&, ClientPlaces::Taken) {});
    }
    return made;
  });
  EXPECT_EQ(places.clients(), 0U);
}

}  // namespace
}  // namespace tern::direct_line
