// What a request costs for its token: one that is known, and floods of those that are not.

#include "auth/bot_framework_authenticator.hpp"

#include "unit/auth/token_maker.hpp"

#include <tern/async/deadline.hpp>

#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {
namespace {

using namespace tern::auth;
using test::Attempt;
using test::FakeRequest;

/// An authenticator on the clock of the machine, whose keys are there.
class Fixture {
 public:
  Fixture()
      : authenticator(test::AuthWorld::options(), world_.io.get_executor(), world_.issuers, tern::system_clock(),
                      world_.metrics) {
    require(answer(FakeRequest(good(), tern::Deadline::never())) == 200, "a good token is accepted");
  }

  /// A good token of a channel, of this day.
  Attempt good() {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(tern::system_clock().wall_now().time_since_epoch());
    return world_.channel().claim("nbf", std::int64_t{now.count()}).claim("exp", std::int64_t{now.count() + 86'400});
  }
  /// The same with another text each time, and with the signature of the first.
  Attempt forged(int number) {
    const std::string token = good().token();
    auto attempt = good().claim("nonce", number);
    attempt.send(test::unsigned_token(attempt.header_text(), attempt.claims_text()) + token.substr(token.rfind('.')));
    return attempt;
  }

  unsigned answer(const FakeRequest& request) {
    auto given = authenticator.authenticate(request);
    const auto found = given.known() != nullptr ? *given.known() : tern::test::run_on(world_.io, given.take_later());
    return found.refusal() != nullptr ? found.refusal()->status() : 200;
  }
  static void require(bool holds, const char* what) {
    if (!holds) {
      std::cerr << "this does not hold: " << what << '\n';
      std::abort();
    }
  }
  tern::asio::io_context& io() { return world_.io; }

 private:
  test::AuthWorld world_;

 public:
  BotFrameworkAuthenticator authenticator;
};

Fixture& fixture() {
  static Fixture made;
  return made;
}

/// The baseline of a known token: what it is looked up by.
void DigestOfAToken(benchmark::State& state) {
  const std::string token = fixture().good().token();
  for (auto _ : state) {
    benchmark::DoNotOptimize(digest_of(token));
  }
}
BENCHMARK(DigestOfAToken);

void KnownToken(benchmark::State& state) {
  auto& on = fixture();
  static const FakeRequest request(on.good(), tern::Deadline::never());
  if (state.thread_index() == 0) {
    Fixture::require(on.answer(request) == 200, "a good token is accepted");
  }
  for (auto _ : state) {
    auto answer = on.authenticator.authenticate(request);
    benchmark::DoNotOptimize(answer.known());
  }
}
BENCHMARK(KnownToken)->ThreadRange(1, 2)->UseRealTime();

void TokenOfAnotherAudience(benchmark::State& state) {
  auto& on = fixture();
  const FakeRequest request(on.good().claim("aud", "another"), tern::Deadline::never());
  Fixture::require(on.answer(request) == 401, "a token for another is refused");
  for (auto _ : state) {
    auto answer = on.authenticator.authenticate(request);
    benchmark::DoNotOptimize(answer.known());
  }
}
BENCHMARK(TokenOfAnotherAudience);

void TokenOfAnUnknownKey(benchmark::State& state) {
  auto& on = fixture();
  const FakeRequest request(on.good().head("kid", "another"), tern::Deadline::never());
  const auto status = on.answer(request);  // 503 once the fetch of today has been made: the benchmark is called twice
  Fixture::require(status == 401 || status == 503, "a token of an unknown key is refused");
  for (auto _ : state) {
    auto answer = on.authenticator.authenticate(request);
    Fixture::require(answer.known() != nullptr, "no fetch is waited for");
  }
}
BENCHMARK(TokenOfAnUnknownKey);

/// The baseline of a token with a forged signature.
void SignatureAlone(benchmark::State& state) {
  const KeyUse use{[] {
                     Algorithms one;
                     one.add(Algorithm::rs256);
                     return one;
                   }(),
                   ""};
  const auto key = SigningKey::make(test::test_key().jwk("k"), use);
  const std::string signature = test::test_key().sign(Algorithm::rs256, "another text");
  const std::string text = test::unsigned_token(fixture().good().header_text(), fixture().good().claims_text());
  for (auto _ : state) {
    benchmark::DoNotOptimize(key->verify(Algorithm::rs256, text, signature));
  }
}
BENCHMARK(SignatureAlone);

tern::awaitable<void> ask(BotFrameworkAuthenticator& authenticator, const FakeRequest& request, int& left) {
  auto given = authenticator.authenticate(request);
  auto found = co_await given.take_later();
  Fixture::require(found.refusal()->status() == 401, "a forged token is refused");
  --left;
}

/// A flood of tokens that only their signature gives away: 100 at a time. The processor time is that of all threads.
void TokensWithForgedSignatures(benchmark::State& state) {
  auto& on = fixture();
  std::vector<std::unique_ptr<FakeRequest>> requests;
  for (int i = 0; i < 100; ++i) {
    requests.push_back(std::make_unique<FakeRequest>(on.forged(i), tern::Deadline::never()));
  }
  for (auto _ : state) {
    int left = 0;
    for (const auto& request : requests) {
      ++left;
      tern::asio::co_spawn(on.io(), ask(on.authenticator, *request, left), tern::asio::detached);
    }
    on.io().restart();
    while (left > 0) {
      on.io().run_one();
    }
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(TokensWithForgedSignatures)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace bench
