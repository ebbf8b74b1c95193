#include "storage/ops.hpp"

#include "storage/workload.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <exception>
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

awaitable<void> read_on(tern::AnyStorage store, std::size_t turn, OpClock& clock, bool yield) {
  const auto ex = co_await tern::this_coro::executor;
  for (std::size_t i = 0; clock.running(); ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const auto items = co_await store.read(std::vector{document_key(turn, i)}, Deadline::after(patience));
    if (items.size() != 1) {
      throw std::runtime_error("a document is missing");
    }
    clock.add(begun);
    if (yield) {
      co_await asio::post(ex, asio::deferred);
    }
  }
}

awaitable<void> write_on(tern::AnyStorage store, std::size_t turn, OpClock& clock, bool yield) {
  const auto ex = co_await tern::this_coro::executor;
  auto etags = co_await etags_of(store, turn);
  for (std::size_t i = 0; clock.running(); ++i) {
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
    if (yield) {
      co_await asio::post(ex, asio::deferred);
    }
  }
}

void run_all(asio::io_context& io, std::vector<awaitable<void>> all) {
  std::exception_ptr first;
  for (auto& one : all) {
    asio::co_spawn(io, std::move(one), [&first](std::exception_ptr error) {
      if (error && !first) {
        first = error;
      }
    });
  }
  io.run();
  if (first) {
    std::rethrow_exception(first);
  }
}

}  // namespace

OpFigures measure_ops(tern::AnyStorage store, Op op, std::size_t concurrent, double seconds) {
  asio::io_context io{1};
  OpClock clock(seconds);
  // A store in memory never waits: without this, the first coroutine would be the only one.
  const bool yield = !store.traits().durable;
  std::vector<awaitable<void>> all;
  for (std::size_t turn = 0; turn < concurrent; ++turn) {
    all.push_back(op == Op::read ? read_on(store, turn, clock, yield) : write_on(store, turn, clock, yield));
  }
  run_all(io, std::move(all));
  return clock.figures();
}

void fill(tern::AnyStorage store, std::size_t concurrent) {
  asio::io_context io{1};
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
  run_all(io, std::move(all));
}

}  // namespace bench
