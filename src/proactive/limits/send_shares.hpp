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

/// The host of a send for its share of the places: scheme, name and port of a serviceUrl in lower case, with the port
/// spelled out. A text that is no URL stands for itself. Replaces `into`.
void host_of(std::string_view service_url, std::string& into);

/// Shares the places of one scheduler for sends that are under way: each host of a channel has a share, and each tenant
/// that a send names. A conversation needs none: its sends go one at a time (`NearWindow`).
///
/// A host is known by its whole name. Nobody can guess the number that stands for it here, so the number is not taken
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

  /// Whether a send may begin. Without a host in `scope` it may. It counts only with `begun`.
  Limiter::Leave ask(const SendScope& scope, SteadyTime now);
  void begun(const SendScope& scope, SteadyTime now);
  struct Change {
    Shares::Change host;
    Shares::Change tenant;
  };
  /// The end of a send that had `begun` at that time.
  Change ended(const SendScope& scope, SteadyTime begun, SteadyTime now, Shares::End end);
  /// The scopes of a `WaitingRoom` that the place of such a send may have held back.
  std::array<std::uint64_t, 5> freed_by(const SendScope& scope) const noexcept;

  /// How many due sends are worth reading now: no more than may begin of the quick host that has the most. Sends
  /// beyond its share go soon, so they need not be put off.
  std::size_t room(SteadyTime now) const;
  /// Whether long overdue sends to the host may be given up, because it has not answered for so long and so many
  /// tries.
  bool is_lost(std::uint64_t host) const { return hosts_.failures(host) >= lost_after; }

  std::size_t open_hosts() const noexcept { return hosts_.open(); }
  std::size_t open_tenants() const noexcept { return tenants_.open(); }

 private:
  static constexpr std::uint32_t lost_after = 12;

  Limiter::Leave leave_of(const Shares::Leave& leave, std::uint64_t party) const noexcept;
  std::uint64_t find_number(std::string_view service_url);
  void forget_names();

  Shares hosts_;
  Shares tenants_;
  std::mt19937_64 random_;
  boost::unordered_flat_map<std::string, std::uint64_t> numbers_;
  std::size_t next_look_ = 1'024;
  std::string host_;  // used again for each look-up
  std::string last_url_;
  std::uint64_t last_number_ = 0;  // of the host of `last_url_`; 0 for none
  const std::uint64_t all_;
  const std::uint64_t fresh_;
  const std::uint64_t tries_;
};

}  // namespace tern::proactive
