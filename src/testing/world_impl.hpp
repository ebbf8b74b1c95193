#pragma once

#include "testing/bot_process.hpp"
#include "testing/world_storage.hpp"

#include <tern/testing/world.hpp>

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tern::test {

/// The parts of a world. Processes go first when it ends, since they use all the others.
struct World::Impl {
  Impl(BotFactory factory_of_bots, Options wanted);

  /// What is done to the bot from outside reaches this one. Errors: `errc::invalid_argument` when it was killed.
  BotProcess& here();
  void start(std::size_t replica);
  /// Runs all that is ready in all replicas.
  void settle();
  /// Runs the bot until `is_so`, at most for the world's patience; false when it was not.
  bool run_until(const std::function<bool()>& is_so);
  /// Gives the bot an activity, as the edge does.
  std::shared_ptr<TurnAnswer> receive(const Activity& activity);
  /// A time that no activity had before: what comes twice at the same time is a repetition.
  WallTime new_timestamp();
  std::string new_id() { return "in-" + std::to_string(++ids_); }
  /// The messages that have arrived in a conversation.
  std::vector<Activity> messages_in(const std::string& channel_id, const std::string& conversation_id) const;

  BotFactory factory;
  Options options;
  Settings settings;
  ManualClock clock;
  Channel channel;
  std::shared_ptr<WorldStore> store;
  Store storage;
  std::map<std::string, std::size_t> looked_at;  ///< messages, by conversation
  std::size_t route = 0;
  std::vector<std::unique_ptr<BotProcess>> replicas;

  /// What the bot of a replica is given.
  BotContext context_of(BotProcess& process) {
    return {settings, process.metrics, *process.proactive, AnyStorage::make<WorldStorage>(store),
            clock,    *process.poster};
  }

 private:
  /// An answer that may bring messages, which are noted once it has come.
  void note_messages_in_answers();

  std::list<std::shared_ptr<TurnAnswer>> answers_with_messages_;
  std::size_t ids_ = 0;
  WallTime last_timestamp_ = WallTime::min();
};

/// The activities in an answer to `expectReplies` or `stream`.
std::vector<Activity> activities_in(const TurnAnswer& answer);

}  // namespace tern::test
