#include "document_cache.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tern::detail::rocks {
namespace {

/// A cache beside a plain map that stands for the disk. What it knows must be what the disk has.
class CacheModel {
 public:
  CacheModel(std::mt19937_64& random, std::uint64_t max_bytes) : random_(random), max_(max_bytes), cache_(max_bytes) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    switch (random_() % 8) {
      case 0:
      case 1:
        return begin_write();
      case 2:
      case 3:
        return end_write();
      case 4:
        return read(true);
      case 5:
        return read(false);
      case 6:
        return look_up();
      default:
        return random_() % 20 == 0 ? all() : look_again();
    }
  }

 private:
  struct Document {
    std::string text;
    std::uint64_t etag = 0;
  };
  struct Change {
    std::string key;
    std::optional<std::string> text;
    std::uint64_t etag = 0;
  };
  struct Seen {
    DocumentCache::Look look;
    std::vector<std::string> keys;
    std::map<std::string, Document> then;
  };

  std::string any_key() { return "key " + std::to_string(random_() % 30); }

  // Of nothing, short, longer than is copied under the lock, and more than the cache holds.
  std::string any_text() {
    const std::size_t most[] = {1, 100, 1'000, 10'000};
    return std::string(random_() % most[random_() % 4], static_cast<char>('a' + random_() % 26));
  }

  std::vector<DocumentCache::Change> changes() const {
    std::vector<DocumentCache::Change> all;
    for (const auto& one : writing_) {
      all.push_back({DocumentCache::Name(one.key), one.text ? &*one.text : nullptr, one.etag});
    }
    return all;
  }

  std::string begin_write() {
    if (!writing_.empty()) {
      return {};
    }
    std::set<std::string> taken;
    for (auto count = 1 + random_() % (random_() % 10 == 0 ? 29 : 4); count > 0; --count) {
      auto key = any_key();
      if (taken.insert(key).second) {
        const bool removed = random_() % 4 == 0;
        writing_.push_back({std::move(key), removed ? std::nullopt : std::optional(any_text()), removed ? 0 : ++etag_});
      }
    }
    cache_.begin_write(changes());
    return {};
  }

  std::string end_write() {
    if (writing_.empty()) {
      return {};
    }
    const bool written = random_() % 4 != 0;
    cache_.end_write(changes(), written);
    const auto all = std::exchange(writing_, {});
    for (const auto& one : all) {
      if (!written) {
        if (cache_.look({one.key}).unknown != 1) {
          return "it knows what may not have been written";
        }
      } else if (one.text) {
        disk_[one.key] = {*one.text, one.etag};
      } else {
        disk_.erase(one.key);
      }
    }
    return bounds();
  }

  std::string check(const Seen& seen) const {
    for (std::size_t i = 0; i < seen.keys.size(); ++i) {
      const auto& key = seen.look.keys[i];
      const auto found = seen.then.find(seen.keys[i]);
      if (!key.known) {
        continue;
      }
      if ((key.text != nullptr) != (found != seen.then.end())) {
        return "it knows that a document is there, or not, and is wrong";
      }
      if (key.text && (key.text->bytes != found->second.text || key.etag != found->second.etag)) {
        return "it knows another text than was written";
      }
    }
    return {};
  }

  // The disk is read between the look and the keeping, where a write may come too.
  std::string read(bool alone) {
    Seen seen;
    for (auto count = 1 + random_() % 4; count > 0; --count) {
      seen.keys.push_back(any_key());
    }
    seen.look = cache_.look(seen.keys);
    seen.then = disk_;
    if (auto wrong = check(seen); !wrong.empty()) {
      return wrong;
    }
    StoreItems found;
    for (const auto& key : seen.keys) {
      if (const auto at = disk_.find(key); at != disk_.end()) {
        found.add({key, at->second.text, std::to_string(at->second.etag)});
      }
    }
    if (!alone) {
      if (auto wrong = writing_.empty() ? begin_write() : end_write(); !wrong.empty()) {
        return wrong;
      }
    }
    const auto from = random_() % 2 == 0 ? DocumentCache::From::memory : DocumentCache::From::disk;
    const bool holds = cache_.keep(seen.keys, seen.look, found, from);
    for (const auto& key : seen.keys) {
      const auto before = seen.then.find(key);
      const auto now = disk_.find(key);
      const bool same = (before == seen.then.end()) == (now == disk_.end()) &&
                        (now == disk_.end() || before->second.etag == now->second.etag);
      if (holds && !same) {
        return "it says that a read holds although a write came between";
      }
    }
    looks_.push_back(std::move(seen));
    return bounds();
  }

  std::string look_up() const {
    const auto key = "key " + std::to_string(random_() % 30);
    std::vector<DocumentCache::Known> known;
    known.push_back({DocumentCache::Name(key), {}});
    cache_.look_up(known);
    const auto found = disk_.find(key);
    const auto etag = found == disk_.end() ? 0 : found->second.etag;
    return known[0].etag && *known[0].etag != etag ? "it knows another eTag than was written" : "";
  }

  // Who has seen a text keeps it, whatever was written over it since.
  std::string look_again() {
    if (looks_.empty()) {
      return {};
    }
    const auto chosen = looks_.begin() + static_cast<std::ptrdiff_t>(random_() % looks_.size());
    auto wrong = check(*chosen);
    looks_.erase(chosen);
    return wrong;
  }

  std::string all() {
    for (auto& seen : std::exchange(looks_, {})) {
      if (auto wrong = check(seen); !wrong.empty()) {
        return wrong;
      }
    }
    return bounds();
  }

  std::string bounds() {
    if (random_() % 8 != 0) {
      return {};  // a look is a use, which keeps all
    }
    std::uint64_t bytes = 0;
    for (int i = 0; i < 30; ++i) {
      const auto key = "key " + std::to_string(i);
      const auto look = cache_.look({key});
      bytes += look.keys[0].known ? key.size() + (look.keys[0].text ? look.keys[0].text->bytes.size() : 0) : 0;
    }
    return bytes > max_ ? "it holds more bytes than it may" : "";
  }

  std::mt19937_64& random_;
  std::uint64_t max_;
  DocumentCache cache_;
  std::map<std::string, Document> disk_;
  std::vector<Change> writing_;  ///< begun and not ended
  std::uint64_t etag_ = 0;
  std::vector<Seen> looks_;
};

TEST(DocumentCache, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 15; ++run) {
    CacheModel model(random, random() % 4 == 0 ? random() % 1'000 : random() % 60'000);
    for (int step = 0; step < 400; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::detail::rocks
