#pragma once

#include "async/timing_wheel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tern::net {

/// The result of resolving a name.
struct Resolution {
  enum class End {
    found,         ///< `addresses` has at least one address
    no_such_name,  ///< the name servers say that the name does not exist or has no address
    failed,        ///< no name server has given an answer
    late,          ///< the deadline came first
    barred         ///< addresses were found, and the client may connect to none of them
  };
  End end = End::failed;
  std::vector<asio::ip::address> addresses;
  std::chrono::seconds ttl{0};  ///< how long the addresses are valid; zero when the answer does not say so
  std::string why;              ///< why nothing was found, as the end of a sentence
};

struct ResolverOptions {
  /// The name servers to ask, over UDP and, for long answers, over TCP. No search list is used with them. Empty: the
  /// name servers and the search list of `resolv_conf`.
  std::vector<asio::ip::udp::endpoint> nameservers;
  /// The file is read again when it has changed; it is checked every 5 s at most.
  std::string resolv_conf = "/etc/resolv.conf";
  /// The port of the name servers of `resolv_conf`.
  std::uint16_t port = 53;
  /// The most names that are resolved at the same time; one more fails at once.
  std::size_t at_once = 1'000;
};

/// Finds the addresses of names. Many names are resolved at the same time, so that a slow one does not delay others.
///
/// Lifetime: the io_context, wheel and clock outlive it. After its destruction no `Done` is called.
/// Thread safety: none; it belongs to the thread that runs the io_context.
class Resolver {
 public:
  using Done = std::function<void(Resolution)>;

  virtual ~Resolver() = default;

  /// Asks for the IPv6 and IPv4 addresses of `name`, which is no literal address. `done` is called once, at `by` at the
  /// latest, maybe before this returns. It must not throw, and must not use the resolver.
  virtual void resolve(std::string name, Deadline by, Done done) = 0;
};

/// Makes a resolver that reads /etc/hosts first, and then asks name servers.
///
/// When the addresses of one family have come, the resolver waits at most 50 ms for the other family (RFC 8305,
/// section 3).
std::unique_ptr<Resolver> make_resolver(asio::io_context& io, TimingWheel& wheel, Clock& clock,
                                        ResolverOptions options);

}  // namespace tern::net
