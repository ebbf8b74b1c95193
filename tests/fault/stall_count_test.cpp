#include "fault/stall_count.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <future>

namespace tern::fault {

// That the fault tests, which want none, can fail. On a machine that is loaded at that moment it is excused.
TEST(StallCount, CountsAHandlerThatWaits) {
  log::configure(log::Level::error, log::Format::text);
  runtime::ShardPool shards(1, system_clock());
  shards.start();
  {
    const StallCount count(shards);
    std::promise<void> release;
    std::promise<void> passed;
    asio::post(shards[0].io(), [&] {
      release.get_future().wait();
      passed.set_value();
    });
    while (count.stalls() == 0 && count.excused() == 0) {
      std::this_thread::yield();
    }
    release.set_value();
    passed.get_future().wait();
  }
  shards.stop();
}

}  // namespace tern::fault
