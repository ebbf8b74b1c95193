#pragma once

#include <tern/storage/any_storage.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "conformance/postgres_schemas.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::conformance {

/// Of a listener, in real time.
inline constexpr std::chrono::seconds patience_for_hints{30};
inline constexpr Deadline no_deadline = Deadline::never();

/// What a listener was told. A topic that is empty is kept as "missed".
class Heard {
 public:
  void add(std::string_view topic) {
    const std::lock_guard lock(mutex_);
    topics_.emplace_back(topic.empty() ? "missed" : topic);
    changed_.notify_all();
  }
  HintListener listener() {
    return [this](std::string_view topic) { add(topic); };
  }
  NoteListener note_listener() {
    return [this](std::string_view topic, std::string_view text) { add(std::string(topic).append(": ").append(text)); };
  }
  std::vector<std::string> topics() const {
    const std::lock_guard lock(mutex_);
    return topics_;
  }
  bool wait_for(const std::string& topic, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience_for_hints, [&] {
      return std::count(topics_.begin(), topics_.end(), topic) >= static_cast<std::ptrdiff_t>(times);
    });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> topics_;
};

class PostgresHints : public ::testing::Test {
 protected:
  void SetUp() override {
    if (given_server() == nullptr && !test::PostgresServer::obstacle().empty()) {
      GTEST_SKIP() << test::PostgresServer::obstacle();
    }
    schema = schemas().make();
  }
  void TearDown() override {
    for (auto& store : opened) {
      test::run(store.close(no_deadline));
    }
  }
  /// A process of its own, as far as the server can see.
  AnyStorage open(PostgresOptions options = {}) {
    if (options.url.empty()) {
      options.url = schemas().server();
    }
    options.schema = schema;
    auto store = AnyStorage::make<PostgresStorage>(std::move(options));
    test::run(store.open(no_deadline));
    opened.push_back(store);
    return store;
  }
  static void write(AnyStorage& store, const std::string& key, std::vector<std::string> hints,
                    Expect expect = Expect::any()) {
    StoreChanges changes;
    if (!key.empty()) {
      changes.upserts.emplace_back(key, "{}", std::move(expect));
    }
    changes.hints = std::move(hints);
    (void)test::run(store.write(std::move(changes), no_deadline));
  }
  /// A store whose connections can be told from all others on the server.
  AnyStorage open_named(const std::string& name) {
    PostgresOptions options;
    options.url = schemas().server();
    const bool is_url = options.url.starts_with("postgres");
    options.url += (!is_url ? " " : options.url.find('?') == std::string::npos ? "?" : "&");
    options.url += "application_name=" + name;
    return open(options);
  }
  /// Ends all connections of that store. How many there were.
  static std::size_t cut_connections(const std::string& name) {
    pqxx::connection connection(schemas().server());
    pqxx::nontransaction work(connection);
    return work.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" + name + "'")
        .size();
  }

  std::string schema;
  std::vector<AnyStorage> opened;
};

}  // namespace tern::conformance
