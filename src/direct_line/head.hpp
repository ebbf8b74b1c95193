#pragma once

#include <tern/async/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// What is kept about a conversation beside its activities.
struct Head {
  /// When an activity was stored, for some of them.
  struct Mark {
    std::uint64_t seq = 0;
    WallTime time;
    std::uint64_t bytes = 0;  ///< what `Head::bytes` was before the activity
  };
  /// The key of an activity that was stored, as `short_digest` makes it.
  struct Key {
    std::string digest;
    std::uint64_t seq = 0;
  };

  /// A turn that streams, by the name of its run as `short_digest` makes it, and the last of its replies that was
  /// stored.
  struct Run {
    std::string digest;
    std::uint64_t number = 0;  ///< in the run, from 1
    std::uint64_t seq = 0;
  };

  /// The most keys that are kept: those of the last sends, and of what clients have brought last.
  static constexpr std::size_t max_keys = 48;
  static constexpr std::size_t max_posts = 16;
  static constexpr std::size_t max_runs = 8;

  std::string channel;      ///< `directline` or `webchat`
  std::string user;         ///< the id of the user who began it; "" when nobody said
  std::string user_name;    ///< or ""
  std::string locale;       ///< or ""
  bool streams = false;     ///< turns of this conversation have `deliveryMode: stream`
  bool ended = false;       ///< an `endOfConversation` has ended it
  std::uint64_t first = 1;  ///< the oldest activity that is kept; beyond `last` when there is none
  std::uint64_t last = 0;   ///< the newest activity, from 1; 0 when there was none
  std::uint64_t bytes = 0;  ///< of all activities that were ever stored, also of those that are not kept any more
  WallTime changed;         ///< the last change
  std::vector<Mark> marks;  ///< the oldest first
  std::vector<Key> keys;    ///< of sends, the oldest first
  std::vector<Key> posts;   ///< of what clients have brought, likewise
  std::vector<Run> runs;    ///< the one whose reply was stored last is the last
};

/// The head as JSON.
std::string write_head(const Head& head);
/// nullopt when the text is no head.
std::optional<Head> read_head(std::string_view text);

}  // namespace tern::direct_line
