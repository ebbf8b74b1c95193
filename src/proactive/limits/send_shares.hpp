#pragma once

#include "proactive/limits/limiter.hpp"
#include "proactive/limits/send_limits.hpp"
#include "proactive/limits/shares.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace tern::proactive {

/// Where a send goes, as far as its share of the places depends on it: scheme, name and port of a serviceUrl in lower
/// case, the port spelled out. Of a text that is none it is the text. Replaces `into`.
void host_of(std::string_view service_url, std::string& into);

/// Shares the places of one scheduler for sends that are under way: each host of a channel has a share, and each tenant
/// that a send names. A conversation needs none: its sends go one at a time (`NearWindow`).
///
/// A host is known by its whole name. The number that stands for it here is nobody's to guess, so that it is not taken
/// for a conversation, tenant or bot in a `WaitingRoom`.
///
/// Thread safety: none; one for each scheduler.
class SendShares {
 public:
  explicit SendShares(std::size_t places);

  /// The number of a host; the same for the same host while it is remembered. Never 0.
  std::uint64_t number_of(std::string_view service_url);
  /// The host's name; "" when it is not remembered.
  std::string name_of(std::uint64_t host) const;

  /// Whether a send may begin; `scope` names a host, or it may. It counts only with `begun`.
  Limiter::Leave ask(const SendScope& scope, SteadyTime now);
  void begun(const SendScope& scope, SteadyTime now);
  struct Change {
    Shares::Change host;
    Shares::Change tenant;
  };
  /// What came of a send that had `begun` at that time.
  Change ended(const SendScope& scope, SteadyTime begun, SteadyTime now, Shares::End end);
  /// What a place that such a send frees may have held back: scopes of a `WaitingRoom`.
  std::array<std::uint64_t, 5> freed_by(const SendScope& scope) const noexcept;

  /// How many sends that are due are worth reading now: no more than may begin of a quick host that has the most, since
  /// what it has beyond its share soon goes, and need not be put off.
  std::size_t room(SteadyTime now) const;
  /// Whether the host has not answered for so long, and so many tries, that what is long overdue there may be given up.
  bool is_lost(std::uint64_t host) const { return hosts_.failures(host) >= lost_after; }

  std::size_t open_hosts() const noexcept { return hosts_.open(); }
  std::size_t open_tenants() const noexcept { return tenants_.open(); }

 private:
  static constexpr std::uint32_t lost_after = 12;

  Limiter::Leave leave_of(const Shares::Leave& leave, std::uint64_t party) const noexcept;
  void forget_names();

  Shares hosts_;
  Shares tenants_;
  std::mt19937_64 random_;
  boost::unordered_flat_map<std::string, std::uint64_t> numbers_;
  std::size_t next_look_ = 1'024;
  std::string host_;  // used again for each look-up
  const std::uint64_t all_;
  const std::uint64_t fresh_;
  const std::uint64_t tries_;
};

}  // namespace tern::proactive
