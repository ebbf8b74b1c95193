#include "auth/token_source.hpp"

#include "auth/wait_place.hpp"

#include "async/describe_error.hpp"
#include "async/task_group.hpp"

#include <tern/async/log.hpp>
#include <tern/async/with_timeout.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <cstdint>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

namespace tern::auth {

namespace {

using TokenPointer = std::shared_ptr<const AccessToken>;
using TokenResult = boost::system::result<FreshToken, TokenFailure>;

double random_share() {
  thread_local std::minstd_rand random{std::random_device()()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

// The source and its request share this, so that a request that is cancelled may end after the source.
struct TokenSource::State : std::enable_shared_from_this<State> {
  State(TokenSourceOptions wanted, executor on, std::shared_ptr<TokenFetcher> from, Clock& time, Metrics& metrics)
      : options(std::move(wanted)),
        home(std::move(on)),
        fetcher(std::move(from)),
        clock(time),
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

  class Waiting;

  TokenAnswer ask();
  bool refuse(const TokenPointer& token);
  static awaitable<TokenPointer> wait_for(std::shared_ptr<State> self);
  static awaitable<TokenResult> fetch(std::shared_ptr<State> self);
  static awaitable<void> renew(std::shared_ptr<State> self);
  void begin_request();
  void install(FreshToken fresh, SteadyTime began);
  void give_up(TokenFailure why);
  void wake_all() noexcept;
  [[noreturn]] void fail(const TokenFailure& why) const;

  const TokenSourceOptions options;
  const executor home;
  const std::shared_ptr<TokenFetcher> fetcher;
  Clock& clock;
  Counter got;
  Counter unavailable;
  Counter denied;
  Histogram seconds;

  std::mutex mutex;
  TokenPointer token;  // guarded by the mutex, as what follows
  TokenSchedule schedule;
  TokenFailure failure;  // of the last request that failed
  std::list<Waiting*> waiting;
  TaskGroup requests;
};

// Keeps a place in the list while its coroutine exists.
class TokenSource::State::Waiting {
 public:
  /// How it found the list: it stands in it, the request had ended before, or there is no place.
  enum class Entry : std::uint8_t { waits, ended, full };

  Waiting(State& state, executor ex)
      : state_(state), place_(std::make_shared<WaitPlace>(state.clock, std::move(ex))), entry_(enter()) {}
  ~Waiting() {
    const std::lock_guard lock(state_.mutex);
    if (listed_) {
      state_.waiting.erase(self_);
    }
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  Entry entry() const noexcept { return entry_; }
  WaitPlace& place() noexcept { return *place_; }

  /// It is taken out of the list. Preconditions: the mutex is locked.
  void wake() noexcept {
    listed_ = false;
    try {
      place_->wake();
    } catch (...) {  // no memory: its send finds the token when its time is up
    }
  }

 private:
  Entry enter() {
    const std::lock_guard lock(state_.mutex);
    if (!state_.schedule.requesting()) {
      return Entry::ended;
    }
    if (state_.waiting.size() >= state_.options.most_waiting) {
      return Entry::full;
    }
    self_ = state_.waiting.insert(state_.waiting.end(), this);
    listed_ = true;
    return Entry::waits;
  }

  State& state_;
  std::shared_ptr<WaitPlace> place_;
  std::list<Waiting*>::iterator self_;  // guarded by the mutex, as `listed_`
  bool listed_ = false;
  const Entry entry_;
};

void TokenSource::State::fail(const TokenFailure& why) const {
  throw NoToken(why.why, why.message + " Nothing was sent.");
}

TokenAnswer TokenSource::State::ask() {
  TokenSchedule::Step step{};
  TokenPointer known;
  TokenFailure last;
  {
    const std::lock_guard lock(mutex);
    step = schedule.ask(clock.now());
    if (step.answer == TokenSchedule::Answer::use) {
      known = token;
    } else if (step.answer == TokenSchedule::Answer::fail) {
      last = failure;
    }
  }
  if (step.request) {
    begin_request();
  }
  if (step.answer == TokenSchedule::Answer::use) {
    return known;
  }
  if (step.answer == TokenSchedule::Answer::fail) {
    fail(last);
  }
  return wait_for(shared_from_this());
}

bool TokenSource::State::refuse(const TokenPointer& refused) {
  const std::lock_guard lock(mutex);
  return refused != token || schedule.refuse(clock.now());
}

awaitable<TokenPointer> TokenSource::State::wait_for(std::shared_ptr<State> self) {
  const auto ex = co_await asio::this_coro::executor;
  auto entry = Waiting::Entry::ended;
  {
    Waiting waiting(*self, ex);
    entry = waiting.entry();
    if (entry == Waiting::Entry::waits) {
      const auto by = Deadline::after(2 * self->options.request_timeout, self->clock);
      [[maybe_unused]] const bool woken = co_await waiting.place().wait(by);
    }
  }
  if (entry == Waiting::Entry::full) {
    self->fail({NoToken::Why::unavailable, "Too many sends wait for a token.", {}});
  }
  TokenPointer known;
  TokenFailure last;
  {
    const std::lock_guard lock(self->mutex);
    if (self->schedule.after_request(self->clock.now()) == TokenSchedule::Answer::use) {
      known = self->token;
    }
    last = self->failure;
  }
  if (!known) {
    self->fail(last.message.empty() ? TokenFailure{NoToken::Why::unavailable, "No token came in time.", {}} : last);
  }
  co_return known;
}

awaitable<TokenResult> TokenSource::State::fetch(std::shared_ptr<State> self) {
  const Deadline by = Deadline::after(self->options.request_timeout, self->clock);
  auto work = self->fetcher->fetch(self->options.scope, by);
  auto fresh = co_await with_timeout(std::move(work), by, self->clock);
  co_return fresh;
}

awaitable<void> TokenSource::State::renew(std::shared_ptr<State> self) {
  const SteadyTime began = self->clock.now();
  std::optional<TokenResult> fresh;
  std::exception_ptr error;
  try {
    auto work = fetch(self);
    fresh.emplace(co_await std::move(work));
  } catch (...) {
    error = std::current_exception();
  }
  self->seconds.observe(std::chrono::duration<double>(self->clock.now() - began).count());
  if (fresh && fresh->has_value()) {
    self->install(std::move(**fresh), began);
  } else if (fresh) {
    self->give_up(fresh->error());
  } else if (tern::detail::has_code(error, asio::error::operation_aborted)) {
    self->give_up({});
  } else if (tern::detail::has_code(error, errc::timed_out)) {
    self->give_up({NoToken::Why::unavailable, "The token service did not answer in time.", {}});
  } else {
    self->give_up({NoToken::Why::unavailable, "No token was got: " + tern::detail::message_of(error) + ".", {}});
  }
}

void TokenSource::State::begin_request() {
  try {
    requests.spawn(home, "request for a token", [self = shared_from_this()] { return renew(self); });
  } catch (...) {
    give_up({NoToken::Why::unavailable,
             "No token was asked for: " + tern::detail::message_of(std::current_exception()) + ".",
             {}});
  }
}

void TokenSource::State::install(FreshToken fresh, SteadyTime began) {
  got.inc();
  log::debug("a token was got",
             {{"scope", options.scope},
              {"seconds", std::chrono::duration_cast<std::chrono::seconds>(fresh.lifetime).count()}});
  const std::lock_guard lock(mutex);
  token = std::move(fresh.token);
  failure = {};
  schedule.succeeded(began, fresh.lifetime, fresh.renew_in);
  wake_all();
}

void TokenSource::State::give_up(TokenFailure why) {
  (why.why == NoToken::Why::refused ? denied : unavailable).inc();
  const std::string message = why.message;
  bool serves = false;
  {
    const std::lock_guard lock(mutex);
    const SteadyTime now = clock.now();
    schedule.failed(now, why.retry_after, random_share());
    serves = schedule.after_request(now) == TokenSchedule::Answer::use;
    failure = std::move(why);
    wake_all();
  }
  if (message.empty()) {
    return;  // it was cancelled with its source
  }
  // Last, because it may throw.
  log::warn(
      serves ? "no new token was got; the old one serves until it expires" : "no token was got; the bot cannot send",
      {{"scope", options.scope}, {"error", message}});
}

// Preconditions: the mutex is locked, so that those who wait exist.
void TokenSource::State::wake_all() noexcept {
  for (Waiting* each : waiting) {
    each->wake();
  }
  waiting.clear();
}

TokenSource::TokenSource(TokenSourceOptions options, executor home, std::shared_ptr<TokenFetcher> fetcher, Clock& clock,
                         Metrics& metrics)
    : state_(std::make_shared<State>(std::move(options), std::move(home), std::move(fetcher), clock, metrics)) {}

TokenSource::~TokenSource() {
  state_->requests.close();
  try {
    state_->requests.cancel();
  } catch (...) {  // no memory: the request goes on until it has ended, or its time is up
  }
}

TokenAnswer TokenSource::token() {
  return state_->ask();
}

bool TokenSource::refused(const std::shared_ptr<const AccessToken>& token) {
  return state_->refuse(token);
}

}  // namespace tern::auth
