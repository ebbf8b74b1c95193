#include "conformance/backend.hpp"

#include <algorithm>
#include <string_view>

namespace tern::conformance {

namespace {

using namespace std::string_literals;

const std::vector<std::string>& unusual_keys() {
  static const std::vector<std::string> keys{
      "!@#$%^&*()~/\\><,.?';\"`~ ",
      "28/msteams/conversations/19:abc_def@thread.tacv2;messageid=1",
      "\u00fcber/\u6771\u4eac/\U0001f426\u200d\u2b1b",
      "\u00e9",   // one code point
      "e\u0301",  // the same letter in two: another key
      "with\0nul"s,
      "\0"s,
      "\x7f\x01\n\r\t",
      "not utf-8 \xff\xfe",
      std::string(max_key_bytes, 'x'),
      bounded_key("long/" + std::string(5000, 'y')),
      bounded_key("long/" + std::string(5000, 'y') + "z"),
      " ",
      "*",
      "null",
  };
  return keys;
}

}  // namespace

TEST_P(StorageSuite, NamesItself) {
  EXPECT_FALSE(store->traits().name.empty());
}

TEST_P(StorageSuite, AbsentKeysAreAbsent) {
  ASSERT_TRUE(upsert("there", "1").has_value());
  const auto items = read({"before", "there", "zz"});
  EXPECT_EQ(items.size(), 1u);
  EXPECT_EQ(items.find("before"), nullptr);
  ASSERT_NE(items.find("there"), nullptr);
  EXPECT_EQ(items.find("there")->document, "1");
}

TEST_P(StorageSuite, ReadingNothingYieldsNothing) {
  EXPECT_TRUE(read({}).empty());
}

TEST_P(StorageSuite, ReadKeepsTheOrderOfTheKeys) {
  StoreChanges changes;
  changes.upserts.emplace_back("a", "1");
  changes.upserts.emplace_back("b", "2");
  changes.upserts.emplace_back("c", "3");
  ASSERT_TRUE(write(std::move(changes)).has_value());
  std::string order;
  for (const auto& item : read({"c", "a", "b"})) {
    order += item.key;
  }
  EXPECT_EQ(order, "cab");
}

TEST_P(StorageSuite, UnusualKeysAreKeptApart) {
  StoreChanges changes;
  for (std::size_t i = 0; i < unusual_keys().size(); ++i) {
    changes.upserts.emplace_back(unusual_keys()[i], std::to_string(i));
  }
  ASSERT_TRUE(write(std::move(changes)).has_value());
  const auto items = read(unusual_keys());
  ASSERT_EQ(items.size(), unusual_keys().size());
  std::size_t i = 0;
  for (const auto& item : items) {
    EXPECT_EQ(item.key, unusual_keys()[i]);
    EXPECT_EQ(item.document, std::to_string(i));
    ++i;
  }
}

TEST_P(StorageSuite, DocumentsComeBackByteForByte) {
  const std::vector<std::string> documents{"{}", "", R"({"n":9223372036854775807,"u":18446744073709551615,"d":5e-324})",
                                           R"({"nul":"\u0000"})", "{\"text\":\"\U0001f426 \u00fc\"}"};
  for (const auto& document : documents) {
    ASSERT_TRUE(upsert("key", document).has_value());
    EXPECT_EQ(text_of("key"), document);
  }
}

TEST_P(StorageSuite, DocumentOfOneMebibyte) {
  std::string document = "\"";
  for (std::size_t i = 0; document.size() < (1U << 20) - 1; ++i) {
    document += static_cast<char>('a' + i % 26);
  }
  document += '"';
  ASSERT_TRUE(upsert("large", document).has_value());
  EXPECT_EQ(text_of("large"), document);
}

TEST_P(StorageSuite, WithoutExpectationTheLastWriteWins) {
  ASSERT_TRUE(upsert("key", "1").has_value());
  ASSERT_TRUE(upsert("key", "2").has_value());
  ASSERT_TRUE(upsert("key", "3", Expect::etag("*")).has_value());
  EXPECT_EQ(text_of("key"), "3");
}

TEST_P(StorageSuite, StarCreatesAnAbsentDocument) {
  ASSERT_TRUE(upsert("key", "1", Expect::etag("*")).has_value());
  EXPECT_EQ(text_of("key"), "1");
}

TEST_P(StorageSuite, MatchingEtagOverwritesAndChangesIt) {
  const auto first = upsert("key", "1");
  ASSERT_TRUE(first.has_value());
  ASSERT_EQ(first->etags.size(), 1u);
  EXPECT_EQ(first->etags[0], etag_of("key"));
  const auto second = upsert("key", "2", Expect::etag(first->etags[0]));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(text_of("key"), "2");
  EXPECT_NE(second->etags[0], first->etags[0]);
  EXPECT_EQ(second->etags[0], etag_of("key"));
}

TEST_P(StorageSuite, SecondWriterGetsEtagConflict) {
  ASSERT_TRUE(upsert("key", "1").has_value());
  const auto etag = etag_of("key");
  ASSERT_TRUE(upsert("key", "first", Expect::etag(etag)).has_value());
  const auto second = upsert("key", "second", Expect::etag(etag));
  ASSERT_TRUE(second.has_error());
  EXPECT_EQ(second.error().keys, std::vector<std::string>{"key"});
  EXPECT_EQ(text_of("key"), "first");
}

TEST_P(StorageSuite, EtagOfAnAbsentDocumentConflicts) {
  const auto written = upsert("absent", "1", Expect::etag("1"));
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().keys, std::vector<std::string>{"absent"});
}

TEST_P(StorageSuite, EtagThatIsNoneOfOursConflicts) {
  ASSERT_TRUE(upsert("key", "1").has_value());
  const auto etag = etag_of("key");
  for (const auto& other : {"W/\"" + etag + "\"", etag + " ", " " + etag, "0" + etag, "-1"s, "null"s, etag + "\0"s,
                            std::string(100, '9')}) {
    EXPECT_TRUE(upsert("key", "2", Expect::etag(other)).has_error()) << other;
  }
  EXPECT_EQ(text_of("key"), "1");
}

TEST_P(StorageSuite, EmptyEtagIsMisuse) {
  EXPECT_EQ(error_of([&] { (void)upsert("key", "1", Expect::etag("")); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)remove("key", Expect::etag("")); }), errc::invalid_argument);
  EXPECT_EQ(text_of("key"), "(absent)");
}

TEST_P(StorageSuite, MustBeNewRefusesWhatIsThere) {
  ASSERT_TRUE(upsert("key", "1", Expect::absent()).has_value());
  const auto again = upsert("key", "2", Expect::absent());
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().keys, std::vector<std::string>{"key"});
  EXPECT_EQ(text_of("key"), "1");
}

TEST_P(StorageSuite, EtagIsNotUsedAgainAfterRemoval) {
  std::vector<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(upsert("key", "same").has_value());
    const auto etag = etag_of("key");
    EXPECT_EQ(std::count(seen.begin(), seen.end(), etag), 0);
    for (const auto& old : seen) {
      EXPECT_TRUE(upsert("key", "stale", Expect::etag(old)).has_error());
    }
    seen.push_back(etag);
    ASSERT_TRUE(remove("key").has_value());
  }
}

TEST_P(StorageSuite, RemovingAnAbsentKeyIsNoError) {
  EXPECT_TRUE(remove("absent").has_value());
  EXPECT_TRUE(remove("absent", Expect::etag("*")).has_value());
  EXPECT_TRUE(remove("absent", Expect::absent()).has_value());
}

TEST_P(StorageSuite, RemovalRespectsTheEtag) {
  EXPECT_TRUE(remove("key", Expect::etag("1")).has_error());
  ASSERT_TRUE(upsert("key", "1").has_value());
  const auto old = etag_of("key");
  ASSERT_TRUE(upsert("key", "2").has_value());
  EXPECT_TRUE(remove("key", Expect::etag(old)).has_error());
  EXPECT_TRUE(remove("key", Expect::absent()).has_error());
  EXPECT_EQ(text_of("key"), "2");
  EXPECT_TRUE(remove("key", Expect::etag(etag_of("key"))).has_value());
  EXPECT_EQ(text_of("key"), "(absent)");
}

TEST_P(StorageSuite, WritingNothingIsNoError) {
  const auto written = write({});
  ASSERT_TRUE(written.has_value());
  EXPECT_TRUE(written->etags.empty());
}

TEST_P(StorageSuite, SeveralKeysAreAllOrNothing) {
  ASSERT_TRUE(upsert("b", "old").has_value());
  ASSERT_TRUE(upsert("gone", "old").has_value());
  StoreChanges changes;
  changes.upserts.emplace_back("a", "new", Expect::absent());
  changes.upserts.emplace_back("b", "new", Expect::etag("no such"));
  changes.upserts.emplace_back("c", "new");
  changes.removals.emplace_back("gone");
  EXPECT_TRUE(write(std::move(changes)).has_error());
  EXPECT_EQ(text_of("a"), "(absent)");
  EXPECT_EQ(text_of("b"), "old");
  EXPECT_EQ(text_of("c"), "(absent)");
  EXPECT_EQ(text_of("gone"), "old");
}

TEST_P(StorageSuite, ConflictNamesEveryKeyThatWasNotAsExpected) {
  ASSERT_TRUE(upsert("b", "1").has_value());
  ASSERT_TRUE(upsert("d", "1").has_value());
  StoreChanges changes;
  changes.upserts.emplace_back("a", "2", Expect::etag("0"));
  changes.upserts.emplace_back("b", "2", Expect::absent());
  changes.upserts.emplace_back("c", "2", Expect::absent());
  changes.removals.emplace_back("d", Expect::etag("0"));
  const auto written = write(std::move(changes));
  ASSERT_TRUE(written.has_error());
  auto keys = written.error().keys;
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "d"}));
}

TEST_P(StorageSuite, EtagsOfTheReceiptFollowTheUpserts) {
  StoreChanges changes;
  changes.removals.emplace_back("x");
  for (const auto* key : {"c", "a", "b"}) {
    changes.upserts.emplace_back(key, "1");
  }
  const auto written = write(std::move(changes));
  ASSERT_TRUE(written.has_value());
  ASSERT_EQ(written->etags.size(), 3u);
  EXPECT_EQ(written->etags[0], etag_of("c"));
  EXPECT_EQ(written->etags[1], etag_of("a"));
  EXPECT_EQ(written->etags[2], etag_of("b"));
}

TEST_P(StorageSuite, KeyTwiceInOneWriteIsMisuse) {
  StoreChanges twice;
  twice.upserts.emplace_back("key", "1");
  twice.upserts.emplace_back("key", "2");
  EXPECT_EQ(error_of([&] { (void)write(twice); }), errc::invalid_argument);
  StoreChanges both;
  both.upserts.emplace_back("key", "1");
  both.removals.emplace_back("key");
  EXPECT_EQ(error_of([&] { (void)write(both); }), errc::invalid_argument);
  StoreChanges many;
  for (int i = 0; i < 100; ++i) {
    many.upserts.emplace_back("key" + std::to_string(i % 99), "1");
  }
  EXPECT_EQ(error_of([&] { (void)write(many); }), errc::invalid_argument);
  EXPECT_EQ(text_of("key"), "(absent)");
  EXPECT_EQ(text_of("key0"), "(absent)");
}

TEST_P(StorageSuite, KeysOutsideTheBoundsAreMisuse) {
  const std::string long_key(max_key_bytes + 1, 'k');
  EXPECT_EQ(error_of([&] { (void)upsert(long_key, "1"); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)remove(long_key); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)read({long_key}); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)upsert("", "1"); }), errc::invalid_argument);
}

TEST_P(StorageSuite, ScanIsInByteOrder) {
  std::vector<std::string> keys{"p/a",      "p/B", "p/\u00e9", "p/z",  "p/e", "p/\U0001f426",
                                "p/\uffee", "p/",  "p/a\0b"s,  "p/aa", "p/~"};
  StoreChanges changes;
  for (const auto& key : keys) {
    changes.upserts.emplace_back(key, "1");
  }
  for (const auto* other : {"p", "o/z", "p0", "q"}) {
    changes.upserts.emplace_back(other, "1");
  }
  ASSERT_TRUE(write(std::move(changes)).has_value());
  std::sort(keys.begin(), keys.end());
  const auto page = scan(StoreScan("p/"));
  std::vector<std::string> found;
  for (const auto& item : page.items) {
    found.push_back(item.key);
    EXPECT_EQ(item.document, "1");
    EXPECT_EQ(item.etag, etag_of(item.key));
  }
  EXPECT_EQ(found, keys);
  EXPECT_EQ(page.next, "");
}

TEST_P(StorageSuite, ScanPagesWithoutGapsOrRepetitions) {
  StoreChanges changes;
  std::vector<std::string> keys;
  for (int i = 0; i < 257; ++i) {
    keys.push_back("k/" + std::to_string(i));
    changes.upserts.emplace_back(keys.back(), "1");
  }
  ASSERT_TRUE(write(std::move(changes)).has_value());
  std::sort(keys.begin(), keys.end());
  for (const std::size_t limit : {1u, 7u, 256u, 257u, 1000u}) {
    std::vector<std::string> found;
    std::string after;
    do {
      const auto page = scan(StoreScan("k/", limit, after));
      EXPECT_LE(page.items.size(), limit);
      for (const auto& item : page.items) {
        found.push_back(item.key);
      }
      after = page.next;
    } while (!after.empty());
    EXPECT_EQ(found, keys) << "limit " << limit;
  }
}

TEST_P(StorageSuite, EmptyPrefixScansEverything) {
  ASSERT_TRUE(upsert("a", "1").has_value());
  ASSERT_TRUE(upsert("\xff\xff", "2").has_value());
  EXPECT_EQ(scan(StoreScan("")).items.size(), 2u);
  EXPECT_EQ(scan(StoreScan("\xff")).items.size(), 1u);
  EXPECT_EQ(scan(StoreScan("b")).items.size(), 0u);
}

TEST_P(StorageSuite, ScanGoesOnWhereAKeyWasRemoved) {
  for (const auto* key : {"k/1", "k/2", "k/3"}) {
    ASSERT_TRUE(upsert(key, "1").has_value());
  }
  const auto first = scan(StoreScan("k/", 2));
  ASSERT_EQ(first.next, "k/2");
  ASSERT_TRUE(remove("k/2").has_value());
  const auto second = scan(StoreScan("k/", 2, first.next));
  ASSERT_EQ(second.items.size(), 1u);
  EXPECT_EQ(second.items[0].key, "k/3");
}

TEST_P(StorageSuite, ScanLimitOutOfRangeIsMisuse) {
  EXPECT_EQ(error_of([&] { (void)scan(StoreScan("k", 0)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)scan(StoreScan("k", 1001)); }), errc::invalid_argument);
}

TEST_P(StorageSuite, PassedDeadlineWritesNothing) {
  const auto passed = Deadline::after(std::chrono::seconds(-1), clock);
  StoreChanges changes;
  changes.upserts.emplace_back("key", "1");
  EXPECT_EQ(error_of([&] { (void)test::run(store->write(changes, passed)); }), errc::timed_out);
  EXPECT_EQ(error_of([&] { (void)test::run(store->read({"key"}, passed)); }), errc::timed_out);
  EXPECT_EQ(error_of([&] { (void)test::run(store->scan(StoreScan("k"), passed)); }), errc::timed_out);
  EXPECT_EQ(text_of("key"), "(absent)");
}

// Whether others are told is for stores that several processes share.
TEST_P(StorageSuite, ANoteIsToldToNobodyOfTheSameProcess) {
  std::vector<std::string> heard;
  const auto subscription =
      store->listen_to_notes("", [&](std::string_view topic, std::string_view) { heard.emplace_back(topic); });
  store->tell("topic", "a note");
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(error_of([&] { store->tell("topic", std::string(max_note_bytes, 'x')); }), error_code());
  for (const auto& text : {std::string(max_note_bytes + 1, 'x'), std::string("a\0b", 3), std::string("\xC3")}) {
    EXPECT_EQ(error_of([&] { store->tell("topic", text); }), errc::invalid_argument);
  }
  for (const auto& topic : {std::string(), std::string(257, 'x'), std::string("a\nb"), std::string("\xC3\xA4")}) {
    EXPECT_EQ(error_of([&] { store->tell(topic, "a note"); }), errc::invalid_argument);
  }
}

TEST_P(StorageSuite, ConfirmedWritesSurviveACrash) {
  if (!GetParam().reopen) {
    GTEST_SKIP() << "the backend promises no durability";
  }
  ASSERT_TRUE(store->traits().durable);
  for (const auto& key : unusual_keys()) {
    ASSERT_TRUE(upsert(key, "document of " + std::to_string(key.size())).has_value());
  }
  ASSERT_TRUE(remove("*").has_value());
  const auto etag = etag_of(" ");
  auto crashed = std::move(*store);
  store.reset();
  store = GetParam().reopen(std::move(crashed), clock);
  test::run(store->open(never));
  for (const auto& key : unusual_keys()) {
    EXPECT_EQ(text_of(key), key == "*" ? "(absent)" : "document of " + std::to_string(key.size()));
  }
  EXPECT_EQ(etag_of(" "), etag);
  EXPECT_TRUE(upsert(" ", "next", Expect::etag(etag)).has_value());
}

}  // namespace tern::conformance
