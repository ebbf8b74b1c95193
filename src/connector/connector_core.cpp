#include "connector/connector_core.hpp"

#include "connector/channel_answer.hpp"
#include "connector/redirect.hpp"

#include <tern/async/log.hpp>

#include <algorithm>
#include <utility>

namespace tern::connector {

namespace {

constexpr std::chrono::milliseconds longest_time = std::chrono::hours(24);
constexpr std::size_t buffers_kept = 64;
constexpr std::size_t buffer_kept = 64 * 1024;

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

net::ClientBounds bounds_of(const ConnectorOptions& options) {
  net::ClientBounds bounds;
  bounds.in_flight = options.in_flight;
  bounds.connections = options.connections;
  bounds.waiting = options.waiting;
  bounds.hosts = options.hosts;
  bounds.connect_timeout = options.connect_timeout;
  bounds.attempt_delay = options.attempt_delay;
  bounds.idle_timeout = options.idle_timeout;
  bounds.connection_lifetime = options.connection_lifetime;
  bounds.response_body = options.response_body;
  bounds.nameservers = options.nameservers;
  bounds.resolv_conf = options.resolv_conf;
  bounds.waiting_name = "limits.connector_waiting";
  bounds.hosts_name = "limits.connector_hosts";
  return bounds;
}

}  // namespace

Call::Call(std::shared_ptr<ConnectorCore> core, Deadline by, std::function<bool()> may_begin)
    : ClientCall(std::move(core), by),
      connector_(static_cast<ConnectorCore&>(this->core())),
      asked_by_(by),
      may_begin_(std::move(may_begin)),
      request_(connector_.take_buffer()) {
  by_ = by.min(Deadline::at(began_ + connector_.options_.request_timeout));
}

Call::~Call() {
  connector_.give_buffer(std::move(request_).take_buffer());
}

json::object Call::answer() const {
  auto object = object_in(loan_->answer);
  if (!object && !loan_->answer.body.empty()) {
    log::debug("channel's answer holds no JSON object", {{"host", host_->origin()}, {"status", loan_->answer.status}});
  }
  return object ? std::move(*object) : json::object();
}

ConnectorCore::ConnectorCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics,
                             ConnectorOptions options)
    : ConnectorCore(io, wheel, clock, metrics, checked(std::move(options)), Checked{}) {}

ConnectorCore::ConnectorCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics,
                             ConnectorOptions options, Checked)
    : ClientCore(io, wheel, clock, bounds_of(options)),
      options_(std::move(options)),
      writer_(options_.user_agent),
      figures_(metrics) {
  last_.url.reserve(256);  // longer than those of the channels
  open_.gauge = ConnectorFigures::connections(metrics);
  resolutions_ = ConnectorFigures::resolutions(metrics);
}

ConnectorCore::Target ConnectorCore::target_of(const Call& call, std::string_view service_url) {
  if (last_.target.host != nullptr && service_url == last_.url) {
    return last_.target;
  }
  const auto url = parse_service_url(service_url);
  if (!url) {
    fail(call, Outcome::refused, errc::service_url_refused,
         service_url.empty() ? std::string("the activity carries no serviceUrl; nothing was sent")
                             : std::string("the serviceUrl ") + url.error().why + "; nothing was sent");
  }
  Target target{&host_for(call, *url), url->path, url->tls && shows_token_to(*url)};
  if (remember(service_url)) {
    last_.target = target;
    last_.target.base_path = std::string_view(last_.url).substr(
        static_cast<std::size_t>(url->path.data() - service_url.data()), url->path.size());
  }
  return target;
}

void ConnectorCore::prepare(Call& call, std::string_view service_url, TokenFor token, RequestParts parts) {
  const Target target = target_of(call, service_url);
  Host& host = *target.host;
  move_to(call, host);
  if (host.patience > 1) {
    call.by_ = call.asked_by_.min(Deadline::at(call.began_ + options_.request_timeout * host.patience));
  }
  // Only now it is certain that the bot may send there.
  if (shows_tokens() && target.may_see_token) {
    ask_for_token(call, token);
  }
  if (call.token_) {
    parts.authorization = call.token_->authorization();
  }
  parts.host = host.header();
  parts.base_path = target.base_path;
  writer_.write(parts, call.request_);
}

bool ConnectorCore::sends_to(std::string_view service_url) const noexcept {
  if (!service_url.empty() && service_url == last_.url) {
    return true;
  }
  const auto url = parse_service_url(service_url);
  const bool allowed = url && (!options_.loopback_only || is_loopback(*url)) &&
                       (options_.allowed_hosts == nullptr || options_.allowed_hosts->allows(*url));
  if (allowed) {
    remember(service_url);
  }
  return allowed;
}

// Needs no memory.
bool ConnectorCore::remember(std::string_view service_url) const noexcept {
  if (service_url.size() > last_.url.capacity()) {
    return false;
  }
  last_.target = {};
  last_.url.assign(service_url);
  return true;
}

void ConnectorCore::forgets(const Host& host) noexcept {
  if (last_.target.host == &host) {
    last_.target = {};
  }
}

// Asked once for each host that the client remembers: what is allowed does not change in the life of a client.
void ConnectorCore::require_allowed(const Call& call, const ServiceUrl& url) {
  using Verdict = net::AllowedHosts::Verdict;
  const auto refuse = [&](const std::string& why) {
    fail(call, Outcome::refused, errc::service_url_refused,
         "the serviceUrl's host \"" + std::string(url.host) + "\" " + why + "; nothing was sent");
  };
  if (options_.loopback_only && !is_loopback(url)) {
    refuse("is not this machine, and without an app id a bot sends nowhere else");
  }
  if (options_.allowed_hosts == nullptr) {
    return;
  }
  switch (options_.allowed_hosts->judge(url)) {
    case Verdict::allowed:
      return;
    case Verdict::https_only:
      refuse("may be sent to over https only; write http:// before it in bot.allowed_hosts if it has no TLS");
      return;
    case Verdict::unknown:
      refuse("is no host of a known channel; name it in bot.allowed_hosts if it is trusted with messages and tokens");
  }
}

// Whoever runs the bot has named its proxy, which may be anywhere.
bool ConnectorCore::may_connect(const Host& host, const asio::ip::tcp::endpoint& where) const {
  return options_.allowed_hosts == nullptr || host.has_proxy() ||
         options_.allowed_hosts->may_connect(host.name(), where);
}

Host& ConnectorCore::host_for(const Call& call, const ServiceUrl& url) {
  origin_of(url, origin_);
  if (Host* known = find_host(origin_)) {
    return *known;
  }
  require_allowed(call, url);
  std::string name = host_name_of(url);
  net::HostSpec spec{origin_, host_header_of(url), name, url.port, {tls_for(url), name, {}}, {}};
  if (const auto* proxy = url.tls && options_.proxies != nullptr ? options_.proxies->for_request_to(url) : nullptr) {
    lead_through(*proxy, options_.user_agent, spec);
  }
  return add_host(call, std::move(spec));
}

net::TlsSettings* ConnectorCore::tls_for(const ServiceUrl& url) {
  if (!url.tls) {
    return nullptr;
  }
  if (!tls_) {
    tls_ = std::make_unique<net::TlsSettings>(options_.verify_tls);
  }
  return tls_.get();
}

// Long: one coroutine frame for the whole call.
awaitable<void> ConnectorCore::perform(Call& call) {
  if (call.by_.when() <= call.began_) {
    fail(call, Outcome::timeout, errc::timed_out,
         "the deadline of a request had passed before it began; nothing was sent");
  }
  if (call.later_.valid()) {
    co_await wait_for_token(call);
  }
  for (bool redirected = false;;) {
    call.loan_ = call.host_->try_take();
    if (!call.loan_) {
      co_await wait_for_connection(call);
    }
    Exchange exchange;
    for (;;) {
      const bool kept = call.host_->find_usable(call.loan_);
      if (!kept) {
        co_await connect(call);
      }
      if (call.may_begin_ && !call.may_begin_()) {
        fail(call, Outcome::timeout, errc::timed_out,
             "the request waited so long that this process may no longer send it; nothing was sent");
      }
      call.loan_->begin();
      wheel_.arm(*call.loan_, call.by_);
      exchange = co_await call.loan_->exchange(asio::buffer(call.request_.bytes()), false);
      throw_if_aborted({});
      wheel_.disarm(*call.loan_);
      // The kept connection was lost between the check and the write. The kernel took no byte, so writing the request
      // again does not send it twice.
      const bool lost_before = kept && exchange.end == Exchange::End::unsent && !call.loan_->expired() &&
                               exchange.error != asio::error::operation_aborted;
      if (!lost_before) {
        break;
      }
      call.loan_->close();  // so that it is not taken again: each round uses up a kept connection, and the loop ends
    }
    if (exchange.end != Exchange::End::answered) {
      fail_exchange(call, exchange);
    }
    if (!redirected && follow_redirect(call)) {
      redirected = true;
    } else if (has_refused_token(call)) {
      co_await renew_token(call);
    } else {
      break;
    }
  }
  finish(call, call.loan_->answer);
}

// True when the request must be sent again, to another target on the same host.
bool ConnectorCore::follow_redirect(Call& call) {
  const Answer& answer = call.loan_->answer;
  if (answer.status != 307 && answer.status != 308) {
    return false;
  }
  const auto redirect = redirect_of(call.host_->origin(), answer.location);
  if (!redirect || !sends_to(redirect->origin)) {
    log::warn("a redirect is not followed: it leads away from the channel's host, or its Location is malformed",
              {{"host", call.host_->origin()}, {"to", host_in_location(answer.location)}});
    return false;
  }
  const bool stays = redirect->origin == call.host_->origin();
  call.loan_.end();
  const auto url = parse_service_url(redirect->origin);
  Host& host = host_for(call, *url);
  move_to(call, host);
  call.request_.redirect(redirect->target, host.header());
  if (call.token_ && stays) {
    call.request_.authorize(call.token_->authorization());
  } else {
    call.token_.reset();  // the request carries none any more
  }
  return true;
}

void ConnectorCore::count(const Call& call, Outcome outcome) noexcept {
  figures_.count(outcome, clock_.now() - call.began_);
}

void ConnectorCore::fail_to_connect(const net::ClientCall& call, Trouble trouble, const std::string& message) {
  const auto& of_this = static_cast<const Call&>(call);
  switch (trouble) {
    case Trouble::unreachable:
      fail(of_this, Outcome::unreachable, errc::channel_unreachable, message);
    case Trouble::late:
      fail(of_this, Outcome::timeout, errc::timed_out, message);
    case Trouble::barred:
      fail(of_this, Outcome::refused, errc::address_refused,
           message +
               ", where the bot does not send; if that is right, name the address in bot.allowed_hosts, or the full "
               "name "
               "of a host in a private network; nothing was sent");
    case Trouble::overloaded:
      break;
  }
  fail(of_this, Outcome::overloaded, errc::overloaded, message);
}

void ConnectorCore::fail(const Call& call, Outcome outcome, errc code, const std::string& message) {
  count(call, outcome);
  throw_error(code, message);
}

void ConnectorCore::fail_exchange(const Call& call, const Exchange& exchange) {
  const bool expired = call.loan_->expired();
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

void ConnectorCore::finish(const Call& call, const Answer& answer) {
  has_answered(*call.host_);
  call.host_->answered(clock_.now() - call.began_ <= options_.request_timeout);
  if (answer.status < 200 || answer.status > 299) {
    count(call, Outcome::rejected);
    warn_of_absurd_wait(call, answer);
    throw channel_error(answer, clock_.wall_now(), options_.longest_retry_after);
  }
  count(call, Outcome::ok);
}

// The channel may have taken the request and answered too late. If it is always too late, it takes each try for a new
// message, so it is given more time.
void ConnectorCore::was_late(const Call& call) {
  figures_.late_answer();
  if (call.host_->was_late()) {
    const auto time = options_.request_timeout * call.host_->patience;
    log::warn(
        "a channel does not answer within connector.request_timeout; scheduled sends wait longer for it from now on, "
        "since a message that it takes without an answer is sent again",
        {{"host", call.host_->origin()}, {"seconds", std::chrono::duration_cast<std::chrono::seconds>(time).count()}});
  }
}

void ConnectorCore::warn_of_absurd_wait(const Call& call, const Answer& answer) const {
  const auto asked = parse_retry_after(answer.retry_after, clock_.wall_now());
  if (asked && *asked > options_.longest_retry_after) {
    log::warn("the channel asks for a longer wait than limits.retry_after allows; the bot waits for limits.retry_after",
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
