#pragma once

#include "testing/bot_process.hpp"
#include "testing/fields.hpp"
#include "testing/world_storage.hpp"

#include <tern/testing/world.hpp>

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tern::test {

/// The parts of a world. The processes are destroyed first, since they use all other parts.
struct World::Impl {
  Impl(BotFactory factory_of_bots, Options wanted);

  /// The replica that users and the test reach. Errors: `errc::invalid_argument` when it was killed.
  BotProcess& here();
  void start(std::size_t replica);
  /// Runs everything that is ready in all replicas.
  void settle();
  /// Runs the bot until `is_so` returns true, at most for the world's patience; false when it did not.
  bool run_until(const std::function<bool()>& is_so);
  /// Gives the bot an activity that comes with these headers, as the edge does.
  std::shared_ptr<TurnAnswer> receive(const Activity& activity, const Fields& headers);
  /// A time that no activity had before: an activity that comes twice with the same time is a repetition.
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

  /// The parts that the bot of a replica is made with.
  BotContext context_of(BotProcess& process) {
    return {settings, process.metrics, *process.proactive, AnyStorage::make<WorldStorage>(store),
            clock,    *process.poster, process.channels};
  }

 private:
  /// An answer that may have messages, which are noted once it has come.
  void note_messages_in_answers();

  std::list<std::shared_ptr<TurnAnswer>> answers_with_messages_;
  std::size_t ids_ = 0;
  WallTime last_timestamp_ = WallTime::min();
};

/// The activities in an answer to `expectReplies` or `stream`.
std::vector<Activity> activities_in(const TurnAnswer& answer);

}  // namespace tern::test
