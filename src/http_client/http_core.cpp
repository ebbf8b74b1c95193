#include "http_client/http_core.hpp"

#include "http_client/redirection.hpp"
#include "http_client/request_text.hpp"

#include <tern/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace tern::http_client {

HttpCall::HttpCall(std::shared_ptr<HttpCore> core, HttpRequest request, Target target, Deadline by)
    : ClientCall(core, by), request_(std::move(request)), target_(std::move(target)) {
  core->keep_time();
}

HttpCore::HttpCore(asio::io_context& io, std::shared_ptr<Shared> client)
    : OwnWheel(client->clock(), io),
      ClientCore(io, own_wheel_, client->clock(), client->bounds()),
      io_(io),
      client_(std::move(client)) {
  tells_idle_ = true;
}

awaitable<HttpResponse> HttpCore::send(HttpRequest request, Target target, Deadline by) {
  const auto longest = Deadline::after(client_->options().request_timeout, clock_);
  HttpCall call(std::static_pointer_cast<HttpCore>(shared_from_this()), std::move(request), std::move(target),
                by.min(longest));
  if (call.by_.when() <= call.began_) {
    fail_to_connect(call, Trouble::late,
                    "the deadline of the request to " + call.target_.origin + " had passed before it began");
  }
  for (std::size_t redirects = 0;; ++redirects) {
    choose_host(call);
    co_await exchange(call);
    const net::Answer& answer = call.loan_->answer;
    if (redirects == client_->options().redirects ||
        !follow_redirect(call.request_, call.target_, answer.status, answer.location)) {
      break;
    }
    call.loan_.end();
  }
  co_return take_answer(call);
}

void HttpCore::choose_host(HttpCall& call) {
  const Target& target = call.target_;
  const std::string& agent = client_->options().user_agent;
  const net::Proxy* proxy = client_->proxies().for_request_to(target.url());
  net::HostSpec spec;
  spec.header = target.header;
  spec.origin = target.origin;
  spec.name = target.name;
  spec.port = target.port;
  if (target.tls) {
    spec.peer.tls = &client_->tls();
    spec.peer.name = target.name;
    if (spec.peer.name.ends_with('.')) {
      spec.peer.name.pop_back();  // no certificate has the dot at the end of a full name
    }
    if (proxy != nullptr) {
      net::lead_through(*proxy, agent, spec);
    }
  } else if (proxy != nullptr) {
    spec.origin = "the proxy " + proxy->origin;
    spec.name = proxy->name;
    spec.port = proxy->port;
  }
  call.text_ = request_text(call.request_, target, target.tls ? nullptr : proxy, agent);
  net::Host* known = find_host(spec.origin);
  move_to(call, known != nullptr ? *known : add_host(call, std::move(spec)));
}

awaitable<void> HttpCore::exchange(HttpCall& call) {
  call.loan_ = call.host_->try_take();
  if (!call.loan_) {
    co_await wait_for_connection(call);
  }
  for (;;) {
    const bool kept = call.host_->find_usable(call.loan_);
    if (!kept) {
      co_await connect(call);
    }
    call.loan_->begin();
    wheel_.arm(*call.loan_, call.by_);
    const net::Exchange exchange =
        co_await call.loan_->exchange(asio::buffer(call.text_), call.request_.method == "HEAD");
    throw_if_aborted({});
    wheel_.disarm(*call.loan_);
    if (exchange.end == net::Exchange::End::answered) {
      has_answered(*call.host_);
      co_return;
    }
    if (!kept || !may_repeat(call, exchange)) {
      fail_exchange(call, exchange);
    }
    // A lost connection may still look usable: its socket is open after an error of TLS, for example. Closed, it is
    // not taken again, so each round uses up a kept connection and the loop ends.
    call.loan_->close();
  }
}

bool HttpCore::may_repeat(const HttpCall& call, const net::Exchange& exchange) noexcept {
  if (call.loan_->expired() || exchange.error == asio::error::operation_aborted || exchange.begun) {
    return false;
  }
  return exchange.end == net::Exchange::End::unsent || is_idempotent(call.request_.method);
}

HttpResponse HttpCore::take_answer(const HttpCall& call) {
  net::Answer& answer = call.loan_->answer;
  if (answer.cut) {
    throw_error(errc::bad_answer, "the answer of " + call.target_.origin + ", status " + std::to_string(answer.status) +
                                      ", has a body of more than " + std::to_string(client_->options().max_body) +
                                      " bytes, the most that HttpClientOptions::max_body allows");
  }
  return {answer.status, HttpHeaders(std::move(answer.headers)), std::move(answer.body)};
}

void HttpCore::fail_exchange(const HttpCall& call, const net::Exchange& exchange) {
  const bool expired = call.loan_->expired();
  if (!expired) {
    throw_if_aborted(exchange.error);
  }
  const std::string& origin = call.target_.origin;
  const std::string why = exchange.why != nullptr ? exchange.why : exchange.error.message();
  const std::string end =
      exchange.end == net::Exchange::End::unsent ? "; nothing was sent" : "; the request may have arrived";
  if (expired) {
    throw_error(errc::timed_out, origin + " has not answered in time" + end);
  }
  if (exchange.malformed) {
    throw_error(errc::bad_answer, "what " + origin + " has answered cannot be read: " + why + end);
  }
  throw_error(errc::host_unreachable, "the connection to " + origin + " was lost: " + why + end);
}

void HttpCore::fail_to_connect(const net::ClientCall&, Trouble trouble, const std::string& message) {
  throw_error(trouble == Trouble::late         ? errc::timed_out
              : trouble == Trouble::overloaded ? errc::overloaded
                                               : errc::host_unreachable,
              message);
}

void HttpCore::end() noexcept {
  ended_ = true;
  abort();
  own_wheel_.disarm(*this);
  own_wheel_.stop();
}

void HttpCore::keep_time() {
  own_wheel_.disarm(*this);
  tick();
}

// The wheel's coroutine may be about to end when a request comes, so its end begins it again if there is work.
void HttpCore::tick() {
  own_wheel_.resume();
  if (ticking_) {
    return;
  }
  ticking_ = true;
  const auto self = std::static_pointer_cast<HttpCore>(shared_from_this());
  asio::co_spawn(io_, own_wheel_.run(), [self](std::exception_ptr) {
    self->ticking_ = false;
    if (!self->ended_ && (self->has_calls() || self->armed())) {
      self->tick();
    }
  });
}

void HttpCore::on_idle() noexcept {
  rest_if_unused();
}

void HttpCore::on_expired() noexcept {
  rest_if_unused();
}

// When nothing is left that the wheel must watch, it stops. Otherwise this looks again when the connections that are
// kept now are closed.
void HttpCore::rest_if_unused() noexcept {
  if (ended_ || has_calls()) {
    return;
  }
  if (connections() == 0 && forget_resolver()) {
    own_wheel_.stop();
    return;
  }
  own_wheel_.arm(*this, Deadline::after(client_->options().idle_timeout + TimingWheel::tick, clock_));
}

}  // namespace tern::http_client
