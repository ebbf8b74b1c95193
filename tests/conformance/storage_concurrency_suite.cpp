#include "conformance/backend.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

namespace tern::conformance {

namespace {

std::vector<std::string> keys_of(std::string key) {
  std::vector<std::string> keys;
  keys.push_back(std::move(key));
  return keys;
}

// Appends `;id` to the document, trying again after each conflict; `won` counts the successes.
awaitable<void> append_once(AnyStorage store, int id, std::atomic<int>& won) {
  for (;;) {
    auto items = co_await store.read(keys_of("contended"), Deadline::never());
    const auto* item = items.find("contended");
    StoreChanges changes;
    changes.upserts.emplace_back("contended", (item == nullptr ? "" : item->document) + ';' + std::to_string(id),
                                 item == nullptr ? Expect::absent() : Expect::etag(item->etag));
    auto written = co_await store.write(std::move(changes), Deadline::never());
    if (written.has_value()) {
      ++won;
      co_return;
    }
  }
}

awaitable<void> write_pairs(AnyStorage store, int rounds) {
  for (int i = 1; i <= rounds; ++i) {
    StoreChanges changes;
    changes.upserts.emplace_back("pair/left", std::to_string(i));
    changes.upserts.emplace_back("pair/right", std::to_string(i));
    auto written = co_await store.write(std::move(changes), Deadline::never());
    EXPECT_TRUE(written.has_value());
  }
}

awaitable<void> read_pairs(AnyStorage store, const std::atomic<bool>& stop) {
  long last = 0;
  while (!stop) {
    auto keys = keys_of("pair/left");
    keys.emplace_back("pair/right");
    auto items = co_await store.read(std::move(keys), Deadline::never());
    if (items.empty()) {
      continue;
    }
    EXPECT_EQ(items.size(), 2u);
    if (items.size() != 2) {
      co_return;
    }
    EXPECT_EQ(items.find("pair/left")->document, items.find("pair/right")->document);
    const auto seen = std::stol(items.find("pair/left")->document);
    EXPECT_GE(seen, last);
    last = seen;
  }
}

awaitable<void> churn(AnyStorage store, const std::atomic<bool>& stop) {
  for (int i = 0; !stop; ++i) {
    const auto key = "walk/" + std::to_string(i % 100) + "/passing";
    StoreChanges changes;
    if (i / 100 % 2 == 0) {
      changes.upserts.emplace_back(key, "1");
    } else {
      changes.removals.emplace_back(key);
    }
    auto written = co_await store.write(std::move(changes), Deadline::never());
    EXPECT_TRUE(written.has_value());
  }
}

// Runs each work on a thread and an io_context of its own.
template <class Make>
void on_threads(int threads, Make make) {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&make, i] {
      asio::io_context io{1};
      make(io, i);
      io.run();
    });
  }
  for (auto& thread : running) {
    thread.join();
  }
}

// A failure in a coroutine ends the test program, since nothing else may swallow it.
void start(asio::io_context& io, awaitable<void> work) {
  asio::co_spawn(io, std::move(work), [](std::exception_ptr error) {
    if (error) {
      std::rethrow_exception(error);
    }
  });
}

}  // namespace

TEST_P(StorageSuite, SixtyFourWritersOnOneKeyEachSucceedExactlyOnce) {
  constexpr int threads = 4;
  constexpr int writers = 16;
  std::atomic<int> won = 0;
  on_threads(threads, [&](asio::io_context& io, int thread) {
    for (int i = 0; i < writers; ++i) {
      start(io, append_once(*store, thread * writers + i, won));
    }
  });
  EXPECT_EQ(won, threads * writers);
  const auto text = text_of("contended");
  std::multiset<int> ids;
  for (std::size_t at = 0; at != std::string::npos; at = text.find(';', at + 1)) {
    ids.insert(std::stoi(text.substr(at + 1)));
  }
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(threads * writers));
  EXPECT_EQ(std::set<int>(ids.begin(), ids.end()).size(), ids.size());
}

TEST_P(StorageSuite, OneOfManyConcurrentCreatorsSucceeds) {
  std::atomic<int> created = 0;
  on_threads(4, [&](asio::io_context&, int thread) {
    for (int round = 0; round < 50; ++round) {
      StoreChanges changes;
      changes.upserts.emplace_back("new/" + std::to_string(round), std::to_string(thread), Expect::absent());
      created += test::run(store->write(std::move(changes), never)).has_value() ? 1 : 0;
    }
  });
  EXPECT_EQ(created, 50);
}

TEST_P(StorageSuite, KeysWrittenTogetherAreNeverSeenTorn) {
  std::atomic<bool> stop = false;
  on_threads(3, [&](asio::io_context& io, int thread) {
    if (thread > 0) {
      start(io, read_pairs(*store, stop));
      return;
    }
    test::run(write_pairs(*store, 2000));
    stop = true;
  });
  EXPECT_EQ(text_of("pair/left"), "2000");
}

TEST_P(StorageSuite, ScanWhileWrittenSeesWhatStaysExactlyOnce) {
  std::vector<std::string> staying;
  StoreChanges changes;
  for (int i = 0; i < 100; ++i) {
    staying.push_back("walk/" + std::to_string(i) + "/staying");
    changes.upserts.emplace_back(staying.back(), "1");
  }
  ASSERT_TRUE(write(std::move(changes)).has_value());
  std::sort(staying.begin(), staying.end());
  std::atomic<bool> stop = false;
  on_threads(2, [&](asio::io_context& io, int thread) {
    if (thread > 0) {
      start(io, churn(*store, stop));
      return;
    }
    for (int round = 0; round < 20; ++round) {
      std::vector<std::string> seen;
      std::string after;
      do {
        auto page = test::run(store->scan(StoreScan("walk/", 9, after), never));
        for (auto& item : page.items) {
          seen.push_back(std::move(item.key));
        }
        after = page.next;
      } while (!after.empty());
      EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
      std::erase_if(seen, [](const std::string& key) { return key.ends_with("/passing"); });
      EXPECT_EQ(seen, staying);
    }
    stop = true;
  });
}

TEST_P(StorageSuite, ConcurrentReadersSeeTheSameDocument) {
  const std::string document(64 * 1024, 'd');
  ASSERT_TRUE(upsert("shared", document).has_value());
  on_threads(4, [&](asio::io_context&, int) {
    for (int i = 0; i < 50; ++i) {
      const auto items = test::run(store->read(keys_of("shared"), never));
      ASSERT_EQ(items.size(), 1u);
      EXPECT_EQ(items.begin()->document, document);
    }
  });
}

}  // namespace tern::conformance
