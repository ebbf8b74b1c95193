#include "storage/ops.hpp"

#include "runtime/stall_watchdog.hpp"
#include "storage/workload.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <latch>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

namespace {

namespace asio = boost::asio;
using tern::awaitable;
using tern::Deadline;

constexpr std::chrono::seconds patience{30};

awaitable<std::vector<std::string>> etags_of(tern::AnyStorage store, std::size_t turn) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < documents_each; ++i) {
    keys.push_back(document_key(turn, i));
  }
  const auto items = co_await store.read(std::move(keys), Deadline::after(patience));
  std::vector<std::string> etags;
  for (const auto& item : items) {
    etags.push_back(item.etag);
  }
  if (etags.size() != documents_each) {
    throw std::runtime_error("the store was not filled");
  }
  co_return etags;
}

/// Whether anybody else has run since a turn began its operation. A store that answers without waiting, from memory or
/// a cache, would otherwise make the first coroutine the only one, and that would hold the shard.
class Turns {
 public:
  void begin(std::size_t turn) { last_ = turn; }
  bool waited(std::size_t turn) const { return last_ != turn; }

 private:
  std::size_t last_ = 0;
};

awaitable<void> read_on(tern::AnyStorage store, std::size_t turn, OpClock& clock, Turns& turns) {
  const auto ex = co_await tern::this_coro::executor;
  for (std::size_t i = 0; clock.running(); ++i) {
    turns.begin(turn);
    const auto begun = std::chrono::steady_clock::now();
    const auto items = co_await store.read(std::vector{document_key(turn, i)}, Deadline::after(patience));
    if (items.size() != 1) {
      throw std::runtime_error("a document is missing");
    }
    clock.add(begun);
    if (!turns.waited(turn)) {
      co_await asio::post(ex, asio::deferred);
    }
  }
}

awaitable<void> write_on(tern::AnyStorage store, std::size_t turn, OpClock& clock, Turns& turns) {
  const auto ex = co_await tern::this_coro::executor;
  auto etags = co_await etags_of(store, turn);
  for (std::size_t i = 0; clock.running(); ++i) {
    turns.begin(turn);
    const auto begun = std::chrono::steady_clock::now();
    auto& etag = etags[i % documents_each];
    tern::StoreChanges changes;
    changes.upserts.emplace_back(document_key(turn, i), document_text(i), tern::Expect::etag(etag));
    const auto written = co_await store.write(std::move(changes), Deadline::after(patience));
    if (!written) {
      throw std::runtime_error("a conflict where there is one writer");
    }
    etag = written->etags.front();
    clock.add(begun);
    if (!turns.waited(turn)) {
      co_await asio::post(ex, asio::deferred);
    }
  }
}

/// Runs all to their end on the one shard; they begin together.
void run_all(tern::runtime::ShardPool& shards, std::vector<awaitable<void>> all) {
  std::latch left(static_cast<std::ptrdiff_t>(all.size()));
  std::exception_ptr first;  // of the shard's thread alone until the latch opens
  auto begin = [&] {
    for (auto& one : all) {
      asio::co_spawn(shards[0].io(), std::move(one), [&](std::exception_ptr error) {
        if (error && !first) {
          first = error;
        }
        left.count_down();
      });
    }
  };
  asio::post(shards[0].io(), begin);
  left.wait();
  if (first) {
    std::rethrow_exception(first);
  }
}

}  // namespace

OpFigures measure_ops(tern::AnyStorage store, Op op, std::size_t concurrent, double seconds) {
  tern::Metrics metrics;
  tern::runtime::ShardPool shards(1, tern::system_clock());
  shards.start();
  const tern::runtime::StallWatchdog watchdog(shards, metrics);
  OpClock clock(seconds);
  Turns turns;
  std::vector<awaitable<void>> all;
  for (std::size_t turn = 0; turn < concurrent; ++turn) {
    all.push_back(op == Op::read ? read_on(store, turn, clock, turns) : write_on(store, turn, clock, turns));
  }
  run_all(shards, std::move(all));
  auto figures = clock.figures();
  figures.stalls = watchdog.stalls();
  return figures;
}

void fill(tern::AnyStorage store, std::size_t concurrent) {
  tern::runtime::ShardPool shards(1, tern::system_clock());
  shards.start();
  auto work = [](tern::AnyStorage into, std::size_t turns) -> awaitable<void> {
    for (std::size_t turn = 0; turn < turns; ++turn) {
      tern::StoreChanges changes;
      for (std::size_t i = 0; i < documents_each; ++i) {
        changes.upserts.emplace_back(document_key(turn, i), document_text(i));
      }
      co_await into.write(std::move(changes), Deadline::after(patience));
    }
  };
  std::vector<awaitable<void>> all;
  all.push_back(work(std::move(store), concurrent));
  run_all(shards, std::move(all));
}

}  // namespace bench
