#include "storage/process_name.hpp"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

enum class Seen { ended, living, unknown };

// How a neighbour under another user sees a process whose folder in /proc is hidden from it; unknown where this test
// may hide none.
Seen seen_where_proc_hides(const std::string& name, pid_t pid) {
  constexpr uid_t nobody = 65534;
  const auto folder = "/proc/" + std::to_string(pid);
  const auto child = ::fork();
  if (child == 0) {
    const bool apart = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    const bool hidden = apart && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                        ::mount("none", folder.c_str(), "tmpfs", 0, nullptr) == 0;
    [[maybe_unused]] const int kept = ::setuid(nobody);  // without the right it stays who it is
    const auto seen = !hidden ? Seen::unknown : is_ended_neighbour(name) ? Seen::ended : Seen::living;
    ::_exit(static_cast<int>(seen));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? static_cast<Seen>(WEXITSTATUS(status)) : Seen::unknown;
}

TEST(ProcessName, TellsAnEndedNeighbourFromALivingOne) {
  EXPECT_FALSE(is_ended_neighbour(process_name()));
  EXPECT_TRUE(is_ended_neighbour(name_of_an_ended_process()));
}

// As hidepid=2 does to processes of other users.
TEST(ProcessName, ALivingNeighbourThatProcHidesHasNotEnded) {
  const auto seen = seen_where_proc_hides(process_name(), ::getpid());
  if (seen == Seen::unknown) {
    GTEST_SKIP() << "nothing can be mounted here";
  }
  EXPECT_EQ(seen, Seen::living);
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
  // What is no process id must not be asked for as one: 0 and less are groups of processes.
  const auto own = process_name();
  const auto id = own.find('/', own.find('/') + 1) + 1;
  for (const auto* other : {"0", "-1", "self", "1x", "99999999999999999999"}) {
    auto odd = own;
    odd.replace(id, odd.find('/', id) - id, other);
    EXPECT_FALSE(is_ended_neighbour(odd)) << other;
  }
}

}  // namespace
}  // namespace tern::storage
