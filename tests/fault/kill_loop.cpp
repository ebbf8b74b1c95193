#include "fault/kill_loop.hpp"

#include <tern/async/log.hpp>

#include "support/run.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string_view>

extern char** environ;

namespace tern::fault {

namespace {

using namespace std::chrono_literals;

constexpr int all_conversations = 16;

std::string left_of(int conversation) {
  return "kill/" + std::to_string(conversation) + "/left";
}
std::string right_of(int conversation) {
  return "kill/" + std::to_string(conversation) + "/right";
}

// The number in both documents of a conversation, -1 when they differ.
awaitable<long> number_of(AnyStorage store, int conversation) {
  std::vector<std::string> keys(1, left_of(conversation));
  keys.push_back(right_of(conversation));
  auto items = co_await store.read(std::move(keys), Deadline::after(20s));
  if (items.empty()) {
    co_return 0;
  }
  const auto* left = items.find(left_of(conversation));
  const auto* right = items.find(right_of(conversation));
  if (left == nullptr || right == nullptr || left->document != right->document) {
    co_return -1;
  }
  co_return std::strtol(left->document.c_str(), nullptr, 10);
}

// Writes on and on, and tells each number once it is confirmed.
awaitable<void> write_on(AnyStorage store, int conversation) {
  auto number = co_await number_of(store, conversation);
  for (;;) {
    ++number;
    StoreChanges changes;
    changes.upserts.emplace_back(left_of(conversation), std::to_string(number));
    changes.upserts.emplace_back(right_of(conversation), std::to_string(number));
    auto written = co_await store.write(std::move(changes), Deadline::after(20s));
    if (!written.has_value()) {
      throw std::logic_error("a write without an expectation met a conflict");
    }
    char line[64];
    const int length = std::snprintf(line, sizeof line, "ack %d %ld\n", conversation, number);
    if (::write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) != length) {
      throw std::runtime_error("nobody listens");
    }
  }
}

// This program again, as the writer, with its standard output in `output`.
int start_writer(const std::string& writer, const std::string& place, int output) {
  std::vector<std::string> words{"/proc/self/exe", "--gtest_also_run_disabled_tests", "--gtest_filter=" + writer};
  std::vector<char*> arguments;
  for (auto& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  auto given = "TERN_FAULT_STORE=" + place;
  std::vector<char*> environment;
  for (auto** variable = environ; *variable != nullptr; ++variable) {
    // What part of the cases this process runs is no matter of the writer, which is a case of its own.
    if (!std::string_view(*variable).starts_with("GTEST_")) {
      environment.push_back(*variable);
    }
  }
  environment.push_back(given.data());
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t process = 0;
  const int failed = ::posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? process : 0;
}

// Lets a writer confirm `enough` writes, kills it, and notes in `confirmed` what it has told until its end, and in
// `acknowledged` how many writes that were.
void write_and_kill(const std::string& test, const std::string& place, int enough, std::map<int, long>& confirmed,
                    long& acknowledged) {
  int ends[2]{};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const int writer = start_writer(test, place, ends[1]);
  ::close(ends[1]);
  ASSERT_NE(writer, 0);
  auto* told = ::fdopen(ends[0], "r");
  char line[256];
  int told_now = 0;
  while (std::fgets(line, sizeof line, told) != nullptr) {
    int conversation = 0;
    long number = 0;
    if (std::sscanf(line, "ack %d %ld\n", &conversation, &number) == 2) {  // NOLINT(cert-err34-c)
      confirmed[conversation] = std::max(confirmed[conversation], number);
      if (++told_now == enough) {
        ::kill(writer, SIGKILL);
      }
    }
  }
  std::fclose(told);
  int status = 0;
  ::waitpid(writer, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the writer ended by itself";
  EXPECT_GE(told_now, enough);
  acknowledged += told_now;
}

struct Outcome {
  long kills = 0;
  long acknowledged = 0;
  long lost = 0;
  long half_applied = 0;
};

void look_for_losses(AnyStorage store, const std::map<int, long>& confirmed, Outcome& all) {
  test::run(store.open(Deadline::after(20s)));
  for (int i = 0; i < all_conversations; ++i) {
    const auto number = test::run(number_of(store, i));
    const auto told = confirmed.find(i);
    const auto least = told != confirmed.end() ? told->second : 0;
    EXPECT_NE(number, -1) << "half a write of conversation " << i;
    EXPECT_GE(number, least) << "a confirmed write of conversation " << i << " is lost";
    all.half_applied += number == -1 ? 1 : 0;
    all.lost += number != -1 && number < least ? least - number : 0;
  }
  test::run(store.close(Deadline::after(5s)));
}

}  // namespace

void write_until_killed(AnyStorage store) {
  asio::io_context io{1};
  test::run_on(io, store.open(Deadline::after(20s)));
  for (int i = 0; i < all_conversations; ++i) {
    asio::co_spawn(io, write_on(store, i), [](std::exception_ptr error) {
      if (error) {
        std::rethrow_exception(error);
      }
    });
  }
  io.restart();
  io.run();
}

void expect_confirmed_writes_outlive_kills(const std::string& writer, const std::string& place,
                                           const std::function<AnyStorage()>& open) {
  log::configure(log::Level::error, log::Format::text);
  const char* given = std::getenv("TERN_TEST_KILLS");
  const long wanted = given != nullptr ? std::strtol(given, nullptr, 10) : 8;
  std::map<int, long> confirmed;
  std::mt19937 random{std::random_device()()};
  Outcome all;
  for (; all.kills < wanted && !testing::Test::HasFailure(); ++all.kills) {
    write_and_kill(writer, place, static_cast<int>(random() % 400 + 1), confirmed, all.acknowledged);
    look_for_losses(open(), confirmed, all);
  }
  std::printf("kill -9, %ld times: %ld acknowledged writes, %ld lost, %ld half-applied\n", all.kills, all.acknowledged,
              all.lost, all.half_applied);
  std::fflush(stdout);
}

std::string writer_place() {
  const char* place = std::getenv("TERN_FAULT_STORE");
  return place != nullptr ? place : "";
}

}  // namespace tern::fault
