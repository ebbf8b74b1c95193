#pragma once

#include "async/keyed_hash.hpp"
#include "runtime/shard.hpp"
#include "turn/environment.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <string>

namespace tern::runtime {

/// Sends the typing indicator to a conversation while background work runs there: first after 500 ms, then every 2 s,
/// since a channel shows it for about 3 s. A conversation has one indicator, however many tasks run.
///
/// Thread safety: none; each shard has its own. Source: Activity Protocol, "Typing activity".
class TypingKeeper {
 public:
  static constexpr std::chrono::milliseconds first{500};
  static constexpr std::chrono::milliseconds interval{2000};

  TypingKeeper(Shard& shard, detail::TurnEnvironment& environment);
  ~TypingKeeper();

  /// One more task runs in the conversation `key`.
  void begin(const std::string& key, const ConversationReference& reference);
  /// One task fewer runs there; the end of the last task ends the indicator.
  void end(const std::string& key);

 private:
  class Indicator;

  Shard& shard_;
  detail::TurnEnvironment& environment_;
  boost::unordered_flat_map<std::string, std::shared_ptr<Indicator>, detail::KeyedHash, std::equal_to<>> indicators_;
};

}  // namespace tern::runtime
