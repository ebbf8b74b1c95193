#include "auth/verified_tokens.hpp"

#include "test_key.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;

class VerifiedTokensTest : public testing::Test {
 protected:
  VerifiedTokensTest() {
    Algorithms algorithms;
    algorithms.add(Algorithm::rs256);
    use = {algorithms, ""};
    keys = *KeySet::parse(test::key_document({test::test_key().jwk("k")}), use);
  }

  std::shared_ptr<const Verified> token(const std::string& caller) {
    auto made = std::make_shared<Verified>();
    made->identity = std::make_shared<const Identity>(Identity{Identity::Kind::channel, caller, "", {}});
    made->key = keys.find("k");
    made->not_before = now - 5min;
    made->expires = now + 1h;
    return made;
  }
  /// As the authenticator looks for a token.
  std::shared_ptr<const Verified> find(const std::string& text, WallTime when) {
    if (auto own = tokens.find_own(text, when)) {
      return own;
    }
    const auto shared = tokens.find(digest_of(text), when);
    return shared ? tokens.keep_own(text, *shared) : nullptr;
  }
  std::string caller_at(const std::string& text, WallTime when) {
    const auto found = find(text, when);
    return found ? found->identity->app_id : "";
  }

  WallTime now{1'800'000'000s};
  KeyUse use;
  KeySet keys;
  VerifiedTokens tokens{3};
};

TEST_F(VerifiedTokensTest, AreFoundByTheirWholeText) {
  tokens.insert(digest_of("a.b.c"), token("a"));
  EXPECT_EQ(caller_at("a.b.c", now), "a");
  EXPECT_EQ(caller_at("a.b.c", now), "a");
  EXPECT_EQ(caller_at("a.b.d", now), "");
  EXPECT_EQ(caller_at("a.b.", now), "");
  EXPECT_EQ(caller_at("", now), "");
}

TEST_F(VerifiedTokensTest, AreKnownUntilTheyExpire) {
  tokens.insert(digest_of("a"), token("a"));
  EXPECT_EQ(caller_at("a", now + 1h - 1ns), "a");
  EXPECT_EQ(caller_at("a", now + 1h), "");
  EXPECT_EQ(caller_at("a", now), "") << "it was forgotten";
  EXPECT_EQ(tokens.size(), 0U);
}

TEST_F(VerifiedTokensTest, AreNotKnownBeforeTheyAreValidWhenTheClockIsSetBack) {
  tokens.insert(digest_of("a"), token("a"));
  EXPECT_EQ(caller_at("a", now - 5min), "a");
  EXPECT_EQ(caller_at("a", now - 6min), "");
}

TEST_F(VerifiedTokensTest, AreForgottenWithTheirKey) {
  tokens.insert(digest_of("a"), token("a"));
  EXPECT_EQ(caller_at("a", now), "a");
  auto fresh = *KeySet::parse(test::key_document({test::test_key().jwk("other")}), use);
  fresh.replace(keys);
  EXPECT_EQ(caller_at("a", now), "");
  EXPECT_EQ(tokens.size(), 0U);
}

TEST_F(VerifiedTokensTest, KeepAsManyAsThereIsRoomForAndThoseThatWereUsedLast) {
  for (const char* text : {"a", "b", "c"}) {
    tokens.insert(digest_of(text), token(text));
  }
  // Another thread has found "a", so that the shared table knows that it is used.
  std::thread([&] { EXPECT_EQ(caller_at("a", now), "a"); }).join();
  tokens.insert(digest_of("d"), token("d"));
  EXPECT_EQ(tokens.size(), 3U);
  EXPECT_EQ(caller_at("b", now), "");
  EXPECT_EQ(caller_at("a", now), "a");
  EXPECT_EQ(caller_at("c", now), "c");
  EXPECT_EQ(caller_at("d", now), "d");
}

TEST_F(VerifiedTokensTest, AreKeptOnceWhenTwoRequestsHaveVerifiedThem) {
  tokens.insert(digest_of("a"), token("first"));
  tokens.insert(digest_of("a"), token("second"));
  EXPECT_EQ(tokens.size(), 1U);
  EXPECT_EQ(caller_at("a", now), "first");
}

TEST_F(VerifiedTokensTest, GiveEachThreadAnIdentityOfItsOwn) {
  tokens.insert(digest_of("a"), token("a"));
  // Two new threads have numbers that follow each other, so they never share a table.
  std::shared_ptr<const Verified> here;
  std::shared_ptr<const Verified> there;
  std::thread([&] {
    here = find("a", now);
    EXPECT_EQ(here, find("a", now));
  }).join();
  std::thread([&] { there = find("a", now); }).join();
  EXPECT_NE(here->identity, there->identity);
  EXPECT_TRUE(here->identity->is_same_caller(*there->identity));
}

TEST_F(VerifiedTokensTest, AThreadTellsTokensApartByAllTheirBytes) {
  const std::string signature(64, 's');
  tokens.keep_own("one." + signature, *token("one"));
  tokens.keep_own("two." + signature, *token("two"));
  EXPECT_EQ(tokens.find_own("one." + signature, now)->identity->app_id, "one");
  EXPECT_EQ(tokens.find_own("two." + signature, now)->identity->app_id, "two");
  EXPECT_EQ(tokens.find_own("six." + signature, now), nullptr);
  EXPECT_EQ(tokens.find_own("one." + signature + "s", now), nullptr);
  EXPECT_EQ(tokens.find_own(signature, now), nullptr);
  EXPECT_EQ(tokens.find_own("", now), nullptr);
}

TEST_F(VerifiedTokensTest, AThreadKeepsThoseThatItHasUsedLast) {
  for (std::size_t i = 0; i < VerifiedTokens::own_capacity; ++i) {
    tokens.keep_own(std::to_string(i), *token("t"));
  }
  EXPECT_NE(tokens.find_own("0", now), nullptr);
  tokens.keep_own("fresh", *token("fresh"));
  EXPECT_NE(tokens.find_own("0", now), nullptr);
  EXPECT_NE(tokens.find_own("fresh", now), nullptr);
  EXPECT_EQ(tokens.find_own("1", now), nullptr) << "the one that was used longest ago";
  EXPECT_EQ(tokens.find_own("2", now + 1h), nullptr) << "it has expired";
  EXPECT_EQ(tokens.find_own("2", now), nullptr);
  EXPECT_NE(tokens.find_own("3", now), nullptr);
}

TEST_F(VerifiedTokensTest, AThreadReplacesATokenThatItHasAlready) {
  tokens.keep_own("a", *token("first"));
  tokens.keep_own("a", *token("second"));
  EXPECT_EQ(tokens.find_own("a", now)->identity->app_id, "second");
}

TEST_F(VerifiedTokensTest, MayBeUsedByManyThreads) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const std::string text(1, static_cast<char>('a' + i % 7));
        const auto found = find(text, now);
        if (found) {
          EXPECT_EQ(found->identity->app_id, text);
        } else {
          tokens.insert(digest_of(text), token(text));
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(tokens.size(), 3U);
}

// A thread that begins 64 threads later has the same table.
TEST_F(VerifiedTokensTest, ThreadsOfOneTableDoNotWaitForEachOther) {
  tokens.insert(digest_of("a"), token("a"));
  const auto look = [&] {
    for (int i = 0; i < 500; ++i) {
      EXPECT_EQ(caller_at("a", now), "a");
    }
  };
  std::thread first(look);
  for (int i = 0; i < 63; ++i) {
    std::thread([&] { EXPECT_EQ(tokens.find_own("none", now), nullptr); }).join();
  }
  std::thread second(look);
  first.join();
  second.join();
}

}  // namespace
}  // namespace tern::auth
