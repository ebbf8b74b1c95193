#pragma once

#include "connector/resolver.hpp"

#include <tern/async/clock.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace tern::connector {

/// What is known of where a host is: the last answer for its name, good or bad, for as long as it holds.
///
/// Addresses hold for their time to live, at least 5 s and at most 5 min. That there is no such name is remembered for
/// 5 s, and any other failure for 1 s, so that many calls to a dead name ask once.
class Addresses {
 public:
  explicit Addresses(std::uint16_t port) noexcept : port_(port) {}

  /// The answer still holds; else the name must be asked for.
  bool fresh(SteadyTime now) const noexcept { return now < until_; }

  /// All that were found, at most 16, in the order in which to try them (RFC 8305, section 4): the two families in
  /// turn. The one that worked last is first, where it is still among them; else IPv6 is. Empty when nothing was found.
  const std::vector<asio::ip::tcp::endpoint>& endpoints() const noexcept { return endpoints_; }

  /// Why nothing was found.
  const Resolution& failure() const noexcept { return failure_; }

  void learn(Resolution resolution, SteadyTime now);
  /// A connection to `where` was made.
  void worked(const asio::ip::tcp::endpoint& where);
  /// No connection could be made to any: they are asked for again, but not within 5 s of the last time.
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

}  // namespace tern::connector
