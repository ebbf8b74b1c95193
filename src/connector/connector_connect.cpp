// How a connection comes about: the addresses of a host, asked for once for all who need them, and the race to them.

#include "connector/connector_core.hpp"
#include "connector/race.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>

#include <utility>

namespace tern::connector {

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);

/// The addresses that need no resolver: of a literal, and of localhost, which RFC 6761 reserves for this machine
/// (so a wrong hosts file sends nothing elsewhere). Node listens on either of the two.
std::vector<asio::ip::address> known_addresses(const std::string& name) {
  if (name == "localhost") {
    return {asio::ip::address_v6::loopback(), asio::ip::address_v4::loopback()};
  }
  error_code no_literal;
  const auto address = asio::ip::make_address(name, no_literal);
  return no_literal ? std::vector<asio::ip::address>() : std::vector<asio::ip::address>{address};
}

}  // namespace

awaitable<void> ConnectorCore::connect(Call& call) {
  Host& host = *call.host_;
  const Deadline by = call.by_.min(Deadline::after(options_.connect_timeout, clock_));
  if (!host.addresses.fresh(clock_.now())) {
    co_await resolve(call, by);
  }
  if (host.addresses.endpoints().empty()) {
    fail_unresolved(call);
  }
  Race race(setup_, host, shared_from_this());
  const error_code error = co_await race.run(host.addresses.endpoints(), by);
  throw_if_aborted(error);
  if (error) {
    host.addresses.doubt();
    const bool late = error == errc::timed_out;
    fail(call, late ? Outcome::timeout : Outcome::unreachable, late ? errc::timed_out : errc::channel_unreachable,
         host.origin() + " could not be connected to: " + error.message() + "; nothing was sent");
  }
  host.addresses.worked(race.where());
  call.lease_.fill(race.take_winner());
  call.lease_->retires_at = host.next_retirement();
}

awaitable<void> ConnectorCore::resolve(Call& call, Deadline by) {
  Host& host = *call.host_;
  if (auto known = known_addresses(host.name()); !known.empty()) {
    host.addresses.learn({Resolution::End::found, std::move(known), {}, {}}, clock_.now());
    co_return;
  }
  if (!host.resolving) {
    start_resolving(host);
  }
  if (!host.resolving) {
    co_return;  // it was known at once
  }
  Waiter waiter;
  host.resolve_line.push(waiter);
  wheel_.arm(waiter, by);
  auto [late] = co_await waiter.wait(tuple);
  throw_if_aborted(late);
  if (late) {
    fail(call, Outcome::timeout, errc::timed_out,
         "the name of " + host.origin() + " was not resolved in time; nothing was sent");
  }
}

/// Nobody waits for the answer directly: it has the time of a whole attempt to connect, for it is for all who need it,
/// and who has less time leaves earlier.
void ConnectorCore::start_resolving(Host& host) {
  host.resolving = true;
  resolver_->resolve(host.name(), Deadline::after(options_.connect_timeout, clock_),
                     [this, &host](Resolution resolution) { resolved(host, std::move(resolution)); });
}

void ConnectorCore::resolved(Host& host, Resolution resolution) noexcept {
  resolutions_[static_cast<std::size_t>(resolution.end)].inc();
  host.resolving = false;
  host.addresses.learn(std::move(resolution), clock_.now());
  host.resolve_line.wake_all();
  may_be_idle(host);
}

void ConnectorCore::fail_unresolved(const Call& call) {
  const Host& host = *call.host_;
  const Resolution& failure = host.addresses.failure();
  const bool late = failure.end == Resolution::End::late;
  fail(call, late ? Outcome::timeout : Outcome::unreachable, late ? errc::timed_out : errc::channel_unreachable,
       "the name of " + host.origin() + " could not be resolved: " + failure.why + "; nothing was sent");
}

}  // namespace tern::connector
