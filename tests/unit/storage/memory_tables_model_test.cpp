#include "dead_table.hpp"
#include "document_table.hpp"
#include "idempotency_table.hpp"
#include "storage/hash_index.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tern::detail {
namespace {

KnownKey known(std::uint64_t number) {
  KnownKey made;
  made.handle.due = WallTime(std::chrono::seconds(number));
  return made;
}

TEST(IdempotencyTable, AKeyThatIsTakenAgainIsNotForgottenBeforeOlderOnes) {
  IdempotencyTable table(5);
  const WallTime begin{std::chrono::hours(1)};
  for (const auto* old : {"a", "b", "c", "again"}) {
    table.add(old, known(1), begin);
  }
  table.add("older", known(2), begin + std::chrono::days(6));
  const auto later = begin + std::chrono::days(8);
  ASSERT_EQ(table.find("again", later), nullptr);
  table.add("again", known(3), later);
  for (std::uint64_t i = 0; i < 4; ++i) {
    table.add("new " + std::to_string(i), known(4), later);
  }
  EXPECT_EQ(table.find("older", later), nullptr) << "of five it is the oldest, and another one was needed";
  ASSERT_NE(table.find("again", later), nullptr);
  EXPECT_EQ(table.find("again", later)->handle, known(3).handle);
}

// With room for all, a key is known for its seven days, and no longer.
TEST(IdempotencyTable, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 10; ++run) {
    IdempotencyTable table(10'000);
    std::map<std::string, std::pair<WallTime, std::uint64_t>> model;
    WallTime now{std::chrono::hours(1)};
    const auto keys = 1 + random() % 100;
    for (std::uint64_t step = 0; step < 1'000; ++step) {
      now += std::chrono::minutes(random() % (random() % 20 == 0 ? 20'000 : 300));
      const auto key = std::to_string(random() % keys);
      const auto came = model.find(key);
      const bool expected = came != model.end() && now - came->second.first <= std::chrono::days(7);
      const auto* found = table.find(key, now);
      ASSERT_EQ(found != nullptr, expected) << "run " << run << ", step " << step;
      if (found != nullptr) {
        ASSERT_EQ(found->handle, known(came->second.second).handle) << "run " << run << ", step " << step;
      } else {
        table.add(key, known(step), now);
        model[key] = {now, step};
      }
    }
  }
}

struct Numbered {
  std::uint64_t hash = 0;
  std::size_t number = 0;
};

TEST(HashIndex, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 20; ++run) {
    std::vector<Numbered> items(200);
    for (std::size_t i = 0; i < items.size(); ++i) {
      // Many share a hash, and the parts are told apart by its first bits.
      items[i] = {(random() % 4) << 62 | random() % 10, i};
    }
    HashIndex<Numbered, 4> index;
    std::vector<bool> there(items.size());
    for (int step = 0; step < 2'000; ++step) {
      const auto chosen = random() % items.size();
      auto& item = items[chosen];
      if (!there[chosen] && random() % 2 == 0) {
        index.insert(item.hash, item);
        there[chosen] = true;
      } else if (random() % 2 == 0) {
        index.erase(item.hash, item);  // also when it is not there
        there[chosen] = false;
      }
      auto* const found = index.find(item.hash, [&](const Numbered& other) { return other.number == chosen; });
      ASSERT_EQ(found, there[chosen] ? &item : nullptr) << "run " << run << ", step " << step;
    }
  }
}

/// A table beside a plain list. Ids come again: their owner is told to take new ones, and may not.
class DeadModel {
 public:
  DeadModel(std::mt19937_64& random, std::uint64_t most) : random_(random), most_(most), table_(most) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    const auto handle = handle_of(random_() % 20, random_() % 10 == 0 ? 1 : 0);
    if (random_() % 3 == 0) {
      return take(handle);
    }
    ScheduledSend send;
    send.handle = handle;
    send.order_key = std::to_string(random_() % 3);
    auto reason = std::to_string(++last_);
    table_.add(PackedSend(send, 0), reason, WallTime{});
    std::erase_if(dead_, [&](const Dead& one) { return one.handle.id == handle.id; });
    dead_.push_back({handle, send.order_key, std::move(reason)});
    if (dead_.size() > most_) {
      dead_.pop_front();
    }
    return difference();
  }

 private:
  struct Dead {
    SendHandle handle;
    std::string order_key;
    std::string reason;
  };

  static SendHandle handle_of(std::uint64_t id, std::uint16_t slot) {
    SendHandle handle;
    handle.id[0] = static_cast<std::uint8_t>(id);
    handle.slot = slot;
    return handle;
  }

  std::string take(const SendHandle& handle) {
    const auto found = std::find_if(dead_.begin(), dead_.end(), [&](const Dead& one) { return one.handle == handle; });
    const auto* taken = table_.find(handle);
    if ((taken != nullptr) != (found != dead_.end())) {
      return taken != nullptr ? "it finds what is not there" : "it does not find what is there";
    }
    if (taken != nullptr && taken->reason != found->reason) {
      return "it finds another one";
    }
    if (taken != nullptr) {
      table_.erase(*taken);
      dead_.erase(found);
    }
    return difference();
  }

  std::string difference() {
    if (table_.size() != dead_.size()) {
      return "it counts " + std::to_string(table_.size()) + " instead of " + std::to_string(dead_.size());
    }
    DeadQuery query;
    query.limit = 3;
    query.order_key = "1";
    std::vector<std::string> listed;
    std::uint64_t last = 0;
    for (bool more = true; more;) {
      std::vector<DeadRecord> page;
      more = table_.list(query, last, page, last);
      for (const auto& record : page) {
        listed.push_back(record.reason);
      }
    }
    std::vector<std::string> expected;
    for (const auto& one : dead_) {
      if (table_.find(one.handle) == nullptr) {
        return "it lists one that it does not find";
      }
      if (one.order_key == "1") {
        expected.push_back(one.reason);
      }
    }
    return listed == expected ? "" : "it lists others, or in another order";
  }

  std::mt19937_64& random_;
  std::uint64_t most_;
  std::uint64_t last_ = 0;
  DeadTable table_;
  std::deque<Dead> dead_;
};

TEST(DeadTable, DoesWhatAPlainListDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 30; ++run) {
    DeadModel model(random, random() % 15);
    for (int step = 0; step < 300; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

TEST(DeadTable, OneThatDiesAgainIsFoundAfterTheFirstOfItsRecordsIsForgotten) {
  DeadTable table(2);
  ScheduledSend send;
  const PackedSend packed(send, 0);
  table.add(packed, "first", WallTime{});
  table.add(packed, "second", WallTime{});
  send.handle.id[0] = 1;
  table.add(PackedSend(send, 0), "another", WallTime{});
  EXPECT_EQ(table.size(), 2U);
  const auto* found = table.find(packed.handle());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->reason, "second");
  table.erase(*found);
  EXPECT_EQ(table.size(), 1U);
}

/// A table beside a plain map.
class DocumentsModel {
 public:
  DocumentsModel(std::mt19937_64& random, std::uint64_t most) : random_(random), most_(most), table_(most) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    if (random_() % 4 == 0) {
      return scan();
    }
    std::map<std::string, std::optional<std::string>> chosen;
    for (auto count = random_() % 4; count > 0; --count) {
      auto text = random_() % 3 == 0 ? std::nullopt : std::optional(std::string(random_() % 100, 'x'));
      chosen.emplace(any_key(), std::move(text));
    }
    return write(chosen);
  }

 private:
  struct Document {
    std::string text;
    std::uint64_t etag = 0;
  };
  using All = std::map<std::string, Document>;

  std::string any_key() { return std::string(random_() % 2, 'a') + std::to_string(random_() % 30); }

  static std::uint64_t bytes_of(const All& all) {
    std::uint64_t bytes = 0;
    for (const auto& [key, document] : all) {
      bytes += key.size() + document.text.size();
    }
    return bytes;
  }

  Expect any_expectation(const std::string& key) {
    const auto found = all_.find(key);
    switch (random_() % 5) {
      case 0:
        return Expect::absent();
      case 1:
        return found == all_.end() ? Expect::etag("7") : Expect::etag(std::to_string(found->second.etag));
      default:
        return Expect::any();
    }
  }

  bool holds(const Expect& expect, const std::string& key) const {
    const auto found = all_.find(key);
    return expect.is_any() ||
           (expect.is_absent() ? found == all_.end()
                               : found != all_.end() && std::to_string(found->second.etag) == expect.value());
  }

  std::string write(const std::map<std::string, std::optional<std::string>>& chosen) {
    std::deque<StoreUpsert> upserts;
    std::deque<StoreRemoval> removals;
    std::vector<DocumentTable::Change> changes;
    std::vector<std::string> expected;
    auto after = all_;
    for (const auto& [key, text] : chosen) {
      auto expect = any_expectation(key);
      if (!holds(expect, key)) {
        expected.push_back(key);
      }
      if (text) {
        after[key] = {*text, 0};
        changes.emplace_back(upserts.emplace_back(key, *text, std::move(expect)));
      } else {
        after.erase(key);
        changes.emplace_back(removals.emplace_back(key, std::move(expect)));
      }
    }
    if (table_.conflicts(changes) != expected) {
      return "it finds other conflicts";
    }
    const auto bytes = bytes_of(after);
    if (table_.fits(changes) != (bytes <= most_ || bytes <= bytes_of(all_))) {
      return "it judges otherwise what fits";
    }
    if (!expected.empty() || !table_.fits(changes)) {
      return difference();
    }
    std::vector<std::string> etags;
    table_.apply(changes, etags);
    auto etag = etags.begin();
    for (const auto& [key, text] : chosen) {
      if (text) {
        after[key].etag = std::stoull(*etag++);
      }
    }
    all_ = std::move(after);
    return etag == etags.end() ? difference() : "it gives other eTags than there are documents";
  }

  std::string scan() {
    StoreScan scan(std::string(random_() % 2, 'a'), 1 + random_() % 10, random_() % 2 == 0 ? any_key() : "");
    std::vector<DocumentTable::Row> rows;
    const bool more = table_.scan(scan, rows);
    std::size_t count = 0;
    for (auto at = all_.upper_bound(scan.after); at != all_.end(); ++at) {
      if (!at->first.starts_with(scan.prefix)) {
        continue;
      }
      if (count == scan.limit) {
        return more ? "" : "it does not say that there are more";
      }
      if (count == rows.size() || rows[count].key != at->first || *rows[count].text != at->second.text) {
        return "it lists others";
      }
      ++count;
    }
    return more || count != rows.size() ? "it lists more" : "";
  }

  std::string difference() const {
    for (std::size_t i = 0; i < 30; ++i) {
      for (const auto& key : {std::to_string(i), "a" + std::to_string(i)}) {
        const auto found = all_.find(key);
        const auto [text, etag] = table_.find(key);
        if ((text != nullptr) != (found != all_.end())) {
          return "it has a document that is not there, or lacks one: " + key;
        }
        if (text && (*text != found->second.text || etag != found->second.etag)) {
          return "it has another text: " + key;
        }
      }
    }
    return {};
  }

  std::mt19937_64& random_;
  std::uint64_t most_;
  DocumentTable table_;
  All all_;
};

TEST(DocumentTable, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 5; ++run) {
    DocumentsModel model(random, random() % 2'000);
    for (int step = 0; step < 300; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::detail
