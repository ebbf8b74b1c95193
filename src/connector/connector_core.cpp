#include "connector/connector_core.hpp"

#include "connector/redirect.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tern::connector {

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);
constexpr std::chrono::milliseconds longest_time = std::chrono::hours(24);
constexpr std::size_t buffers_kept = 64;
constexpr std::size_t buffer_kept = 64 * 1024;

// In the order of `Outcome`.
constexpr std::array outcome_names{"ok", "rejected", "ambiguous", "unreachable", "refused", "timeout", "overloaded"};

// In the order of `Resolution::End`.
constexpr std::array resolution_names{"found", "no_such_name", "failed", "late"};

ConnectorOptions checked(ConnectorOptions options) {
  options.in_flight = std::max<std::size_t>(options.in_flight, 1);
  options.waiting = std::max<std::size_t>(options.waiting, 1);
  options.hosts = std::max<std::size_t>(options.hosts, 1);
  for (auto* time : {&options.connect_timeout, &options.request_timeout, &options.idle_timeout, &options.attempt_delay,
                     &options.connection_lifetime, &options.longest_retry_after}) {
    *time = std::clamp(*time, std::chrono::milliseconds(0), longest_time);
  }
  return options;
}

ResolverOptions resolver_options(const ConnectorOptions& options) {
  ResolverOptions resolver;
  resolver.nameservers = options.nameservers;
  resolver.resolv_conf = options.resolv_conf;
  resolver.at_once = options.hosts;
  return resolver;
}

}  // namespace

Call::Call(std::shared_ptr<ConnectorCore> core, Deadline by, std::function<bool()> may_begin)
    : core_(std::move(core)),
      began_(core_->clock_.now()),
      by_(by.min(Deadline::at(began_ + core_->options_.request_timeout))),
      asked_by_(by),
      may_begin_(std::move(may_begin)),
      request_(core_->take_buffer()) {
  if (core_->draining_) {
    throw_error(errc::shutting_down, "the connector drains and begins no request; nothing was sent");
  }
  ++core_->calls_;
}

Call::~Call() {
  lease_.end();
  core_->give_buffer(std::move(request_).take_buffer());
  if (host_ != nullptr) {
    --host_->calls;
    core_->may_be_idle(*host_);
  }
  if (--core_->calls_ == 0) {
    core_->drain_line_.wake_all();
  }
}

json::object Call::answer() const {
  auto object = object_in(lease_->answer);
  if (!object && !lease_->answer.body.empty()) {
    log::debug("channel's answer holds no JSON object", {{"host", host_->origin()}, {"status", lease_->answer.status}});
  }
  return object ? std::move(*object) : json::object();
}

ConnectorCore::ConnectorCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics,
                             ConnectorOptions options)
    : wheel_(wheel),
      clock_(clock),
      options_(checked(std::move(options))),
      sockets_(options_.connections, clock),
      setup_{{io, open_, options_.response_body},
             sockets_,
             wheel,
             clock,
             options_.in_flight,
             options_.idle_timeout,
             options_.attempt_delay,
             options_.connection_lifetime},
      writer_(options_.user_agent),
      resolver_(make_resolver(io, wheel, clock, resolver_options(options_))) {
  open_.gauge = metrics.gauge("tern_connector_connections", "Open connections to channels, used and kept.");
  for (const char* name : outcome_names) {
    outcomes_.push_back(
        metrics.counter("tern_connector_requests_total", "Requests to channels by outcome.", {{"outcome", name}}));
  }
  for (const char* name : resolution_names) {
    resolutions_.push_back(metrics.counter("tern_connector_resolutions_total",
                                           "Names of channels that were asked for, by outcome.", {{"outcome", name}}));
  }
  late_answers_ =
      metrics.counter("tern_connector_late_answers_total", "Requests that a channel took and did not answer in time.");
  for (const char* name : outcome_names) {
    seconds_.push_back(metrics.histogram("tern_connector_seconds", "Time from a request's beginning to its end.",
                                         {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15},
                                         {{"outcome", name}}));
  }
}

void ConnectorCore::prepare(Call& call, std::string_view service_url, RequestParts parts) {
  const auto url = parse_service_url(service_url);
  if (!url) {
    fail(call, Outcome::refused, errc::service_url_refused,
         service_url.empty() ? std::string("the activity carries no serviceUrl; nothing was sent")
                             : std::string("the serviceUrl ") + url.error().why + "; nothing was sent");
  }
  if (options_.loopback_only && !is_loopback(*url)) {
    fail(call, Outcome::refused, errc::service_url_refused,
         "the serviceUrl's host \"" + std::string(url->host) +
             "\" is not this machine, and without an app id a bot sends nowhere else; nothing was sent");
  }
  Host& host = host_for(call, *url);
  move_to(call, host);
  if (host.patience > 1) {
    call.by_ = call.asked_by_.min(Deadline::at(call.began_ + options_.request_timeout * host.patience));
  }
  parts.host = host.header();
  parts.base_path = url->path;
  writer_.write(parts, call.request_);
}

bool ConnectorCore::sends_to(std::string_view service_url) const noexcept {
  const auto url = parse_service_url(service_url);
  return url && (!options_.loopback_only || is_loopback(*url));
}

Host& ConnectorCore::host_for(const Call& call, const ServiceUrl& url) {
  origin_of(url, origin_);
  auto found = hosts_.find(origin_);
  if (found == hosts_.end()) {
    make_room(call);
    found = hosts_.emplace(origin_, std::make_unique<Host>(setup_, url, origin_, tls_for(url))).first;
    ++strangers_;
  }
  return *found->second;
}

// A quarter of the table is not for strangers: however many addresses are named that never answer, a host that has
// answered stays in it.
void ConnectorCore::make_room(const Call& call) {
  const auto for_strangers = options_.hosts - options_.hosts / 4;
  if (strangers_ >= for_strangers) {
    if (!forget_idle(idle_strangers_)) {
      fail(call, Outcome::overloaded, errc::overloaded,
           "requests to " + std::to_string(strangers_) +
               " hosts that have not answered yet are under way, the most that limits.connector_hosts allows; nothing "
               "was sent");
    }
  } else if (hosts_.size() >= options_.hosts && !forget_idle(idle_strangers_) && !forget_idle(idle_)) {
    fail(call, Outcome::overloaded, errc::overloaded,
         "requests to " + std::to_string(hosts_.size()) +
             " hosts are under way, the most that limits.connector_hosts allows; nothing was sent");
  }
}

bool ConnectorCore::forget_idle(boost::intrusive::list<Host>& idle) {
  if (idle.empty()) {
    return false;
  }
  const Host& host = idle.back();
  strangers_ -= host.has_answered() ? 0 : 1;
  const std::string origin = host.origin();
  idle.pop_back();
  hosts_.erase(origin);
  return true;
}

void ConnectorCore::may_be_idle(Host& host) noexcept {
  if (host.calls == 0 && !host.resolving && !host.is_idle()) {
    (host.has_answered() ? idle_ : idle_strangers_).push_front(host);
  }
}

TlsSettings* ConnectorCore::tls_for(const ServiceUrl& url) {
  if (!url.tls) {
    return nullptr;
  }
  if (!tls_) {
    tls_ = std::make_unique<TlsSettings>(options_.verify_tls);
  }
  return tls_.get();
}

awaitable<void> ConnectorCore::perform(Call& call) {
  if (call.by_.when() <= call.began_) {
    fail(call, Outcome::timeout, errc::timed_out,
         "the deadline of a request had passed before it began; nothing was sent");
  }
  for (bool redirected = false;; redirected = true) {
    call.lease_ = call.host_->try_take();
    if (!call.lease_) {
      co_await wait_for_place(call);
    }
    Exchange exchange;
    for (;;) {
      const bool kept = call.host_->find_usable(call.lease_);
      if (!kept) {
        co_await connect(call);
      }
      if (call.may_begin_ && !call.may_begin_()) {
        fail(call, Outcome::timeout, errc::timed_out,
             "the request waited so long that it is not this process's to send any more; nothing was sent");
      }
      call.lease_->begin();
      wheel_.arm(*call.lease_, call.by_);
      exchange = co_await call.lease_->exchange(call.request_);
      throw_if_aborted({});
      wheel_.disarm(*call.lease_);
      // A kept connection that was lost between the look at it and the write: the kernel took nothing, so a second
      // writing is no second sending. Each such connection is dropped, so that there is an end to it.
      const bool lost_before = kept && exchange.end == Exchange::End::unsent && !call.lease_->expired() &&
                               exchange.error != asio::error::operation_aborted;
      if (!lost_before) {
        break;
      }
    }
    if (exchange.end != Exchange::End::answered) {
      fail_exchange(call, exchange);
    }
    if (redirected || !follow_redirect(call)) {
      break;
    }
  }
  finish(call);
}

void ConnectorCore::move_to(Call& call, Host& host) noexcept {
  if (host.is_idle()) {
    auto& idle = host.has_answered() ? idle_ : idle_strangers_;
    idle.erase(idle.iterator_to(host));
  }
  ++host.calls;
  if (call.host_ != nullptr) {
    --call.host_->calls;
    may_be_idle(*call.host_);
  }
  call.host_ = &host;
}

// True when the request is to be sent once more, elsewhere on the same host.
bool ConnectorCore::follow_redirect(Call& call) {
  const Answer& answer = call.lease_->answer;
  if (answer.status != 307 && answer.status != 308) {
    return false;
  }
  const auto redirect = redirect_of(call.host_->origin(), answer.location);
  if (!redirect) {
    log::warn("a redirect is not followed: it leads away from the channel's host, or cannot be read",
              {{"host", call.host_->origin()}, {"location", shortened(answer.location)}});
    return false;
  }
  call.lease_.end();
  const auto url = parse_service_url(redirect->origin);
  Host& host = host_for(call, *url);
  move_to(call, host);
  call.request_.redirect(redirect->target, host.header());
  return true;
}

awaitable<void> ConnectorCore::wait_for_place(Call& call) {
  const WaitQueue& line = call.host_->line();
  if (line.size() >= options_.waiting) {
    fail(call, Outcome::overloaded, errc::overloaded,
         std::to_string(line.size()) + " requests wait for " + call.host_->origin() +
             ", the most that limits.connector_waiting allows; nothing was sent");
  }
  PlaceWaiter waiter;
  call.host_->wait(waiter);
  wheel_.arm(waiter, call.by_);
  auto [error] = co_await waiter.wait(tuple);
  call.lease_ = std::move(waiter.lease);
  throw_if_aborted(error);
  if (error) {
    fail(call, Outcome::timeout, errc::timed_out,
         "no connection to " + call.host_->origin() + " became free in time; nothing was sent");
  }
  // Cancelled after the place was given and before this coroutine ran: what follows would write before it noticed.
  const auto cancellation = co_await this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none) {
    throw_if_aborted(asio::error::operation_aborted);
  }
}

awaitable<bool> ConnectorCore::drain(Deadline by) {
  const auto self = shared_from_this();
  draining_ = true;
  for (const auto& [origin, host] : hosts_) {
    host->stop_keeping();
  }
  if (calls_ == 0) {
    co_return true;
  }
  Waiter waiter;
  drain_line_.push(waiter);
  wheel_.arm(waiter, by);
  auto [error] = co_await waiter.wait(tuple);
  throw_if_aborted(error);
  co_return !error;
}

void ConnectorCore::abort() noexcept {
  draining_ = true;
  aborted_ = true;
  resolver_.reset();
  sockets_.abort();
  for (const auto& [origin, host] : hosts_) {
    host->abort();
  }
  drain_line_.wake_all(asio::error::operation_aborted);
}

void ConnectorCore::throw_if_aborted(error_code error) const {
  if (aborted_ || error == asio::error::operation_aborted) {
    throw system_error(asio::error::operation_aborted);
  }
}

void ConnectorCore::count(const Call& call, Outcome outcome) noexcept {
  const std::chrono::duration<double> took = clock_.now() - call.began_;
  seconds_[static_cast<std::size_t>(outcome)].observe(took.count());
  outcomes_[static_cast<std::size_t>(outcome)].inc();
}

void ConnectorCore::fail(const Call& call, Outcome outcome, errc code, const std::string& message) {
  count(call, outcome);
  throw_error(code, message);
}

void ConnectorCore::fail_exchange(const Call& call, const Exchange& exchange) {
  const bool expired = call.lease_->expired();
  if (!expired) {
    throw_if_aborted(exchange.error);
  }
  const std::string& origin = call.host_->origin();
  const std::string why = expired                   ? "no answer came in time"
                          : exchange.why != nullptr ? exchange.why
                                                    : exchange.error.message();
  if (exchange.end == Exchange::End::unsent) {
    fail(call, expired ? Outcome::timeout : Outcome::unreachable, expired ? errc::timed_out : errc::channel_unreachable,
         "the request to " + origin + " could not be written: " + why + "; nothing was sent");
  }
  count(call, Outcome::ambiguous);
  if (expired) {
    was_late(call);
  }
  throw AmbiguousSend(expired ? errc::timed_out : errc::channel_unreachable,
                      "the request to " + origin + " was written, but " + why + "; it may have arrived");
}

void ConnectorCore::finish(Call& call) {
  strangers_ -= call.host_->has_answered() ? 0 : 1;
  call.host_->becomes_known();
  call.host_->answered(clock_.now() - call.began_ <= options_.request_timeout);
  const Answer& answer = call.lease_->answer;
  if (answer.status < 200 || answer.status > 299) {
    count(call, Outcome::rejected);
    warn_of_absurd_wait(call, answer);
    throw channel_error(answer, clock_.wall_now(), options_.longest_retry_after);
  }
  count(call, Outcome::ok);
}

// What it answered later nobody saw. A channel that is always so late would take each try for a message of its own.
void ConnectorCore::was_late(const Call& call) {
  late_answers_.inc();
  if (call.host_->was_late()) {
    const auto time = options_.request_timeout * call.host_->patience;
    log::warn(
        "a channel does not answer within connector.request_timeout; scheduled sends give it longer from now on, since "
        "what it takes and does not answer arrives again",
        {{"host", call.host_->origin()}, {"seconds", std::chrono::duration_cast<std::chrono::seconds>(time).count()}});
  }
}

void ConnectorCore::warn_of_absurd_wait(const Call& call, const Answer& answer) const {
  const auto asked = parse_retry_after(answer.retry_after, clock_.wall_now());
  if (asked && *asked > options_.longest_retry_after) {
    log::warn("the channel asks for a longer wait than limits.retry_after allows, which is waited instead",
              {{"host", call.host_->origin()},
               {"status", answer.status},
               {"retry_after", shortened(answer.retry_after)},
               {"seconds", std::chrono::duration_cast<std::chrono::seconds>(options_.longest_retry_after).count()}});
  }
}

std::string ConnectorCore::take_buffer() {
  if (buffers_.empty()) {
    return {};
  }
  std::string buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void ConnectorCore::give_buffer(std::string buffer) noexcept {
  if (buffers_.size() < buffers_kept && buffer.capacity() <= buffer_kept) {
    buffers_.push_back(std::move(buffer));
  }
}

}  // namespace tern::connector
