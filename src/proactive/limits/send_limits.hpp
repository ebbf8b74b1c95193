#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::proactive {

class ReferenceIds;

/// At most `sends` in any interval of `length`.
struct SendWindow {
  std::uint32_t sends = 1;
  std::chrono::milliseconds length{1'000};
  friend bool operator==(const SendWindow&, const SendWindow&) = default;
};

/// The limits of a channel; an empty list is no limit.
struct ChannelLimits {
  std::vector<SendWindow> conversation;
  std::vector<SendWindow> bot;     ///< all conversations of one bot in the channel
  std::vector<SendWindow> tenant;  ///< all conversations of one bot in one tenant

  /// Reads `conversation=7/1s,8/2s bot=50/1s tenant=50/1s`: each scope at most once, lengths in ms, s, m or h; "" and
  /// "none" are no limits. nullopt for anything else.
  static std::optional<ChannelLimits> parse(std::string_view text);
  friend bool operator==(const ChannelLimits&, const ChannelLimits&) = default;
};

/// The limits by channel; none by default.
struct SendLimits {
  std::map<std::string, ChannelLimits, std::less<>> channels;
  ChannelLimits others;  ///< for a channel that is not in `channels`
  /// After an outage a bot or tenant begins with so many sends a second, and doubles each second; 0: at full speed.
  std::uint32_t slow_start = 100;

  const ChannelLimits& of(std::string_view channel_id) const;
};

/// The scopes that a send counts for, as keyed hashes: nobody can make up an id that counts for the conversation of
/// somebody else. Zero: not known, and without limits.
struct SendScope {
  std::uint64_t conversation = 0;
  std::uint64_t tenant = 0;
  std::uint64_t bot = 0;
  const ChannelLimits* limits = nullptr;
  std::uint64_t host = 0;          ///< the number that `SendShares` gives to the serviceUrl's host
  std::uint64_t tenant_share = 0;  ///< `tenant`, where the conversation names one

  /// Reads it from the JSON of a conversation reference, without `host`.
  /// Lifetime: `limits` outlives it.
  static SendScope of(std::string_view reference, const SendLimits& limits);
  /// The same from the ids of a reference.
  static SendScope of(const ReferenceIds& ids, const SendLimits& limits);
  /// The same from its parts.
  static SendScope of(std::string_view channel, std::string_view bot, std::string_view tenant,
                      std::string_view conversation, const SendLimits& limits);
};

}  // namespace tern::proactive
