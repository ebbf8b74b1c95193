#include "async/log_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tern::log::detail {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t bound = std::size_t{16} << 10;  // several times what a pipe takes
constexpr auto patience = 1min;

std::string gap(std::uint64_t lines) {
  return "gap of " + std::to_string(lines) + "\n";
}

/// A pipe of the smallest size: what is written to it stalls early.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0 || ::fcntl(in(), F_SETPIPE_SZ, 4096) < 0) {
      throw std::runtime_error("no pipe could be made");
    }
  }
  ~Pipe() {
    close_reader();
    ::close(in());
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int in() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) {
      ::close(ends_[0]);
      ends_[0] = -1;
    }
  }
  /// Reads until `text` has come.
  std::string read_until(const std::string& text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
      std::array<char, 4096> part{};
      const auto size = ::read(ends_[0], part.data(), part.size());
      if (size <= 0) {
        return all + " (the end)";
      }
      all.append(part.data(), static_cast<std::size_t>(size));
    }
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

std::string line(int number) {
  return "line " + std::to_string(number) + " " + std::string(100, 'x');
}

/// Adds lines, which nobody reads, until one is dropped; how many were taken.
int fill(LogWriter& writer) {
  int taken = 0;
  while (writer.add(line(taken))) {
    ++taken;
  }
  return taken;
}

TEST(LogWriter, WritesLinesInTheirOrder) {
  Pipe pipe;
  LogWriter writer(pipe.in(), bound, gap);
  EXPECT_TRUE(writer.add("one"));
  EXPECT_TRUE(writer.add("two"));
  EXPECT_TRUE(writer.add("three"));
  EXPECT_TRUE(writer.flush(patience));
  EXPECT_EQ(pipe.read_until("three\n"), "one\ntwo\nthree\n");
  EXPECT_EQ(writer.dropped(), 0U);
}

TEST(LogWriter, AReaderThatStallsHoldsNobodyAndFindsHowMuchIsMissing) {
  Pipe pipe;
  LogWriter writer(pipe.in(), bound, gap);
  const int taken = fill(writer);
  EXPECT_EQ(writer.dropped(), 1U);
  const auto said = pipe.read_until("gap of 1\n");
  EXPECT_THAT(said, StartsWith("line 0 "));
  EXPECT_THAT(said, EndsWith(line(taken - 1) + "\ngap of 1\n")) << "it stands where the line is missing";
  EXPECT_TRUE(writer.flush(patience));
  EXPECT_TRUE(writer.add("goes on"));
  EXPECT_EQ(pipe.read_until("goes on\n"), "goes on\n");
}

TEST(LogWriter, AFlushGivesUpWhenNobodyReads) {
  Pipe pipe;
  LogWriter writer(pipe.in(), bound, gap);
  fill(writer);
  EXPECT_FALSE(writer.flush(1ms));
  pipe.close_reader();
  EXPECT_TRUE(writer.flush(patience)) << "nothing waits any more: it is lost";
}

TEST(LogWriter, ALastLineIsTakenWhateverWaits) {
  Pipe pipe;
  LogWriter writer(pipe.in(), bound, gap);
  fill(writer);
  writer.add_always("the last");
  EXPECT_THAT(pipe.read_until("the last\n"), HasSubstr("line 0 "));
}

TEST(LogWriter, AReaderThatIsGoneIsNoSignalAndWhatIsLostIsCounted) {
  Pipe pipe;
  LogWriter writer(pipe.in(), bound, gap);
  pipe.close_reader();
  EXPECT_TRUE(writer.add("one"));
  EXPECT_TRUE(writer.flush(patience));
  EXPECT_TRUE(writer.add("two"));
  EXPECT_TRUE(writer.flush(patience));
  EXPECT_EQ(writer.dropped(), 2U);
}

TEST(LogWriter, AFileThatDoesNotBlockIsWaitedFor) {
  Pipe pipe;
  ::fcntl(pipe.in(), F_SETFL, ::fcntl(pipe.in(), F_GETFL) | O_NONBLOCK);
  LogWriter writer(pipe.in(), bound, gap);
  const int taken = fill(writer);
  EXPECT_THAT(pipe.read_until("gap of 1\n"), HasSubstr(line(taken - 1)));
  EXPECT_EQ(writer.dropped(), 1U) << "nothing else was lost";
}

TEST(LogWriter, TheBoundCanBeMoved) {
  Pipe pipe;
  LogWriter writer(pipe.in(), bound, gap);
  writer.limit(0);
  EXPECT_FALSE(writer.add("no room"));
  EXPECT_TRUE(writer.flush(patience));
  EXPECT_EQ(pipe.read_until("gap of 1\n"), "gap of 1\n");
  writer.limit(bound);
  EXPECT_TRUE(writer.add("room"));
  EXPECT_EQ(pipe.read_until("room\n"), "room\n");
}

TEST(LogWriter, ALineThatIsLargerThanTheBoundStopsNoOther) {
  Pipe pipe;
  LogWriter writer(pipe.in(), bound, gap);
  EXPECT_TRUE(writer.add("before"));
  EXPECT_TRUE(writer.flush(patience));
  EXPECT_FALSE(writer.add(std::string(bound, 'x')));
  EXPECT_TRUE(writer.flush(patience));
  EXPECT_TRUE(writer.add("after"));
  EXPECT_EQ(pipe.read_until("after\n"), "before\ngap of 1\nafter\n");
}

TEST(LogWriter, LinesOfSeveralThreadsStayWhole) {
  Pipe pipe;
  std::string said;
  std::thread reader([&] { said = pipe.read_until("the end\n"); });
  LogWriter writer(pipe.in(), std::size_t{1} << 20, gap);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&writer] {
      for (int n = 0; n < 100; ++n) {
        writer.add("a whole line");
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  writer.add("the end");
  reader.join();
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    expected += "a whole line\n";
  }
  EXPECT_EQ(said, expected + "the end\n");
}

}  // namespace
}  // namespace tern::log::detail
