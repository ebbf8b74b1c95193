// How a connection comes about: the addresses of a host, shared by all who need them, and one attempt after the other.

#include "connector/connector_core.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_resolver.hpp>

#include <utility>

namespace tern::connector {

using asio::ip::tcp;

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);
constexpr auto addresses_valid = std::chrono::seconds(30);

/// The addresses that need no resolver: of a literal, and of localhost, which RFC 6761 reserves for this machine
/// (so a wrong hosts file sends nothing elsewhere). Node listens on either of the two.
std::vector<tcp::endpoint> known_endpoints(const std::string& name, std::uint16_t port) {
  if (name == "localhost") {
    return {{asio::ip::address_v6::loopback(), port}, {asio::ip::address_v4::loopback(), port}};
  }
  error_code no_literal;
  const auto address = asio::ip::make_address(name, no_literal);
  return no_literal ? std::vector<tcp::endpoint>() : std::vector<tcp::endpoint>{{address, port}};
}

}  // namespace

awaitable<void> ConnectorCore::connect(Call& call) {
  Host& host = *call.host_;
  const Deadline by = call.by_.min(Deadline::after(options_.connect_timeout, clock_));
  auto endpoints = host.endpoints(clock_.now());
  if (endpoints.empty()) {
    endpoints = co_await resolve(call, by);
  }
  error_code error = asio::error::host_not_found;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    // Its share of what is left, so that an address that never answers leaves time for the next.
    const auto share = by.remaining(clock_) / static_cast<int>(endpoints.size() - i);
    call.lease_->begin();
    wheel_.arm(*call.lease_, by.min(Deadline::after(share, clock_)));
    error = co_await call.lease_->connect(endpoints[i]);
    throw_if_aborted({});
    wheel_.disarm(*call.lease_);
    if (!error) {
      host.prefer(endpoints[i]);
      co_return;
    }
    if (call.lease_->expired()) {
      error = errc::timed_out;
    }
    throw_if_aborted(error);
  }
  host.forget_endpoints();
  const bool late = error == errc::timed_out;
  fail(late ? Outcome::timeout : Outcome::unreachable, late ? errc::timed_out : errc::channel_unreachable,
       host.origin() + " could not be connected to: " + error.message() + "; nothing was sent");
}

awaitable<std::vector<tcp::endpoint>> ConnectorCore::resolve(Call& call, Deadline by) {
  Host& host = *call.host_;
  if (auto known = known_endpoints(host.name(), host.port()); !known.empty()) {
    host.set_endpoints(known, SteadyTime::max());
    co_return host.endpoints(clock_.now());
  }
  if (!host.resolving) {
    start_resolving(host);
  }
  Waiter waiter;
  host.resolve_line.push(waiter);
  wheel_.arm(waiter, by);
  auto [late] = co_await waiter.wait(tuple);
  throw_if_aborted(late);
  if (late) {
    fail(Outcome::timeout, errc::timed_out,
         "the name of " + host.origin() + " was not resolved in time; nothing was sent");
  }
  if (host.resolve_error) {
    fail(Outcome::unreachable, errc::channel_unreachable,
         "the name of " + host.origin() + " could not be resolved: " + host.resolve_error.message() +
             "; nothing was sent");
  }
  co_return host.endpoints(clock_.now());
}

/// getaddrinfo blocks a thread of Asio's and cannot be interrupted. So nobody waits for it directly: it ends in its
/// own time, and who waits for its result leaves when the deadline comes.
void ConnectorCore::start_resolving(Host& host) {
  using Resolver = asio::ip::basic_resolver<tcp, asio::io_context::executor_type>;
  auto resolver = std::make_shared<Resolver>(io_.get_executor());
  resolver->async_resolve(
      host.name(), std::to_string(host.port()), Resolver::numeric_service,
      [resolver, weak = weak_from_this(), &host](error_code error, const Resolver::results_type& results) {
        if (const auto self = weak.lock()) {
          self->resolved(host, error, {results.begin(), results.end()});
        }
      });
  host.resolving = true;
}

void ConnectorCore::resolved(Host& host, error_code error, std::vector<tcp::endpoint> found) noexcept {
  if (aborted_) {
    return;
  }
  host.resolving = false;
  host.resolve_error = error;
  if (!error) {
    host.set_endpoints(std::move(found), clock_.now() + addresses_valid);
  }
  host.resolve_line.wake_all();
}

}  // namespace tern::connector
