#include "conformance/backend.hpp"

#include <iostream>
#include <map>
#include <random>

namespace tern::conformance {

namespace {

struct Versioned {
  std::string document;
  std::string etag;
};
using Model = std::map<std::string, Versioned>;

// A small space of keys, so that operations meet.
std::string any_key(std::mt19937_64& random) {
  static const std::vector<std::string> stems{"a/", "a", "b/\u00fc/", std::string("\0n", 2), "b/\xff"};
  return stems[random() % stems.size()] + std::to_string(random() % 40);
}

Expect any_expectation(std::mt19937_64& random, const Model& model, const std::string& key) {
  const auto known = model.find(key);
  switch (random() % 6) {
    case 0:
      return Expect::absent();
    case 1:
      return Expect::etag("*");
    case 2:
      return Expect::etag(std::to_string(random() % 1000 + 1));
    case 3:
    case 4:
      return known == model.end() ? Expect::absent() : Expect::etag(known->second.etag);
    default:
      return Expect::any();
  }
}

bool holds(const Expect& expect, const Model& model, const std::string& key) {
  const auto known = model.find(key);
  if (expect.is_absent()) {
    return known == model.end();
  }
  return expect.is_any() || (known != model.end() && known->second.etag == expect.value());
}

StoreChanges any_changes(std::mt19937_64& random, const Model& model) {
  StoreChanges changes;
  std::map<std::string, bool> taken;
  for (auto count = random() % 4; count > 0; --count) {
    auto key = any_key(random);
    if (taken.emplace(key, true).second) {
      auto expect = any_expectation(random, model, key);
      if (random() % 3 == 0) {
        changes.removals.emplace_back(std::move(key), std::move(expect));
      } else {
        changes.upserts.emplace_back(std::move(key), std::to_string(random()), std::move(expect));
      }
    }
  }
  return changes;
}

void apply(Model& model, const StoreChanges& changes, const StoreReceipt& receipt) {
  for (std::size_t i = 0; i < changes.upserts.size(); ++i) {
    const auto& upsert = changes.upserts[i];
    model[upsert.key] = Versioned{upsert.document, receipt.etags[i]};
  }
  for (const auto& removal : changes.removals) {
    model.erase(removal.key);
  }
}

awaitable<void> compare_write(AnyStorage store, std::mt19937_64& random, Model& model) {
  const auto changes = any_changes(random, model);
  std::vector<std::string> expected;
  for (const auto& upsert : changes.upserts) {
    if (!holds(upsert.expect, model, upsert.key)) {
      expected.push_back(upsert.key);
    }
  }
  for (const auto& removal : changes.removals) {
    if (!holds(removal.expect, model, removal.key)) {
      expected.push_back(removal.key);
    }
  }
  auto written = co_await store.write(changes, Deadline::never());
  EXPECT_EQ(written.has_value(), expected.empty());
  if (written.has_error()) {
    auto keys = written.error().keys;
    std::sort(keys.begin(), keys.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(keys, expected);
    co_return;
  }
  EXPECT_EQ(written->etags.size(), changes.upserts.size());
  apply(model, changes, *written);
}

awaitable<void> compare_read(AnyStorage store, std::mt19937_64& random, const Model& model) {
  std::vector<std::string> keys;
  for (auto count = random() % 4; count > 0; --count) {
    keys.push_back(any_key(random));
  }
  auto asked = keys;
  auto items = co_await store.read(std::move(keys), Deadline::never());
  for (const auto& key : asked) {
    const auto* item = items.find(key);
    const auto known = model.find(key);
    EXPECT_EQ(item != nullptr, known != model.end());
    if (item != nullptr && known != model.end()) {
      EXPECT_EQ(item->document, known->second.document);
      EXPECT_EQ(item->etag, known->second.etag);
    }
  }
}

awaitable<void> compare_scan(AnyStorage store, std::mt19937_64& random, const Model& model) {
  const auto prefix = any_key(random).substr(0, random() % 3);
  const auto after = random() % 2 == 0 ? std::string() : any_key(random);
  const auto limit = random() % 30 + 1;
  auto page = co_await store.scan(StoreScan(prefix, limit, after), Deadline::never());
  std::size_t found = 0;
  bool more = false;
  for (auto known = model.lower_bound(prefix); known != model.end() && known->first.starts_with(prefix); ++known) {
    if (!after.empty() && known->first <= after) {
      continue;
    }
    if (found == limit) {
      more = true;
      break;
    }
    const bool same = found < page.items.size() && page.items[found].key == known->first &&
                      page.items[found].etag == known->second.etag &&
                      page.items[found].document == known->second.document;
    EXPECT_TRUE(same) << "item " << found << " of a page";
    ++found;
  }
  EXPECT_EQ(page.items.size(), found);
  EXPECT_EQ(page.next, more ? page.items.back().key : std::string());
}

awaitable<void> compare(AnyStorage store, std::uint64_t seed, int operations) {
  std::mt19937_64 random(seed);
  Model model;
  for (int i = 0; i < operations && !::testing::Test::HasFailure(); ++i) {
    switch (random() % 8) {
      case 0:
        co_await compare_scan(store, random, model);
        break;
      case 1:
      case 2:
        co_await compare_read(store, random, model);
        break;
      default:
        co_await compare_write(store, random, model);
    }
  }
}

}  // namespace

TEST_P(StorageSuite, BehavesLikeAPlainMap) {
  const auto seed = random_seed();
  std::cout << "TERN_TEST_SEED=" << seed << '\n';
  test::run(compare(*store, seed, GetParam().model_operations));
}

}  // namespace tern::conformance
