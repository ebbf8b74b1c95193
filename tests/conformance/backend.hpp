#pragma once

#include <tern/async/manual_clock.hpp>
#include <tern/storage/any_storage.hpp>

#include <gtest/gtest.h>

#include "support/random_seed.hpp"
#include "support/run.hpp"

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace tern::conformance {

/// Sanitizers make everything ten times slower; with one, the longest tests do a tenth.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int part = 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr int part = 10;
#else
inline constexpr int part = 1;
#endif
#else
inline constexpr int part = 1;
#endif

/// A backend under test. A new one needs a file with
/// `INSTANTIATE_TEST_SUITE_P(Name, StorageSuite, ::testing::Values(...), backend_name)`, and likewise for
/// `ScheduleSuite` and `ScheduleRulesSuite` when it keeps a schedule.
struct Backend {
  std::string name;
  /// An empty store, not yet open, that reads its time from the clock.
  std::function<AnyStorage(Clock&)> make;
  /// Ends the store without `close`, as a crash does, and makes another over the same data; empty when not durable.
  std::function<AnyStorage(AnyStorage, Clock&)> reopen;
  /// Why it cannot be tested here; "" when it can.
  std::string skip;
  /// How many random operations are compared with a plain map; fewer for a variant of a backend that had them all.
  int model_operations = 100'000 / part;
  int schedule_operations = 100'000 / part;  ///< the same for the schedule
  int races = 100'000 / part;                ///< how many sends are cancelled while they are fetched
  int overdue = 1'000'000 / part;            ///< how many sends wait when an owner comes
};

inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

inline std::string backend_name(const ::testing::TestParamInfo<Backend>& info) {
  return info.param.name;
}

/// Opens an empty store for each test and closes it afterwards.
class StorageSuite : public ::testing::TestWithParam<Backend> {
 protected:
  using Written = boost::system::result<StoreReceipt, StoreConflict>;

  void SetUp() override {
    if (!GetParam().skip.empty()) {
      GTEST_SKIP() << GetParam().skip;
    }
    store = GetParam().make(clock);
    test::run(store->open(never));
  }
  void TearDown() override {
    if (store) {
      test::run(store->close(never));
    }
  }

  StoreItems read(std::vector<std::string> keys) { return test::run(store->read(std::move(keys), never)); }
  Written write(StoreChanges changes) { return test::run(store->write(std::move(changes), never)); }
  StorePage scan(StoreScan query) { return test::run(store->scan(std::move(query), never)); }

  Written upsert(std::string key, std::string document, Expect expect = Expect::any()) {
    StoreChanges changes;
    changes.upserts.emplace_back(std::move(key), std::move(document), std::move(expect));
    return write(std::move(changes));
  }
  Written remove(std::string key, Expect expect = Expect::any()) {
    StoreChanges changes;
    changes.removals.emplace_back(std::move(key), std::move(expect));
    return write(std::move(changes));
  }
  /// The eTag of a document that is there.
  std::string etag_of(const std::string& key) {
    const auto items = read({key});
    return items.empty() ? std::string() : items.begin()->etag;
  }
  /// The text of a document, or "(absent)".
  std::string text_of(const std::string& key) {
    const auto items = read({key});
    return items.empty() ? std::string("(absent)") : items.begin()->document;
  }

  static constexpr Deadline never = Deadline::never();
  ManualClock clock;
  std::optional<AnyStorage> store;
};

/// The code that `action` throws, or no error.
template <class Action>
error_code error_of(Action action) {
  try {
    action();
  } catch (const system_error& error) {
    return error.code();
  }
  return {};
}

using test::random_seed;

}  // namespace tern::conformance
