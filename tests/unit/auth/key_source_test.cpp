#include "auth/key_source.hpp"

#include "support/captured_log.hpp"
#include "support/run.hpp"

#include "fake_issuers.hpp"
#include "test_key.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using Answer = KeySchedule::Answer;

const std::string issuer_name = "https://issuer.example";
const std::string metadata_at = "https://issuer.example/openid";
const std::string keys_at = "https://keys.example/keys";

std::string metadata_text(const json::object& changes = {}) {
  json::object document{{"issuer", issuer_name},
                        {"jwks_uri", keys_at},
                        {"id_token_signing_alg_values_supported", json::array{"RS256", "ES256"}}};
  for (const auto& member : changes) {
    document[member.key()] = member.value();
  }
  return json::serialize(document);
}

std::string keys_text(std::initializer_list<const char*> names) {
  json::array keys;
  for (const char* name : names) {
    keys.push_back(test::test_key().jwk(name));
  }
  return test::key_document(std::move(keys));
}

class KeySourceTest : public testing::Test {
 protected:
  KeySourceTest() : issuers(std::make_shared<test::FakeIssuers>(clock)) {
    issuers->documents[metadata_at] = metadata_text();
    issuers->documents[keys_at] = keys_text({"a"});
    make();
  }

  void make(KeySourceOptions options = {}) {
    options.metadata_url = metadata_at;
    options.issuer = issuer_name;
    source = std::make_unique<KeySource>(std::move(options), io.get_executor(), issuers, clock, metrics);
  }

  /// What becomes of a token with this key, on `io`. nullopt while it waits.
  struct Asked {
    std::optional<KeySource::Found> found;
    std::exception_ptr error;
  };
  std::shared_ptr<Asked> ask(const std::string& key_id) {
    auto asked = std::make_shared<Asked>();
    asio::co_spawn(io, ask_on(*source, key_id, asked), [asked](std::exception_ptr error) { asked->error = error; });
    tern::test::drain(io);
    return asked;
  }
  static awaitable<void> ask_on(KeySource& source, std::string key_id, std::shared_ptr<Asked> asked) {
    auto found = source.find(key_id);
    if (found.answer == Answer::wait) {
      found = co_await source.wait_for(key_id);
    }
    asked->found = found;
  }
  Answer answer(const std::string& key_id) {
    const auto asked = ask(key_id);
    return asked->found ? asked->found->answer : Answer::wait;
  }
  void pass(SteadyTime::duration time) {
    clock.advance(time);
    tern::test::drain(io);
  }
  double figure(const char* outcome) {
    return metrics
        .counter("tern_auth_key_fetches_total", "Fetches of the keys that tokens are signed with.",
                 {{"outcome", outcome}})
        .value();
  }

  ManualClock clock;
  Metrics metrics;
  asio::io_context io{1};
  std::shared_ptr<test::FakeIssuers> issuers;
  std::unique_ptr<KeySource> source;
};

TEST_F(KeySourceTest, FetchesNothingBeforeTheFirstToken) {
  tern::test::drain(io);
  EXPECT_EQ(issuers->gets, 0);
}

TEST_F(KeySourceTest, FetchesTheDocumentAndItsKeysForTheFirstToken) {
  const auto asked = ask("a");
  ASSERT_TRUE(asked->found);
  EXPECT_EQ(asked->found->answer, Answer::use);
  EXPECT_EQ(asked->found->key->id(), "a");
  EXPECT_EQ(issuers->gets, 2);
  EXPECT_EQ(issuers->deadlines, std::vector(2, Deadline::after(10s, clock)));
  EXPECT_EQ(answer("a"), Answer::use);
  EXPECT_EQ(issuers->gets, 2);
  EXPECT_EQ(figure("ok"), 1);
}

TEST_F(KeySourceTest, HasOneFetchForAllThatWait) {
  issuers->takes = 1s;
  std::vector<std::shared_ptr<Asked>> asked;
  for (int i = 0; i < 100; ++i) {
    asked.push_back(ask("a"));
  }
  EXPECT_FALSE(asked.front()->found);
  pass(1s);
  pass(1s);
  for (const auto& each : asked) {
    ASSERT_TRUE(each->found);
    EXPECT_EQ(each->found->answer, Answer::use);
  }
  EXPECT_EQ(issuers->gets, 2);
}

TEST_F(KeySourceTest, MakesOneFetchForTenThousandUnknownKeysThatComeAtOnce) {
  issuers->takes = 1s;
  std::vector<std::shared_ptr<Asked>> asked;
  for (int i = 0; i < 10'000; ++i) {
    asked.push_back(std::make_shared<Asked>());
    asio::co_spawn(io, ask_on(*source, "unknown" + std::to_string(i), asked.back()), asio::detached);
  }
  tern::test::drain(io);
  // A thousand wait, and the others are turned away at once.
  for (std::size_t i = 0; i < asked.size(); ++i) {
    ASSERT_EQ(asked[i]->found.has_value(), i >= 1000) << i;
    EXPECT_TRUE(i < 1000 || asked[i]->found->answer == Answer::unavailable);
  }
  pass(1s);
  pass(1s);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(asked[i]->found);
    EXPECT_EQ(asked[i]->found->answer, Answer::unknown);
  }
  const auto another = ask("unknown");
  EXPECT_EQ(another->found->answer, Answer::later);
  EXPECT_EQ(another->found->later, 1h);
  EXPECT_EQ(figure("ok"), 1);
}

TEST_F(KeySourceTest, MakesOneFetchForTenThousandUnknownKeysOneAfterTheOther) {
  answer("a");
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(answer("unknown" + std::to_string(i)), i == 0 ? Answer::unknown : Answer::later);
    clock.advance(300ms);
  }
  EXPECT_EQ(figure("ok"), 2);
  EXPECT_EQ(answer("a"), Answer::use);
  pass(1h);
  EXPECT_EQ(answer("unknown"), Answer::unknown);
  EXPECT_EQ(figure("ok"), 3);
}

TEST_F(KeySourceTest, FindsAKeyThatTheIssuerHasJustAdded) {
  answer("a");
  issuers->documents[keys_at] = keys_text({"b"});
  EXPECT_EQ(answer("b"), Answer::use);
  EXPECT_EQ(answer("a"), Answer::unknown);
}

TEST_F(KeySourceTest, WithdrawsAKeyThatTheIssuerDoesNotListAnyMore) {
  const auto old = ask("a");
  pass(24h);
  issuers->documents[keys_at] = keys_text({"b"});
  EXPECT_EQ(answer("a"), Answer::use);  // the refresh is behind it
  EXPECT_TRUE(old->found->key->withdrawn());
  EXPECT_EQ(answer("a"), Answer::unknown);
  EXPECT_EQ(answer("b"), Answer::use);
}

TEST_F(KeySourceTest, ServesOldKeysWhileARefreshFails) {
  answer("a");
  issuers->fails = true;
  const tern::test::CapturedLog log;
  for (int day = 0; day < 10; ++day) {
    pass(24h);
    EXPECT_EQ(answer("a"), Answer::use);
  }
  EXPECT_EQ(issuers->gets, 2 + 10);
  issuers->fails = false;
  pass(5min);
  EXPECT_EQ(answer("a"), Answer::use);
  EXPECT_EQ(figure("ok"), 2);
}

TEST_F(KeySourceTest, SaysThatKeysAreUnavailableAndPausesWhenThereAreNone) {
  issuers->fails = true;
  tern::test::CapturedLog log;
  EXPECT_EQ(answer("a"), Answer::unavailable);
  EXPECT_EQ(answer("a"), Answer::unavailable);
  EXPECT_EQ(issuers->gets, 1);
  pass(1s);
  EXPECT_EQ(answer("a"), Answer::unavailable);
  EXPECT_EQ(issuers->gets, 2);
  issuers->fails = false;
  pass(1s);
  EXPECT_EQ(answer("a"), Answer::unavailable);
  pass(1s);
  EXPECT_EQ(answer("a"), Answer::use);
  EXPECT_EQ(figure("failed"), 2);
  EXPECT_NE(log.take().find("keys of tokens could not be fetched issuer=https://issuer.example"), std::string::npos);
}

TEST_F(KeySourceTest, DoesNotSayThatAKeyIsUnknownWhenItCannotKnow) {
  answer("a");
  issuers->fails = true;
  const tern::test::CapturedLog log;
  EXPECT_EQ(answer("b"), Answer::unavailable);
  EXPECT_EQ(answer("b"), Answer::unavailable);
  EXPECT_EQ(answer("a"), Answer::use);
}

TEST_F(KeySourceTest, LetsATokenWaitForFourSeconds) {
  issuers->takes = 9s;
  const auto asked = ask("a");
  pass(4s - 1ms);
  EXPECT_FALSE(asked->found);
  pass(1ms);
  ASSERT_TRUE(asked->found);
  EXPECT_EQ(asked->found->answer, Answer::unavailable);
}

TEST_F(KeySourceTest, HasAPlaceAgainWhenATokenDoesNotWaitAnyLonger) {
  KeySourceOptions options;
  options.most_waiting = 2;
  make(options);
  issuers->takes = 4s + 500ms;
  ask("a");
  pass(1s);
  const auto second = ask("a");
  EXPECT_EQ(answer("a"), Answer::unavailable);
  pass(3s);  // the first has waited long enough
  const auto fourth = ask("a");
  EXPECT_FALSE(fourth->found);
  EXPECT_FALSE(second->found);
  pass(1s);
  EXPECT_EQ(second->found->answer, Answer::unavailable);
  EXPECT_FALSE(fourth->found);
}

TEST_F(KeySourceTest, GivesAFetchTenSeconds) {
  issuers->takes = 6s;
  const tern::test::CapturedLog log;
  ask("a");
  pass(6s);
  EXPECT_EQ(figure("failed"), 0);
  pass(4s);
  EXPECT_EQ(figure("failed"), 1);
}

TEST_F(KeySourceTest, TakesNoDocumentThatIsNotThatOfItsIssuer) {
  const tern::test::CapturedLog log;
  for (const auto& changes :
       std::initializer_list<json::object>{{{"issuer", "https://other.example"}},
                                           {{"issuer", issuer_name + "/"}},
                                           {{"issuer", nullptr}},
                                           {{"jwks_uri", nullptr}},
                                           {{"jwks_uri", "http://keys.example/keys"}},
                                           {{"jwks_uri", "file:///etc/keys"}},
                                           {{"jwks_uri", ""}},
                                           {{"id_token_signing_alg_values_supported", json::array{"ES256"}}},
                                           {{"id_token_signing_alg_values_supported", "RS256"}}}) {
    issuers->documents[metadata_at] = metadata_text(changes);
    EXPECT_EQ(answer("a"), Answer::unavailable) << json::serialize(changes);
    pass(5min);
  }
  for (const char* text : {"", "[]", "<html>", "{}"}) {
    issuers->documents[metadata_at] = text;
    EXPECT_EQ(answer("a"), Answer::unavailable) << text;
    pass(5min);
  }
  issuers->documents[metadata_at] = metadata_text();
  EXPECT_EQ(answer("a"), Answer::use);
}

TEST_F(KeySourceTest, TakesNoDocumentWithoutKeysInPlaceOfOneWithKeys) {
  answer("a");
  const tern::test::CapturedLog log;
  for (const char* text : {"", "{}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\"}]}"}) {
    issuers->documents[keys_at] = text;
    pass(24h);
    EXPECT_EQ(answer("a"), Answer::use) << text;
    EXPECT_EQ(answer("a"), Answer::use) << text;
  }
}

TEST_F(KeySourceTest, UsesTheAlgorithmsThatTheDocumentLists) {
  const auto plain = ask("a");
  EXPECT_TRUE(plain->found->key->allows(Algorithm::rs256));
  EXPECT_FALSE(plain->found->key->allows(Algorithm::rs384));
  issuers->documents[metadata_at] =
      metadata_text({{"id_token_signing_alg_values_supported", json::array{"RS512", "none", "HS256", 7}}});
  make();
  const auto listed = ask("a");
  EXPECT_TRUE(listed->found->key->allows(Algorithm::rs512));
  EXPECT_FALSE(listed->found->key->allows(Algorithm::rs256));
}

TEST_F(KeySourceTest, UsesRs256WhenTheDocumentListsNothing) {
  issuers->documents[metadata_at] = json::serialize(json::object{{"issuer", issuer_name}, {"jwks_uri", keys_at}});
  const auto asked = ask("a");
  EXPECT_TRUE(asked->found->key->allows(Algorithm::rs256));
  EXPECT_FALSE(asked->found->key->allows(Algorithm::rs512));
}

TEST_F(KeySourceTest, FetchesOverHttpsUnlessToldOtherwise) {
  for (const char* url : {"http://issuer.example/openid", "http://127.0.0.1/openid", "ftp://issuer.example",
                          "issuer.example", "https://", "https://a b/", ""}) {
    KeySourceOptions options;
    options.metadata_url = url;
    EXPECT_THROW(KeySource(options, io.get_executor(), issuers, clock, metrics), system_error) << url;
  }
}

TEST_F(KeySourceTest, FetchesOverHttpFromThisMachineAlone) {
  KeySourceOptions options;
  options.allow_http = true;
  for (const char* url : {"http://127.0.0.1:8080/openid", "http://localhost/openid", "http://[::1]/openid"}) {
    options.metadata_url = url;
    EXPECT_NO_THROW(KeySource(options, io.get_executor(), issuers, clock, metrics)) << url;
  }
  for (const char* url : {"http://issuer.example/openid", "http://127.0.0.1.example/", "http://10.0.0.1/"}) {
    options.metadata_url = url;
    EXPECT_THROW(KeySource(options, io.get_executor(), issuers, clock, metrics), system_error) << url;
  }
}

TEST_F(KeySourceTest, MayBeDestroyedDuringAFetch) {
  issuers->takes = 1s;
  asio::co_spawn(io, issuers->get(metadata_at, Deadline::never()), asio::detached);  // keeps `io` busy
  source->find("a");
  tern::test::drain(io);
  source.reset();
  pass(2s);
  EXPECT_EQ(figure("ok"), 0);
}

TEST_F(KeySourceTest, HasItsFetchOnOneThreadAndWakesTokensOnOthers) {
  for (int round = 0; round < 20; ++round) {
    make();
    std::atomic<int> waiting{0};
    std::atomic<int> found{0};
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives its coroutines
    const auto one = [&]() -> awaitable<void> {
      const auto first = source->find("a");
      EXPECT_EQ(first.answer, Answer::wait);
      ++waiting;
      const auto second = co_await source->wait_for("a");
      EXPECT_EQ(second.answer, Answer::use);
      ++found;
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        asio::io_context shard{1};
        for (int j = 0; j < 5; ++j) {
          asio::co_spawn(shard, one(), asio::detached);
        }
        shard.run();
      });
    }
    std::thread home([&] {
      while (waiting < 3 * 5) {
        std::this_thread::yield();
      }
      io.restart();
      io.run();
    });
    for (auto& thread : threads) {
      thread.join();
    }
    home.join();
    EXPECT_EQ(found, 3 * 5);
  }
}

TEST_F(KeySourceTest, MayLoseAWaitingTokenAtAnyStep) {
  for (int n = 0;; ++n) {
    make();
    issuers->takes = 1s;
    asio::cancellation_signal signal;
    bool ended = false;
    source->find("a");
    asio::co_spawn(io, source->wait_for("a"),
                   asio::bind_cancellation_slot(signal.slot(),
                                                [&](std::exception_ptr, const KeySource::Found&) { ended = true; }));
    for (int ran = 0; ran < n && !ended;) {
      io.restart();
      if (io.poll_one() > 0) {
        ++ran;
      } else {
        clock.advance(1s);
      }
    }
    const bool all = ended;
    signal.emit(asio::cancellation_type::terminal);
    tern::test::drain(io);
    EXPECT_TRUE(ended) << n;
    pass(1s);
    pass(1s);
    EXPECT_EQ(answer("a"), Answer::use) << n << ": the fetch goes on";
    if (all) {
      EXPECT_GT(n, 3);
      return;
    }
  }
}

TEST(KeySourceFrames, MayBeDestroyedAtAnyPoint) {
  ManualClock clock;
  Metrics metrics;
  const auto issuers = std::make_shared<test::FakeIssuers>(clock);
  issuers->documents[metadata_at] = metadata_text();
  issuers->documents[keys_at] = keys_text({"a"});
  issuers->takes = 1s;
  struct Scenario {
    std::unique_ptr<KeySource> source;
    ManualClock* clock;
    int left = 3;
    bool advance() {
      clock->advance(1s);
      return left-- > 0;
    }
  };
  tern::test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    KeySourceOptions options;
    options.metadata_url = metadata_at;
    options.issuer = issuer_name;
    auto source = std::make_unique<KeySource>(std::move(options), io.get_executor(), issuers, clock, metrics);
    for (int i = 0; i < 3; ++i) {
      source->find("a");
      asio::co_spawn(io, source->wait_for("a"), asio::detached);
    }
    return std::make_unique<Scenario>(Scenario{std::move(source), &clock});
  });
}

}  // namespace
}  // namespace tern::auth
