// The functions of ClientCore that connect: they resolve the name of a host, once for all calls that wait for it,
// and race to its addresses.

#include "net/address_kind.hpp"
#include "net/client_core.hpp"
#include "net/race.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tern::net {

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);

/// The addresses that need no resolver: a literal address, and those of localhost. RFC 6761, 6.3, reserves localhost
/// for this machine, so a wrong hosts file must not send requests elsewhere. Node listens on one of its two addresses.
std::vector<asio::ip::address> known_addresses(const std::string& name) {
  if (name == "localhost") {
    return {asio::ip::address_v6::loopback(), asio::ip::address_v4::loopback()};
  }
  error_code no_literal;
  const auto address = asio::ip::make_address(name, no_literal);
  return no_literal ? std::vector<asio::ip::address>() : std::vector<asio::ip::address>{address};
}

ResolverOptions resolver_options(const ClientBounds& bounds) {
  ResolverOptions resolver;
  resolver.nameservers = bounds.nameservers;
  resolver.resolv_conf = bounds.resolv_conf;
  resolver.at_once = bounds.hosts;
  return resolver;
}

}  // namespace

awaitable<void> ClientCore::connect(ClientCall& call) {
  Host& host = *call.host_;
  const Deadline by = call.by_.min(Deadline::after(bounds_.connect_timeout, clock_));
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
    fail_to_connect(call, late ? Trouble::late : Trouble::unreachable,
                    host.way() + " could not be connected to: " + error.message() + "; nothing was sent");
  }
  host.addresses.worked(race.where());
  call.loan_.fill(race.take_winner());
  call.loan_->retires_at = host.next_retirement();
}

awaitable<void> ClientCore::resolve(ClientCall& call, Deadline by) {
  Host& host = *call.host_;
  if (auto known = known_addresses(host.name()); !known.empty()) {
    learn(host, {Resolution::End::found, std::move(known), {}, {}});
    co_return;
  }
  if (!host.resolving) {
    start_resolving(host);
  }
  if (!host.resolving) {
    co_return;  // the resolver knew the answer at once
  }
  Waiter waiter;
  host.resolve_line.push(waiter);
  wheel_.arm(waiter, by);
  auto [late] = co_await waiter.wait(tuple);
  throw_if_aborted(late);
  if (late) {
    fail_to_connect(call, Trouble::late, "the name of " + host.way() + " was not resolved in time; nothing was sent");
  }
}

/// All calls to the host wait for this answer. So the resolver gets the time of a whole attempt to connect, and a call
/// with less time stops waiting earlier.
void ClientCore::start_resolving(Host& host) {
  if (!resolver_) {
    resolver_ = make_resolver(io_, wheel_, clock_, resolver_options(bounds_));
  }
  host.resolving = true;
  ++resolving_;
  resolver_->resolve(host.name(), Deadline::after(bounds_.connect_timeout, clock_),
                     [this, &host](Resolution resolution) { resolved(host, std::move(resolution)); });
}

void ClientCore::resolved(Host& host, Resolution resolution) noexcept {
  resolutions_[static_cast<std::size_t>(resolution.end)].inc();
  host.resolving = false;
  --resolving_;
  learn(host, std::move(resolution));
  host.resolve_line.wake_all();
  may_be_idle(host);
}

/// Leaves out the addresses that may not be connected to, before their number is bounded: those that are left are all
/// used.
void ClientCore::learn(Host& host, Resolution resolution) const {
  std::string barred;
  std::erase_if(resolution.addresses, [&](const asio::ip::address& address) {
    const bool may = may_connect(host, {address, host.port()});
    if (!may && barred.empty()) {
      barred = address.to_string() + ", " + description_of(kind_of(address));
    }
    return !may;
  });
  if (resolution.end == Resolution::End::found && resolution.addresses.empty()) {
    resolution.end = Resolution::End::barred;
    resolution.why = std::move(barred);
  }
  host.addresses.learn(std::move(resolution), clock_.now());
}

void ClientCore::fail_unresolved(const ClientCall& call) {
  const Host& host = *call.host_;
  const Resolution& failure = host.addresses.failure();
  if (failure.end == Resolution::End::barred) {
    fail_to_connect(call, Trouble::barred, host.way() + " leads to " + failure.why);
  }
  const bool late = failure.end == Resolution::End::late;
  fail_to_connect(call, late ? Trouble::late : Trouble::unreachable,
                  "the name of " + host.way() + " could not be resolved: " + failure.why + "; nothing was sent");
}

}  // namespace tern::net
