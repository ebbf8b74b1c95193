#include <tern/async/awaitable.hpp>
#include <tern/async/running.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <string>

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
  const RunningScope running(named);
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
  seen += now();
}

awaitable<void> begins_another(std::string& seen) {
  const Named named("parent");
  const RunningScope running(named);
  const auto ex = co_await this_coro::executor;
  asio::co_spawn(ex, anonymous(seen), asio::detached);
}

TEST(Running, WhatIsBegunAnewWorksForNobodyYet) {
  asio::io_context io;
  std::string seen;
  asio::co_spawn(io, begins_another(seen), asio::detached);
  io.run();
  EXPECT_EQ(seen, "nobody");
}

}  // namespace
}  // namespace tern::detail
