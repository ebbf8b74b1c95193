#include "auth/key_source.hpp"

#include "auth/wait_place.hpp"

#include "async/describe_error.hpp"
#include "async/task_group.hpp"
#include "net/url.hpp"

#include <tern/async/log.hpp>
#include <tern/async/with_timeout.hpp>
#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tern::auth {

namespace {

// More would say no more: an unknown key among the first of a flood is enough.
constexpr std::size_t max_asked = 16;

bool may_be_fetched(std::string_view url, bool allow_http) noexcept {
  net::Origin origin;
  std::string_view path;
  return net::parse_origin(url, origin, path) == nullptr && (origin.tls || (allow_http && net::is_loopback(origin)));
}

[[noreturn]] void throw_unusable(const std::string& why) {
  throw_error(errc::channel_rejected, why);
}

/// What an OpenID document says that matters here.
struct Metadata {
  std::string keys_url;
  Algorithms algorithms;
};

/// The algorithms of the document that are accepted at all. A document without a list means RS256.
/// Source: OpenID Connect Discovery 1.0, section 3, `id_token_signing_alg_values_supported`.
Algorithms listed_algorithms(const json::object& document) {
  Algorithms algorithms;
  const json::value* member = document.if_contains("id_token_signing_alg_values_supported");
  if (member == nullptr) {
    algorithms.add(Algorithm::rs256);
    return algorithms;
  }
  if (const json::array* list = member->if_array()) {
    for (const json::value& item : *list) {
      const json::string* name = item.if_string();
      if (const auto algorithm = name != nullptr ? algorithm_of(*name) : std::nullopt) {
        algorithms.add(*algorithm);
      }
    }
  }
  return algorithms;
}

/// Reads an OpenID document. Its issuer must be the one that was asked for, byte by byte.
/// Source: OpenID Connect Discovery 1.0, section 4.3.
Metadata read_metadata(const std::string& text, const KeySourceOptions& options) {
  const auto value = parse_json(text);
  const json::object* document = value ? value->if_object() : nullptr;
  if (document == nullptr) {
    throw_unusable("The OpenID document is no JSON object.");
  }
  const json::value* issuer = document->if_contains("issuer");
  if (issuer == nullptr || *issuer != json::value(options.issuer)) {
    throw_unusable("The OpenID document is not that of " + options.issuer + ".");
  }
  const json::value* url = document->if_contains("jwks_uri");
  if (url == nullptr || !url->is_string() || !may_be_fetched(url->get_string(), options.allow_http)) {
    throw_unusable("The OpenID document names no https URL of its keys.");
  }
  return {std::string(url->get_string()), listed_algorithms(*document)};
}

KeySet read_keys(const std::string& text, const Metadata& metadata, const KeySourceOptions& options) {
  auto keys = KeySet::parse(text, {metadata.algorithms, options.tenant});
  if (!keys) {
    throw_unusable(std::string("The document of keys ") + keys.error().why + ".");
  }
  return std::move(*keys);
}

}  // namespace

// The source and its fetch share this, so that a fetch that is cancelled may end after the source.
struct KeySource::State : std::enable_shared_from_this<State> {
  State(KeySourceOptions wanted, executor on, std::shared_ptr<DocumentFetcher> from, Clock& time, Metrics& metrics)
      : options(std::move(wanted)),
        home(std::move(on)),
        fetcher(std::move(from)),
        clock(time),
        schedule(options.times) {
    const auto figure = [&](const char* outcome) {
      return metrics.counter("tern_auth_key_fetches_total", "Fetches of the keys that tokens are signed with.",
                             {{"outcome", outcome}});
    };
    asked.reserve(max_asked);
    fetched = figure("ok");
    not_fetched = figure("failed");
  }

  class Waiting;

  Found find(std::string_view key_id);
  static awaitable<Found> wait_for(std::shared_ptr<State> self, std::string key_id);
  static awaitable<KeySet> fetch(std::shared_ptr<State> self);
  static awaitable<void> refresh(std::shared_ptr<State> self);
  void begin_fetch();
  void install(KeySet fresh);
  void give_up(const std::exception_ptr& error);
  void wake_all() noexcept;

  const KeySourceOptions options;
  const executor home;
  const std::shared_ptr<DocumentFetcher> fetcher;
  Clock& clock;
  Counter fetched;
  Counter not_fetched;

  std::mutex mutex;
  KeySet keys;  // guarded by the mutex, as what follows
  KeySchedule schedule;
  std::vector<std::string> asked;  // the first keys that tokens wait for
  std::list<Waiting*> waiting;
  TaskGroup fetches;
};

// Keeps a place in the list while its coroutine exists.
class KeySource::State::Waiting {
 public:
  /// How it found the list: it stands in it, the fetch had ended before, or there is no place.
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
    } catch (...) {  // no memory: its token finds the keys when its time is up
    }
  }

 private:
  Entry enter() {
    const std::lock_guard lock(state_.mutex);
    if (!state_.schedule.fetching()) {
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

KeySource::Found KeySource::State::find(std::string_view key_id) {
  KeySchedule::Step step{};
  Found found{};
  {
    const std::lock_guard lock(mutex);
    found.key = keys.find(key_id);
    // What needs memory comes first: an exception after `ask` would leave a fetch that nobody has begun.
    std::string name(found.key || asked.size() >= max_asked ? "" : key_id);
    step = schedule.ask(found.key != nullptr, clock.now());
    if (step.answer == KeySchedule::Answer::wait && !name.empty()) {
      asked.push_back(std::move(name));  // there is room
    }
  }
  found.answer = step.answer;
  found.later = step.later;
  if (step.fetch) {
    begin_fetch();
  }
  return found;
}

awaitable<KeySource::Found> KeySource::State::wait_for(std::shared_ptr<State> self, std::string key_id) {
  const auto ex = co_await asio::this_coro::executor;
  bool ended = false;
  {
    Waiting waiting(*self, ex);
    ended = waiting.entry() == Waiting::Entry::ended;
    if (waiting.entry() == Waiting::Entry::waits) {
      ended = co_await waiting.place().wait(Deadline::after(self->options.wait_timeout, self->clock));
    }
  }
  const std::lock_guard lock(self->mutex);
  Found found{KeySchedule::Answer::use, self->keys.find(key_id)};
  if (ended) {
    found.answer = self->schedule.after_fetch(found.key != nullptr);
  } else if (!found.key) {
    found.answer = KeySchedule::Answer::unavailable;
  }
  co_return found;
}

awaitable<KeySet> KeySource::State::fetch(std::shared_ptr<State> self) {
  const Deadline by = Deadline::after(self->options.fetch_timeout, self->clock);
  const std::string document = co_await self->fetcher->get(self->options.metadata_url, by);
  const Metadata metadata = read_metadata(document, self->options);
  const std::string text = co_await self->fetcher->get(metadata.keys_url, by);
  co_return read_keys(text, metadata, self->options);
}

awaitable<void> KeySource::State::refresh(std::shared_ptr<State> self) {
  std::exception_ptr error;
  try {
    auto work = fetch(self);
    const Deadline by = Deadline::after(self->options.fetch_timeout, self->clock);
    auto fresh = co_await with_timeout(std::move(work), by, self->clock);
    self->install(std::move(fresh));
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    self->give_up(error);
  }
}

void KeySource::State::begin_fetch() {
  try {
    fetches.spawn(home, "fetch of keys", [self = shared_from_this()] { return refresh(self); });
  } catch (...) {
    give_up(std::current_exception());
  }
}

void KeySource::State::install(KeySet fresh) {
  fetched.inc();
  log::debug("keys of tokens fetched", {{"issuer", options.issuer}, {"keys", fresh.size()}});
  const std::lock_guard lock(mutex);
  fresh.replace(keys);
  keys = std::move(fresh);
  const bool in_vain =
      std::any_of(asked.begin(), asked.end(), [&](const std::string& key_id) { return !keys.find(key_id); });
  asked.clear();
  schedule.succeeded(clock.now(), in_vain);
  wake_all();
}

void KeySource::State::give_up(const std::exception_ptr& error) {
  not_fetched.inc();
  {
    const std::lock_guard lock(mutex);
    asked.clear();
    schedule.failed(clock.now());
    wake_all();
  }
  // Last, because it may throw.
  if (!tern::detail::has_code(error, asio::error::operation_aborted)) {
    log::warn("keys of tokens could not be fetched",
              {{"issuer", options.issuer}, {"error", tern::detail::message_of(error)}});
  }
}

// Preconditions: the mutex is locked, so that those who wait exist.
void KeySource::State::wake_all() noexcept {
  for (Waiting* each : waiting) {
    each->wake();
  }
  waiting.clear();
}

KeySource::KeySource(KeySourceOptions options, executor home, std::shared_ptr<DocumentFetcher> fetcher, Clock& clock,
                     Metrics& metrics) {
  if (!may_be_fetched(options.metadata_url, options.allow_http)) {
    throw_error(errc::invalid_argument,
                "The OpenID document \"" + options.metadata_url + "\" is not fetched over https. Give an https URL.");
  }
  state_ = std::make_shared<State>(std::move(options), std::move(home), std::move(fetcher), clock, metrics);
}

KeySource::~KeySource() {
  state_->fetches.close();
  try {
    state_->fetches.cancel();
  } catch (...) {  // no memory: the fetch goes on until it has ended, or its time is up
  }
}

KeySource::Found KeySource::find(std::string_view key_id) {
  return state_->find(key_id);
}

awaitable<KeySource::Found> KeySource::wait_for(std::string key_id) {
  return State::wait_for(state_, std::move(key_id));
}

}  // namespace tern::auth
