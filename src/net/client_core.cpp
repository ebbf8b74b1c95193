#include "net/client_core.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace tern::net {

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);

}  // namespace

ClientCall::ClientCall(std::shared_ptr<ClientCore> core, Deadline by)
    : core_(std::move(core)), began_(core_->clock_.now()), by_(by) {
  if (core_->draining_) {
    throw_error(errc::shutting_down, "the client drains and begins no request; nothing was sent");
  }
  ++core_->calls_;
}

ClientCall::~ClientCall() {
  loan_.end();
  if (host_ != nullptr) {
    --host_->calls;
    core_->may_be_idle(*host_);
  }
  if (--core_->calls_ == 0) {
    core_->drain_line_.wake_all();
    if (core_->tells_idle_) {
      core_->on_idle();
    }
  }
}

ClientCore::ClientCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, const ClientBounds& bounds)
    : wheel_(wheel),
      clock_(clock),
      io_(io),
      bounds_(bounds),
      sockets_(bounds.connections, clock),
      setup_{{io, open_, bounds.response_body, bounds.keep_headers},
             sockets_,
             wheel,
             clock,
             bounds.in_flight,
             bounds.idle_timeout,
             bounds.attempt_delay,
             bounds.connection_lifetime} {}

Host* ClientCore::find_host(const std::string& origin) const {
  const auto found = hosts_.find(origin);
  return found == hosts_.end() ? nullptr : found->second.get();
}

Host& ClientCore::add_host(const ClientCall& call, HostSpec spec) {
  make_room(call);
  std::string origin = spec.origin;
  const auto added = hosts_.emplace(std::move(origin), std::make_unique<Host>(setup_, std::move(spec))).first;
  ++strangers_;
  return *added->second;
}

bool ClientCore::forget_resolver() noexcept {
  if (resolving_ > 0) {
    return false;
  }
  resolver_.reset();
  return true;
}

void ClientCore::has_answered(Host& host) noexcept {
  strangers_ -= host.has_answered() ? 0 : 1;
  host.becomes_known();
}

// Strangers, hosts that have never answered, may fill three quarters of the table. So a host that has answered stays in
// it, however many service URLs lead to hosts that never answer.
void ClientCore::make_room(const ClientCall& call) {
  const auto for_strangers = bounds_.hosts - bounds_.hosts / 4;
  if (strangers_ >= for_strangers) {
    if (!forget_idle(idle_strangers_)) {
      fail_to_connect(call, Trouble::overloaded,
                      "requests to " + std::to_string(strangers_) +
                          " hosts that have not answered yet are under way, the most that " + bounds_.hosts_name +
                          " allows; nothing was sent");
    }
  } else if (hosts_.size() >= bounds_.hosts && !forget_idle(idle_strangers_) && !forget_idle(idle_)) {
    fail_to_connect(call, Trouble::overloaded,
                    "requests to " + std::to_string(hosts_.size()) + " hosts are under way, the most that " +
                        bounds_.hosts_name + " allows; nothing was sent");
  }
}

bool ClientCore::forget_idle(boost::intrusive::list<Host>& idle) {
  if (idle.empty()) {
    return false;
  }
  const Host& host = idle.back();
  strangers_ -= host.has_answered() ? 0 : 1;
  const std::string origin = host.origin();
  forgets(host);
  idle.pop_back();
  hosts_.erase(origin);
  return true;
}

void ClientCore::may_be_idle(Host& host) noexcept {
  if (host.calls == 0 && !host.resolving && !host.is_idle()) {
    (host.has_answered() ? idle_ : idle_strangers_).push_front(host);
  }
}

void ClientCore::move_to(ClientCall& call, Host& host) noexcept {
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

awaitable<void> ClientCore::wait_for_connection(ClientCall& call) {
  const WaitQueue& line = call.host_->line();
  if (line.size() >= bounds_.waiting) {
    fail_to_connect(call, Trouble::overloaded,
                    std::to_string(line.size()) + " requests wait for " + call.host_->origin() + ", the most that " +
                        bounds_.waiting_name + " allows; nothing was sent");
  }
  LoanWaiter waiter;
  call.host_->wait(waiter);
  wheel_.arm(waiter, call.by_);
  auto [error] = co_await waiter.wait(tuple);
  call.loan_ = std::move(waiter.loan);
  throw_if_aborted(error);
  if (error) {
    fail_to_connect(call, Trouble::late,
                    "no connection to " + call.host_->origin() + " became free in time; nothing was sent");
  }
  // The call may have been cancelled after it got the connection and before this coroutine was resumed. The request
  // would be written before the next suspension notices that.
  const auto cancellation = co_await this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none) {
    throw_if_aborted(asio::error::operation_aborted);
  }
}

awaitable<bool> ClientCore::drain(Deadline by) {
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

void ClientCore::abort() noexcept {
  draining_ = true;
  aborted_ = true;
  resolver_.reset();
  sockets_.abort();
  for (const auto& [origin, host] : hosts_) {
    host->abort();
  }
  drain_line_.wake_all(asio::error::operation_aborted);
}

void ClientCore::throw_if_aborted(error_code error) const {
  if (aborted_ || error == asio::error::operation_aborted) {
    throw system_error(asio::error::operation_aborted);
  }
}

}  // namespace tern::net
