#include "async/running.hpp"

#include <tern/async/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

namespace tern::detail {
namespace {

class Named final : public Running {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  Name running_name() const override { return {"channel", name_, "message"}; }

 private:
  std::string name_;
};

std::string now() {
  const auto name = running_slot.ask();
  return name ? name->conversation : "nobody";
}

awaitable<void> wait_a_round(executor ex) {
  co_await asio::post(ex, asio::deferred);
}

awaitable<void> work(std::string name, std::string& seen) {
  const Named named(name);
  const auto* const run = co_await this_run;
  const RunningScope running(named, run);
  const auto ex = co_await this_coro::executor;
  seen += now() + " ";
  co_await wait_a_round(ex);
  seen += now() + " ";
  co_await asio::post(ex, asio::deferred);
  seen += now() + " ";
}

TEST(Running, ACoroutineIsNamedWhileItRunsAndNobodyWhileItWaits) {
  asio::io_context io;
  std::string seen;
  asio::co_spawn(io, work("a", seen), asio::detached);
  asio::post(io, [&] { seen += now() + " "; });
  io.run();
  EXPECT_EQ(seen, "a nobody a a ");
  EXPECT_EQ(now(), "nobody");
}

TEST(Running, CoroutinesThatTakeTurnsAreNotMistakenForEachOther) {
  asio::io_context io;
  std::string of_a;
  std::string of_b;
  asio::co_spawn(io, work("a", of_a), asio::detached);
  asio::co_spawn(io, work("b", of_b), asio::detached);
  io.run();
  EXPECT_EQ(of_a, "a a a ");
  EXPECT_EQ(of_b, "b b b ");
}

awaitable<void> anonymous(std::string& seen) {
  const auto ex = co_await this_coro::executor;
  co_await asio::post(ex, asio::deferred);
  seen += now() + " ";
}

// Of a library that knows only Asio.
asio::awaitable<void> foreign(std::function<awaitable<void>()> work) {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  co_await work();
}

awaitable<void> begins(asio::awaitable<void> another, std::string& seen) {
  const Named named("parent");
  const auto* const run = co_await this_run;
  const RunningScope running(named, run);
  const auto ex = co_await this_coro::executor;
  asio::co_spawn(ex, std::move(another), asio::detached);
  seen += now() + " ";
}

// `begins` has ended when the other goes on: its name is gone, and nobody may ask for it.
TEST(Running, WhatIsBegunAnewWorksForNobodyYet) {
  std::string seen;
  {
    asio::io_context io;
    asio::co_spawn(io, begins(anonymous(seen), seen), asio::detached);
    io.run();
  }
  EXPECT_EQ(seen, "parent nobody ");
  seen.clear();
  {
    asio::io_context io;
    asio::co_spawn(io, begins(foreign([&seen] { return anonymous(seen); }), seen), asio::detached);
    io.run();
  }
  EXPECT_EQ(seen, "parent nobody ");
}

awaitable<void> awaits_foreign(std::string& seen) {
  const Named named("a");
  const auto* const run = co_await this_run;
  const RunningScope running(named, run);
  co_await foreign([&seen] { return anonymous(seen); });
  seen += now() + " ";
}

// Such a coroutine does not say when it waits.
TEST(Running, WhileItAwaitsACoroutineOfAsiosItIsNotTakenForWhatRunsMeanwhile) {
  asio::io_context io;
  std::string seen;
  asio::co_spawn(io, awaits_foreign(seen), asio::detached);
  asio::post(io, [&] { seen += now() + " "; });
  io.run();
  EXPECT_EQ(seen, "nobody nobody a ");
  EXPECT_EQ(now(), "nobody");
}

// An awaitable of Tern's may come from one of Asio's, as where an operation is given `use_awaitable`.
TEST(Running, AnAwaitableOfAsiosThatWasMadeTernsDoesNotKeepTheNameEither) {
  asio::io_context io;
  std::string seen;
  const auto work = [&]() -> awaitable<void> {
    const Named named("a");
    const auto* const run = co_await this_run;
    const RunningScope scope(named, run);
    awaitable<void> made = foreign([&seen] { return anonymous(seen); });
    co_await std::move(made);
    seen += now() + " ";
  };
  asio::co_spawn(io, work(), asio::detached);
  asio::post(io, [&] { seen += now() + " "; });
  io.run();
  EXPECT_EQ(seen, "nobody nobody a ");
}

}  // namespace
}  // namespace tern::detail
