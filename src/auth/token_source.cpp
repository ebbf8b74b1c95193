#include "auth/token_source.hpp"

#include "auth/shared_fetch.hpp"

#include "async/describe_error.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

namespace tern::auth {

namespace {

using TokenPointer = std::shared_ptr<const AccessToken>;

/// The token service has said why it gives no token.
struct NotGiven : std::exception {
  explicit NotGiven(TokenFailure failure) : why(std::move(failure)) {}
  const char* what() const noexcept override { return "The token service gives no token."; }

  TokenFailure why;
};

/// Why a request has brought no token. Without a message when it was cancelled with its source.
TokenFailure failure_in(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const NotGiven& e) {
    return e.why;
  } catch (...) {  // it is told below
  }
  if (tern::detail::has_code(error, asio::error::operation_aborted)) {
    return {};
  }
  if (tern::detail::has_code(error, errc::timed_out)) {
    return {NoToken::Why::unavailable, "The token service did not answer in time.", {}};
  }
  return {NoToken::Why::unavailable, "No token was got: " + tern::detail::message_of(error) + ".", {}};
}

}  // namespace

// The source and its request share this, so that a request that is cancelled may end after the source.
struct TokenSource::State final : SharedFetch {
  State(TokenSourceOptions wanted, executor home, std::shared_ptr<TokenFetcher> from, Clock& clock, Metrics& metrics)
      : SharedFetch({"request for a token", std::move(home), wanted.request_timeout, wanted.most_waiting}, clock),
        options(std::move(wanted)),
        fetcher(std::move(from)),
        schedule(options.times) {
    const auto figure = [&](const char* outcome) {
      return metrics.counter("tern_token_requests_total", "Requests for tokens that the bot shows to channels.",
                             {{"outcome", outcome}});
    };
    got = figure("ok");
    unavailable = figure("unavailable");
    denied = figure("refused");
    seconds = metrics.histogram("tern_token_request_seconds", "Time of a request for a token.",
                                {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10});
  }

  TokenAnswer ask();
  bool refuse(const TokenPointer& token);
  static awaitable<TokenPointer> wait_for(std::shared_ptr<State> self);

  bool under_way() const noexcept override { return schedule.requesting(); }
  awaitable<void> fetch(Deadline by) override;
  void succeeded() noexcept override;
  void failed(const std::exception_ptr& error) noexcept override;
  void report(const std::exception_ptr& error) override;
  void note_time() noexcept;
  [[noreturn]] static void fail(const TokenFailure& why);

  const TokenSourceOptions options;
  const std::shared_ptr<TokenFetcher> fetcher;
  Counter got;
  Counter unavailable;
  Counter denied;
  Histogram seconds;
  std::optional<FreshToken> fresh;  // used where the request is

  // Guarded by the mutex.
  TokenPointer token;
  TokenSchedule schedule;
  TokenFailure failure;             // of the last request that failed
  std::optional<SteadyTime> began;  // the request that is under way, once its task runs
  std::minstd_rand random{std::random_device()()};
};

void TokenSource::State::fail(const TokenFailure& why) {
  throw NoToken(why.why, (why.message.empty() ? "No token came in time." : why.message) + " Nothing was sent.");
}

TokenAnswer TokenSource::State::ask() {
  TokenSchedule::Step step{};
  TokenPointer known;
  TokenFailure last;
  {
    const std::lock_guard lock(mutex_);
    step = schedule.ask(clock_.now());
    if (step.answer == TokenSchedule::Answer::use) {
      known = token;
    } else if (step.answer == TokenSchedule::Answer::fail) {
      last = failure;
    }
  }
  if (step.request) {
    begin();
  }
  if (step.answer == TokenSchedule::Answer::use) {
    return known;
  }
  if (step.answer == TokenSchedule::Answer::fail) {
    fail(last);
  }
  return wait_for(std::static_pointer_cast<State>(shared_from_this()));
}

bool TokenSource::State::refuse(const TokenPointer& refused) {
  const std::lock_guard lock(mutex_);
  return refused != token || schedule.refuse(clock_.now());
}

awaitable<TokenPointer> TokenSource::State::wait_for(std::shared_ptr<State> self) {
  const auto end = co_await wait(self, 2 * self->options.request_timeout);
  if (end == Wait::full) {
    fail({NoToken::Why::unavailable, "Too many sends wait for a token.", {}});
  }
  TokenPointer known;
  TokenFailure last;
  {
    const std::lock_guard lock(self->mutex_);
    if (self->schedule.after_request(self->clock_.now()) == TokenSchedule::Answer::use) {
      known = self->token;
    }
    last = self->failure;
  }
  if (!known) {
    fail(last);
  }
  co_return known;
}

awaitable<void> TokenSource::State::fetch(Deadline by) {
  {
    const std::lock_guard lock(mutex_);
    began = clock_.now();
  }
  auto work = fetcher->fetch(options.scope, by);
  auto answer = co_await std::move(work);
  if (!answer) {
    throw NotGiven(answer.error());
  }
  fresh.emplace(std::move(*answer));
}

void TokenSource::State::note_time() noexcept {
  if (began) {
    seconds.observe(std::chrono::duration<double>(clock_.now() - *began).count());
  }
}

void TokenSource::State::succeeded() noexcept {
  note_time();
  got.inc();
  token = std::move(fresh->token);
  failure = {};
  schedule.succeeded(*std::exchange(began, std::nullopt), fresh->lifetime, fresh->renew_in);
}

void TokenSource::State::failed(const std::exception_ptr& error) noexcept {
  note_time();
  began.reset();
  failure = {};
  try {
    failure = error ? failure_in(error) : TokenFailure();
  } catch (...) {  // no memory to say why
  }
  (failure.why == NoToken::Why::refused ? denied : unavailable).inc();
  const double share = std::uniform_real_distribution<double>(0, 1)(random);
  schedule.failed(clock_.now(), failure.retry_after, share);
}

void TokenSource::State::report(const std::exception_ptr& error) {
  if (!error) {
    const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(fresh->lifetime);
    log::debug("a token was got", {{"scope", options.scope}, {"seconds", lifetime.count()}});
    return;
  }
  const TokenFailure why = failure_in(error);
  if (why.message.empty()) {
    return;  // it was cancelled with its source
  }
  bool serves = false;
  {
    const std::lock_guard lock(mutex_);
    serves = schedule.after_request(clock_.now()) == TokenSchedule::Answer::use;
  }
  log::warn(
      serves ? "no new token was got; the old one serves until it expires" : "no token was got; the bot cannot send",
      {{"scope", options.scope}, {"error", why.message}});
}

TokenSource::TokenSource(TokenSourceOptions options, executor home, std::shared_ptr<TokenFetcher> fetcher, Clock& clock,
                         Metrics& metrics)
    : state_(std::make_shared<State>(std::move(options), std::move(home), std::move(fetcher), clock, metrics)) {}

TokenSource::~TokenSource() {
  state_->close();
}

TokenAnswer TokenSource::token() {
  return state_->ask();
}

bool TokenSource::refused(const std::shared_ptr<const AccessToken>& token) {
  return state_->refuse(token);
}

}  // namespace tern::auth
