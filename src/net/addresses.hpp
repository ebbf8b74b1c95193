#pragma once

#include "net/resolver.hpp"

#include <tern/async/clock.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace tern::net {

/// Remembers the last answer of the resolver for the name of a host, while the answer is valid.
///
/// Addresses are valid for their time to live, at least 5 s and at most 5 min. "No such name" is remembered for 5 s,
/// and so are addresses that may not be connected to. Any other failure is remembered for 1 s. So many calls to a dead
/// name ask once.
class Addresses {
 public:
  explicit Addresses(std::uint16_t port) noexcept : port_(port) {}

  /// The answer is still valid. When it is not, the name must be resolved again.
  bool fresh(SteadyTime now) const noexcept { return now < until_; }

  /// The addresses that were found, at most 16, in the order in which to try them (RFC 8305, section 4): IPv6 and IPv4
  /// take turns. The address that worked last comes first if it is still among them, otherwise an IPv6 address does.
  /// Empty when nothing was found.
  const std::vector<asio::ip::tcp::endpoint>& endpoints() const noexcept { return endpoints_; }

  /// Why nothing was found.
  const Resolution& failure() const noexcept { return failure_; }

  void learn(Resolution resolution, SteadyTime now);
  /// A connection to `where` was made.
  void worked(const asio::ip::tcp::endpoint& where);
  /// No address could be connected to. The name is resolved again, at the earliest 5 s after the last time.
  void doubt() noexcept;

 private:
  void sort();

  std::uint16_t port_;
  std::vector<asio::ip::tcp::endpoint> endpoints_;
  std::optional<asio::ip::tcp::endpoint> worked_;
  Resolution failure_;
  SteadyTime learned_{};
  SteadyTime until_{};
};

}  // namespace tern::net
