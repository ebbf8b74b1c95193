#pragma once

#include "support/failing_storage.hpp"
#include "support/recording_sender.hpp"
#include "support/run.hpp"
#include "testing/bot_process.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/schema/parse.hpp>
#include <tern/turn/function_bot.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// The process of a bot as `World` has it (`tern/testing.hpp`), with its inner parts in reach: for tests of those
/// parts. What a bot's author can see is tried with `World`.
class BotWorld {
 public:
  using Reply = TurnAnswer;

  explicit BotWorld(runtime::Runtime::MakeBot make_bot, runtime::RuntimeOptions options = runtime::RuntimeOptions(),
                    bool proactive_enabled = true,
                    proactive::SchedulerOptions scheduling = proactive::SchedulerOptions(),
                    std::shared_ptr<StorageFaults> faults = std::make_shared<StorageFaults>(),
                    proactive::SendLimits limits = proactive::SendLimits())
      : sender(clock),
        storage(AnyStorage::make<FailingStorage>(clock, std::move(faults))),
        process_([make_bot = std::move(make_bot)](BotProcess&) { return make_bot(); },
                 process_options(options, proactive_enabled, scheduling, std::move(limits)), clock, sender, storage) {}

  asio::io_context& io() { return shards[0].io(); }
  /// Runs all that is ready.
  void settle() { drain(io()); }
  /// Moves time on in steps small enough that nothing due on the way is skipped over.
  void pass(std::chrono::milliseconds duration, std::chrono::milliseconds step = std::chrono::milliseconds(10)) {
    for (auto done = std::chrono::milliseconds(0); done < duration; done += step) {
      clock.advance(std::min(step, duration - done));
      settle();
    }
  }

  /// Gives the runtime an activity, as the edge does. A stream is read as soon as there is something to read.
  std::shared_ptr<Reply> receive(Activity activity) {
    auto reply = receive_unread(std::move(activity));
    read(reply);
    return reply;
  }
  /// The same from a caller that was checked; nullptr when nobody was asked.
  std::shared_ptr<Reply> receive_from(Activity activity, std::shared_ptr<const Identity> caller) {
    auto reply = std::make_shared<Reply>();
    process_.receive(std::move(activity), std::move(caller), reply);
    read(reply);
    return reply;
  }
  /// Begins to read a stream to its end.
  void read(const std::shared_ptr<Reply>& reply) { process_.read(reply); }
  /// The same for a client that does not read: the test does, with `Reply::reader`.
  std::shared_ptr<Reply> receive_unread(Activity activity) { return process_.receive(std::move(activity)); }
  std::shared_ptr<Reply> say(const std::string& text, const std::string& conversation = "conv-1",
                             const std::string& id = {}) {
    auto reply = receive(message(text, conversation, id));
    settle();
    return reply;
  }

  Activity message(const std::string& text, const std::string& conversation = "conv-1", std::string id = {}) {
    if (id.empty()) {
      id = "in-" + std::to_string(++ids_);
    }
    json::object fields;
    fields["type"] = "message";
    fields["id"] = id;
    fields["text"] = text;
    fields["channelId"] = "emulator";
    fields["serviceUrl"] = "http://localhost:9";
    fields["from"] = {{"id", "user-1"}, {"name", "User"}, {"role", "user"}};
    fields["recipient"] = {{"id", "bot-1"}, {"name", "Bot"}, {"role", "bot"}};
    fields["conversation"] = {{"id", conversation}, {"conversationType", "personal"}};
    fields["locale"] = "en-US";
    return Activity(std::move(fields));
  }

  /// The records of the pending sends, as the store has them.
  std::vector<ScheduledSend> records() {
    SendQuery all;
    all.limit = 1000;
    return run_on(io(), storage.list_sends(std::move(all), Deadline::never())).sends;
  }

  ManualClock clock;
  RecordingSender sender;
  AnyStorage storage;

 private:
  static BotProcessOptions process_options(const runtime::RuntimeOptions& options, bool proactive_enabled,
                                           const proactive::SchedulerOptions& scheduling,
                                           proactive::SendLimits limits) {
    BotProcessOptions all;
    all.runtime = options;
    all.proactive_enabled = proactive_enabled;
    all.scheduling = scheduling;
    all.limits = std::move(limits);
    return all;
  }

  BotProcess process_;
  int ids_ = 0;

 public:
  Metrics& metrics = process_.metrics;
  runtime::ShardPool& shards = process_.shards;
  std::unique_ptr<runtime::Runtime>& runtime = process_.runtime;
  std::unique_ptr<proactive::ProactiveService>& proactive = process_.proactive;
};

/// A factory for a bot made of one function for messages.
inline runtime::Runtime::MakeBot message_bot(TurnHandler handler) {
  return [handler = std::move(handler)] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message(handler);
    return bot;
  };
}

}  // namespace tern::test
