#include "auth/key_source.hpp"

#include "auth/shared_fetch.hpp"

#include "async/describe_error.hpp"
#include "net/url.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
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
struct KeySource::State final : SharedFetch {
  State(KeySourceOptions wanted, executor home, std::shared_ptr<DocumentFetcher> from, Clock& clock, Metrics& metrics)
      : SharedFetch({"fetch of keys", std::move(home), wanted.fetch_timeout, wanted.most_waiting}, clock),
        options(std::move(wanted)),
        fetcher(std::move(from)),
        schedule(options.times) {
    const auto figure = [&](const char* outcome) {
      return metrics.counter("tern_auth_key_fetches_total", "Fetches of the keys that tokens are signed with.",
                             {{"outcome", outcome}});
    };
    asked.reserve(max_asked);
    fetched = figure("ok");
    not_fetched = figure("failed");
  }

  Found find(std::string_view key_id);
  static awaitable<Found> wait_for(std::shared_ptr<State> self, std::string key_id);

  bool under_way() const noexcept override { return schedule.fetching(); }
  awaitable<void> fetch(Deadline by) override;
  void succeeded() noexcept override;
  void failed(const std::exception_ptr& error) noexcept override;
  void report(const std::exception_ptr& error) override;

  const KeySourceOptions options;
  const std::shared_ptr<DocumentFetcher> fetcher;
  Counter fetched;
  Counter not_fetched;
  std::optional<KeySet> fresh;   // used where the fetch is
  std::size_t fetched_keys = 0;  // likewise

  // Guarded by the mutex.
  KeySet keys;
  KeySchedule schedule;
  std::vector<std::string> asked;  // the first keys that tokens wait for
};

KeySource::Found KeySource::State::find(std::string_view key_id) {
  KeySchedule::Step step{};
  Found found{};
  {
    const std::lock_guard lock(mutex_);
    found.key = keys.find(key_id);
    // What needs memory comes first: an exception after `ask` would leave a fetch that nobody has begun.
    std::string name(found.key || asked.size() >= max_asked ? "" : key_id);
    step = schedule.ask(found.key != nullptr, clock_.now());
    if (step.answer == KeySchedule::Answer::wait && !name.empty()) {
      asked.push_back(std::move(name));  // there is room
    }
  }
  found.answer = step.answer;
  found.later = step.later;
  if (step.fetch) {
    begin();
  }
  return found;
}

awaitable<KeySource::Found> KeySource::State::wait_for(std::shared_ptr<State> self, std::string key_id) {
  const auto end = co_await wait(self, self->options.wait_timeout);
  const std::lock_guard lock(self->mutex_);
  Found found{KeySchedule::Answer::use, self->keys.find(key_id)};
  if (end == Wait::ended) {
    found.answer = self->schedule.after_fetch(found.key != nullptr);
  } else if (!found.key) {
    found.answer = KeySchedule::Answer::unavailable;
  }
  co_return found;
}

awaitable<void> KeySource::State::fetch(Deadline by) {
  const std::string document = co_await fetcher->get(options.metadata_url, by);
  const Metadata metadata = read_metadata(document, options);
  const std::string text = co_await fetcher->get(metadata.keys_url, by);
  fresh.emplace(read_keys(text, metadata, options));
  fetched_keys = fresh->size();
}

void KeySource::State::succeeded() noexcept {
  fetched.inc();
  fresh->replace(keys);
  keys = std::move(*fresh);
  fresh.reset();
  const bool in_vain =
      std::any_of(asked.begin(), asked.end(), [&](const std::string& key_id) { return !keys.find(key_id); });
  asked.clear();
  schedule.succeeded(clock_.now(), in_vain);
}

void KeySource::State::failed(const std::exception_ptr& /*error*/) noexcept {
  not_fetched.inc();
  asked.clear();
  schedule.failed(clock_.now());
}

void KeySource::State::report(const std::exception_ptr& error) {
  if (!error) {
    log::debug("keys of tokens fetched", {{"issuer", options.issuer}, {"keys", fetched_keys}});
  } else if (!tern::detail::has_code(error, asio::error::operation_aborted)) {
    log::warn("keys of tokens could not be fetched",
              {{"issuer", options.issuer}, {"error", tern::detail::message_of(error)}});
  }
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
  state_->close();
}

KeySource::Found KeySource::find(std::string_view key_id) {
  return state_->find(key_id);
}

awaitable<KeySource::Found> KeySource::wait_for(std::string key_id) {
  return State::wait_for(state_, std::move(key_id));
}

}  // namespace tern::auth
