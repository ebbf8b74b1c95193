// Two processes on a real server, with a clock that stands still: nobody looks at the store from time to time, so what
// comes has come by LISTEN and NOTIFY.
#include "direct_line/conversations.hpp"
#include "direct_line/follower.hpp"
#include "support/postgres_server.hpp"
#include "unit/direct_line/store.hpp"

#include <tern/storage/postgres_storage.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::direct_line {
namespace {

using test::some_id;
using testing::ElementsAre;

class Process {
 public:
  Process(const std::string& url, Clock& clock)
      : store_(opened(url, clock)), history_(store_, HistoryBounds{}, clock), all(history_, 10, clock) {
    std::promise<void> hears;
    bool is_told = false;
    const auto subscription = store_.listen("", [&](std::string_view) {
      if (!std::exchange(is_told, true)) {
        hears.set_value();
      }
    });
    all.listen();
    hears.get_future().wait();
  }
  ~Process() {
    all.stop_listening();
    tern::test::run(store_.close(Deadline::never()));
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

 private:
  static AnyStorage opened(const std::string& url, Clock& clock) {
    PostgresOptions options;
    options.url = url;
    auto store = AnyStorage::make<PostgresStorage>(std::move(options), clock);
    tern::test::run(store.open(Deadline::never()));
    return store;
  }

  AnyStorage store_;
  History history_;

 public:
  Conversations all;
};

class ReplicasOnPostgres : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = tern::test::PostgresServer::obstacle(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle;
    }
    server_.emplace();
    a = std::make_unique<Process>(server_->url(), clock);
    b = std::make_unique<Process>(server_->url(), clock);
    tern::test::run_on(io, a->all.history().begin(some_id, Head{}, Deadline::never()));
  }

  void append(Process& to, std::string_view text) {
    tern::test::run_on(io, to.all.at(some_id)->append(test::message(text), Deadline::never()));
  }
  /// Waits until so many activities have come.
  std::vector<std::string> next(Follower& follower, std::size_t count) {
    std::vector<std::string> texts;
    while (texts.size() < count) {
      for (auto& text : test::texts_of(tern::test::run_on(io, follower.next(Deadline::never())).activities)) {
        texts.push_back(std::move(text));
      }
    }
    return texts;
  }

  ManualClock clock;
  asio::io_context io{1};
  std::optional<tern::test::PostgresServer> server_;
  std::unique_ptr<Process> a;
  std::unique_ptr<Process> b;
};

TEST_F(ReplicasOnPostgres, HearOfWhatEachOtherStores) {
  Follower at_a(a->all.at(some_id), 0);
  Follower at_b(b->all.at(some_id), 0);
  for (int i = 0; i < 20; ++i) {
    append(*a, "a" + std::to_string(i));
    append(*b, "b" + std::to_string(i));
    EXPECT_THAT(next(at_a, 2), ElementsAre("a" + std::to_string(i), "b" + std::to_string(i)));
    EXPECT_THAT(next(at_b, 2), ElementsAre("a" + std::to_string(i), "b" + std::to_string(i)));
  }
}

TEST_F(ReplicasOnPostgres, HearOfWhatEachOtherShows) {
  Follower at_a(a->all.at(some_id), 0);
  Follower at_b(b->all.at(some_id), 0);
  append(*a, "one");
  EXPECT_THAT(next(at_a, 1), ElementsAre("one"));
  EXPECT_THAT(next(at_b, 1), ElementsAre("one"));
  for (auto* from : {a.get(), b.get()}) {
    tern::test::run_on(io, from->all.show(from->all.at(some_id), R"({"text":"typing"})", Deadline::never()));
    EXPECT_THAT(next(at_a, 1), ElementsAre("typing"));
    EXPECT_THAT(next(at_b, 1), ElementsAre("typing"));
  }
}

}  // namespace
}  // namespace tern::direct_line
