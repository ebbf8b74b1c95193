#include "proactive/schedule/run_places.hpp"

#include <gtest/gtest.h>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

const SteadyTime start{std::chrono::hours(1)};

WaitingSend waiting(std::uint8_t number) {
  WaitingSend one;
  one.entry.id[0] = number;
  return one;
}

TEST(InFlight, WhatIsNotRecordedTakesAPlaceToo) {
  InFlight flight({4, 1, 2});
  EXPECT_EQ(flight.room_to_send(0), 2u) << "a batch";
  const DueEntry entry;
  for (int i = 0; i < 3; ++i) {
    flight.enter(entry);
  }
  EXPECT_EQ(flight.room_to_send(0), 1u);
  EXPECT_EQ(flight.room_to_send(3), 0u);
  flight.leave(entry);
  EXPECT_EQ(flight.room_to_send(3), 1u);
  EXPECT_EQ(flight.all(), 2u);
}

TEST(InFlight, ContinuationsTakeNoPlaceOfMessages) {
  InFlight flight({1, 2, 8});
  const DueEntry entry;
  for (int i = 0; i < 2; ++i) {
    flight.enter(entry);
    flight.begin_run();
  }
  EXPECT_EQ(flight.room_to_send(0), 1u);
  EXPECT_FALSE(flight.has_place_to_run(0));
  flight.end_run();
  EXPECT_TRUE(flight.has_place_to_run(0));
  EXPECT_FALSE(flight.has_place_to_run(9)) << "too much is in doubt";
}

TEST(InFlight, KnowsTheSlots) {
  InFlight flight({4, 4, 4});
  DueEntry entry;
  entry.slot = 5;
  flight.enter(entry);
  EXPECT_EQ(flight.slots(), SlotSet(1u << 5));
  flight.leave(entry);
  EXPECT_TRUE(flight.slots().none());
}

TEST(RunPlaces, WhatFindsNoPlaceRunsInItsTurn) {
  InFlight flight({1, 1, 8});
  RunPlaces places(flight, 1, 8, 5s);
  EXPECT_FALSE(places.ask(0, start));
  for (std::uint8_t number = 1; number <= 2; ++number) {
    const auto hold = places.ask(0, start);
    ASSERT_TRUE(hold);
    EXPECT_FALSE(hold->room->enter(hold->leave, start, waiting(number)));
  }
  EXPECT_FALSE(places.take(0)) << "the first still runs";
  places.ended(2s);
  EXPECT_TRUE(places.ask(0, start)) << "others were here before";
  const auto next = places.take(0);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->entry.id[0], 1);
  places.withdrawn();
  EXPECT_EQ(places.take(0)->entry.id[0], 2);
  EXPECT_EQ(flight.running(), 1u);
}

// How long others run is a guess: nothing is sent away for long because of it.
TEST(RunPlaces, WhatHasNoRoomComesBackWithinAMinute) {
  InFlight flight({1, 1, 8});
  RunPlaces places(flight, 1, 1, 5s);
  EXPECT_FALSE(places.ask(0, start));
  places.ended(1h);
  EXPECT_GT(places.spacing(1), 10min);
  EXPECT_FALSE(places.ask(0, start));
  for (std::uint8_t number = 1; number <= 3; ++number) {
    const auto hold = places.ask(0, start);
    const auto back = hold->room->enter(hold->leave, start, waiting(number));
    EXPECT_LE(back.value_or(start), start + RunPlaces::longest_away);
  }
}

}  // namespace
}  // namespace tern::proactive
