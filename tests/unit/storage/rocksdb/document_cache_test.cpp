#include "document_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace tern::detail::rocks {
namespace {

constexpr std::uint64_t plenty = 1U << 20;

void write(DocumentCache& cache, const std::string& key, const std::string& text, std::uint64_t etag) {
  const std::vector<DocumentCache::Change> changes{{DocumentCache::Name(key), &text, etag}};
  cache.begin_write(changes);
  cache.end_write(changes, true);
}

StoreItems read(DocumentCache& cache, const std::string& key) {
  const auto look = cache.look({key});
  return look.unknown == 0 ? look.items({key}, {}) : StoreItems();
}

TEST(DocumentCache, AReaderKeepsTheTextThatItHasSeenWhateverIsWrittenThen) {
  DocumentCache cache(plenty);
  write(cache, "key", "first", 1);
  const auto before = cache.look({"key"});
  write(cache, "key", "second", 2);
  write(cache, "key", "third", 3);
  EXPECT_EQ(before.items({"key"}, {}).find("key")->document, "first");
  const auto now = read(cache, "key");
  EXPECT_EQ(now.find("key")->document, "third");
  EXPECT_EQ(now.find("key")->etag, "3");
}

TEST(DocumentCache, ATextMayGrowAndShrinkAndGoAndComeAgain) {
  DocumentCache cache(plenty);
  std::uint64_t etag = 0;
  for (const std::size_t bytes : {5U, 4000U, 20U, 100'000U, 0U, 100'000U, 5000U, 3U}) {
    const std::string text(bytes, 'x');
    write(cache, "key", text, ++etag);
    const auto items = read(cache, "key");
    ASSERT_NE(items.find("key"), nullptr);
    EXPECT_EQ(items.find("key")->document, text);
    EXPECT_EQ(items.find("key")->etag, std::to_string(etag));
  }
  const std::vector<DocumentCache::Change> removal{{DocumentCache::Name("key"), nullptr, 0}};
  cache.begin_write(removal);
  cache.end_write(removal, true);
  EXPECT_EQ(cache.look({"key"}).unknown, 0U);
  EXPECT_TRUE(read(cache, "key").empty());
  write(cache, "key", "again", ++etag);
  EXPECT_EQ(read(cache, "key").find("key")->document, "again");
}

TEST(DocumentCache, WhatALargeTextHasTakenIsGivenBackWhenASmallOneFollows) {
  constexpr std::size_t large = 100'000;
  constexpr std::size_t keys = 8;
  DocumentCache cache(large + keys * 1000);
  for (std::size_t i = 0; i < keys; ++i) {
    const auto key = std::to_string(i);
    write(cache, key, std::string(large, 'x'), i + 1);
    write(cache, key, "small", keys + i + 1);
  }
  for (std::size_t i = 0; i < keys; ++i) {
    EXPECT_EQ(cache.look({std::to_string(i)}).unknown, 0U) << i;
  }
}

// Under ThreadSanitizer: a text is changed in place only while nobody holds it.
TEST(DocumentCache, IsReadWhileItIsWritten) {
  constexpr std::uint64_t writes = 20'000;
  DocumentCache cache(plenty);
  write(cache, "key", "0", 1);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    std::uint64_t last = 0;
    while (!done) {
      const auto look = cache.look({"key"});
      if (look.in_doubt) {
        continue;
      }
      const auto items = look.items({"key"}, {});
      const auto& item = *items.find("key");
      const auto number = std::stoull(item.document);
      EXPECT_EQ(item.etag, std::to_string(number + 1));
      EXPECT_GE(number, last);
      last = number;
    }
  });
  for (std::uint64_t i = 1; i <= writes; ++i) {
    write(cache, "key", std::to_string(i), i + 1);
  }
  done = true;
  reader.join();
  EXPECT_EQ(read(cache, "key").find("key")->document, std::to_string(writes));
}

TEST(DocumentCache, WhatFailedToBeWrittenIsForgotten) {
  DocumentCache cache(plenty);
  write(cache, "key", "first", 1);
  const std::string text = "second";
  const std::vector<DocumentCache::Change> changes{{DocumentCache::Name("key"), &text, 2}};
  cache.begin_write(changes);
  EXPECT_TRUE(cache.look({"key"}).in_doubt);
  cache.end_write(changes, false);
  const auto look = cache.look({"key"});
  EXPECT_FALSE(look.in_doubt);
  EXPECT_EQ(look.unknown, 1U);
}

}  // namespace
}  // namespace tern::detail::rocks
