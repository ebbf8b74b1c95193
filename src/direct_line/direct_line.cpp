#include "direct_line/direct_line.hpp"

#include "direct_line/endpoint.hpp"
#include "direct_line/kept_secret.hpp"
#include "direct_line/random_text.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <exception>
#include <utility>
#include <vector>

namespace tern::direct_line {

namespace {

constexpr std::size_t kept_conversations = 4096;
constexpr std::size_t rate_keys = 100'000;
constexpr std::chrono::minutes sweep_every{1};
constexpr std::chrono::seconds sweep_timeout{30};
constexpr std::chrono::seconds sweep_pause{1};
constexpr std::chrono::seconds no_pause{0};
constexpr int part_to_cut = 8;  // of the time to close: for what is cut, to end

// What one address may have of the files that are sent at once.
constexpr std::size_t share_of(std::size_t downloads) noexcept {
  constexpr std::size_t part = 4;
  return (downloads + part - 1) / part;
}

}  // namespace

DirectLine::DirectLine(Options options, AnyStorage storage, Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      storage_(std::move(storage)),
      clock_(clock),
      history_(storage_, HistoryBounds{options_.bounds.history, options_.bounds.age, options_.bounds.history_bytes},
               clock, options_.bounds.histories),
      conversations_(history_, kept_conversations, clock),
      outbox_(conversations_, options_.bounds, clock),
      uploads_(
          storage_,
          FileBounds{options_.bounds.uploads, options_.bounds.conversation_uploads, options_.bounds.address_uploads},
          options_.bounds.age, clock),
      token_rates_(options_.bounds.token_rate, rate_keys),
      address_rates_(options_.bounds.address_rate, rate_keys),
      address_bytes_(options_.bounds.address_bytes, std::chrono::hours(24), rate_keys),
      reads_(options_.bounds, rate_keys, clock),
      sockets_(options_.bounds.sockets, options_.bounds.address_sockets, clock),
      downloads_(options_.bounds.downloads, share_of(options_.bounds.downloads), clock),
      received_(metrics.counter("tern_direct_line_activities_total", "Activities of Direct Line's clients.")),
      refused_(
          metrics.counter("tern_direct_line_refused_total", "Calls of Direct Line that were answered 4xx or 5xx.")),
      endpoint_(std::make_unique<Endpoint>(*this)),
      offers_(clock),
      posts_(turns_, options_.ack_after, clock) {
  metrics.gauge_from("tern_direct_line_sockets", "Open WebSockets of Direct Line.",
                     [this] { return static_cast<double>(sockets_.taken()); });
}

DirectLine::~DirectLine() = default;

http::HttpHandler& DirectLine::endpoint() noexcept {
  return *endpoint_;
}

std::size_t DirectLine::body_of(const http::HttpRequest& request) const noexcept {
  try {
    const auto found = match_call(request.method(), request.path());
    if (found.call != Call::upload || !access_) {
      return 0;
    }
    (void)access_->caller_of(request, found.id);
    return largest_body();
  } catch (const std::exception&) {
    return 0;  // the call is refused, with its reason, when its body has come
  }
}

awaitable<void> DirectLine::open(executor ex, Deadline by) {
  auto secrets = options_.secrets;
  if (secrets.empty()) {
    auto kept = co_await kept_secret(storage_, by);
    secrets.push_back(std::move(kept));
  }
  access_.emplace(Secrets(std::move(secrets)), options_.origins, options_.token_lifetime, clock_);
  tasks_.spawn(ex, "look after the store of Direct Line", [this] { return look_after_store(); });
  if (storage_.traits().shared) {
    conversations_.listen();
    tasks_.spawn(ex, "look for news of other processes", [this] { return conversations_.look_always(); });
  }
}

awaitable<bool> DirectLine::close(Deadline by) {
  conversations_.stop_listening();
  const auto cut_at = by.is_never() ? by : Deadline::at(by.when() - by.remaining(clock_) / part_to_cut);
  const bool turns_ended = co_await turns_.drain(cut_at, clock_);
  turns_.cancel();
  tasks_.close();
  tasks_.cancel();
  const bool cut_ended = co_await turns_.drain(by, clock_);
  const bool own_ended = co_await tasks_.drain(by, clock_);
  const bool writes_ended = co_await conversations_.close(by);
  co_return turns_ended&& cut_ended&& own_ended&& writes_ended;
}

// A large store is read slowly, a page a second.
awaitable<void> DirectLine::sweep_all() {
  std::string after;
  do {
    after = co_await uploads_.sweep(std::move(after), Deadline::after(sweep_timeout, clock_));
    co_await sleep_for(after.empty() ? no_pause : sweep_pause, clock_);
  } while (!after.empty());
  conversations_.forget_over();  // before a new one of the same id can begin
  do {
    after = co_await history_.sweep(std::move(after), Deadline::after(sweep_timeout, clock_));
    co_await sleep_for(after.empty() ? no_pause : sweep_pause, clock_);
  } while (!after.empty());
}

awaitable<void> DirectLine::look_after_store() {
  while (true) {
    try {
      co_await sweep_all();
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      log::warn("old conversations of Direct Line were not removed", {{"error", e.what()}});
    }
    co_await sleep_for(sweep_every, clock_);
  }
}

ClientToken DirectLine::page_token(std::string user, std::string name, std::string origin) const {
  TokenClaims claims;
  claims.conversation = random_text(id_bytes);
  claims.user = std::move(user);
  claims.name = std::move(name);
  claims.origins.push_back(std::move(origin));
  claims.page = true;
  const auto conversation = claims.conversation;
  return {conversation, access_->make_token(std::move(claims)), access_->token_lifetime()};
}

}  // namespace tern::direct_line
