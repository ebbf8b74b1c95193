#include "storage/process_name.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace tern::storage {
namespace {

// The name of a child that has ended and was waited for.
std::string name_of_an_ended_process() {
  std::array<int, 2> channel{};
  EXPECT_EQ(::pipe(channel.data()), 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto name = process_name();
    const auto written = ::write(channel[1], name.data(), name.size());
    ::_exit(written == static_cast<ssize_t>(name.size()) ? 0 : 1);
  }
  std::array<char, 512> name{};
  const auto length = ::read(channel[0], name.data(), name.size());
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(channel[0]);
  ::close(channel[1]);
  return {name.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

TEST(ProcessName, TellsAnEndedNeighbourFromALivingOne) {
  EXPECT_FALSE(is_ended_neighbour(process_name()));
  EXPECT_TRUE(is_ended_neighbour(name_of_an_ended_process()));
}

TEST(ProcessName, IsNeverTheSame) {
  EXPECT_NE(process_name(), process_name());
}

TEST(ProcessName, OfAnotherProcessWithTheSameIdIsOfOneThatEnded) {
  auto name = process_name();
  const auto unique = name.rfind('/');
  const auto start = name.rfind('/', unique - 1);
  name.replace(start + 1, unique - start - 1, "1");
  EXPECT_TRUE(is_ended_neighbour(name));
}

TEST(ProcessName, SaysNothingOfOtherPlaces) {
  auto name = name_of_an_ended_process();
  const auto place = name.find('/') + 1;
  name.replace(place, 4, "0000");
  EXPECT_FALSE(is_ended_neighbour(name));
  EXPECT_FALSE(is_ended_neighbour(""));
  EXPECT_FALSE(is_ended_neighbour("host/1234/unique"));
  EXPECT_FALSE(is_ended_neighbour("////"));
}

}  // namespace
}  // namespace tern::storage
