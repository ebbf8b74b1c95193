#pragma once

#include <tern/async/timing_wheel.hpp>

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

namespace tern::connector {

/// What became of the question for a name.
struct Resolution {
  enum class End {
    found,         ///< `addresses` holds at least one
    no_such_name,  ///< the name servers say that there is no such name, or no address of it
    failed,        ///< no name server has given an answer
    late           ///< the deadline came first
  };
  End end = End::failed;
  std::vector<asio::ip::address> addresses;
  std::chrono::seconds ttl{0};  ///< how long the addresses hold; zero where nothing says so
  std::string why;              ///< when nothing was found: the end of a sentence
};

struct ResolverOptions {
  /// Who is asked, over UDP and, for long answers, TCP. Then names are taken as they are, with no search list.
  /// Empty: the name servers and the search list of `resolv_conf`.
  std::vector<asio::ip::udp::endpoint> nameservers;
  /// Read again when it has changed, which is looked at no more than once in 5 s.
  std::string resolv_conf = "/etc/resolv.conf";
  /// The port of those name servers.
  std::uint16_t port = 53;
  /// Most names that are asked for at once; one more fails at once.
  std::size_t at_once = 1'000;
};

/// Finds the addresses of names. Many names are asked for side by side, so that a slow one holds no other.
///
/// Lifetime: the io_context, wheel and clock outlive it. Once it is destroyed no `Done` is called any more.
/// Thread safety: none; it belongs to the thread that runs the io_context.
class Resolver {
 public:
  using Done = std::function<void(Resolution)>;

  virtual ~Resolver() = default;

  /// Asks for the IPv6 and IPv4 addresses of `name`, which is no literal address. `done` is called once, at `by` at the
  /// latest and perhaps before this returns. It must neither throw nor use the resolver.
  virtual void resolve(std::string name, Deadline by, Done done) = 0;
};

/// A resolver that looks into /etc/hosts, and then asks name servers.
///
/// An answer with addresses of one family waits 50 ms for the other family, no longer (RFC 8305, section 3).
std::unique_ptr<Resolver> make_resolver(asio::io_context& io, TimingWheel& wheel, Clock& clock,
                                        ResolverOptions options);

}  // namespace tern::connector
