#pragma once

#include "proactive/proactive_service.hpp"
#include "runtime/runtime.hpp"
#include "runtime/streamed_replies.hpp"
#include "support/failing_storage.hpp"
#include "support/recording_sender.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/schema/parse.hpp>
#include <tern/turn/function_bot.hpp>

#include <boost/asio/co_spawn.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// Everything between the edge and the channel, on one shard that the test runs by hand and on a clock that it moves:
/// the real runtime, schedule and memory storage. Only the channel is a recording.
class BotWorld {
 public:
  struct Reply {
    std::optional<runtime::TurnReply> reply;
    std::size_t replies = 0;
    std::unique_ptr<runtime::ReplyReader> reader;  ///< of a stream that is not read by itself
    std::string streamed;                          ///< what was read of a stream
    std::optional<runtime::TurnReply> plain;       ///< what a stream was answered that never began
    bool stream_ended = false;
    bool stream_failed = false;  ///< reading it threw

    /// How many activities were read of a stream.
    std::size_t activities() const {
      std::size_t count = 0;
      for (auto at = streamed.find("event: activity\n"); at != std::string::npos;
           at = streamed.find("event: activity\n", at + 1)) {
        ++count;
      }
      return count;
    }
  };

  explicit BotWorld(runtime::Runtime::MakeBot make_bot, runtime::RuntimeOptions options = runtime::RuntimeOptions(),
                    bool proactive_enabled = true,
                    proactive::SchedulerOptions scheduling = proactive::SchedulerOptions(),
                    std::shared_ptr<StorageFaults> faults = std::make_shared<StorageFaults>(),
                    proactive::SendLimits limits = proactive::SendLimits())
      : shards(1, clock), sender(clock), storage(AnyStorage::make<FailingStorage>(clock, std::move(faults))) {
    options.capture_references = proactive_enabled;
    std::vector<std::unique_ptr<tern::detail::TurnEnvironment>> environments;
    environments.push_back(std::make_unique<tern::detail::TurnEnvironment>("local", sender, storage, clock));
    runtime = std::make_unique<runtime::Runtime>(shards, std::move(make_bot), options, std::move(environments), clock,
                                                 metrics);
    proactive = std::make_unique<proactive::ProactiveService>(shards, *runtime, proactive_enabled, scheduling, clock,
                                                              metrics, std::move(limits));
    run_on(io(), storage.open(Deadline::never()));
    run_on(io(), proactive->start(Deadline::never()));
    settle();
  }
  ~BotWorld() {
    // As in an app.
    shards.abandon();
    runtime->abandon_turns();
    shards.abandon();
    proactive.reset();
    shards.tear_down();
  }
  BotWorld(const BotWorld&) = delete;
  BotWorld& operator=(const BotWorld&) = delete;

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
  /// Begins to read a stream to its end.
  void read(std::shared_ptr<Reply> reply) {
    if (reply->reader) {
      asio::co_spawn(io(), read_all(std::move(reply->reader), reply),
                     [reply](std::exception_ptr error) { reply->stream_failed = error != nullptr; });
    }
  }
  /// The same for a client that does not read: the test does, with `Reply::reader`.
  std::shared_ptr<Reply> receive_unread(Activity activity) {
    auto reply = std::make_shared<Reply>();
    runtime::TurnRequest request;
    request.activity = std::move(activity);
    request.observer = std::make_unique<Observer>(reply);
    runtime->receive(std::move(request));
    return reply;
  }
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

  ManualClock clock;
  Metrics metrics;
  runtime::ShardPool shards;
  RecordingSender sender;
  AnyStorage storage;
  std::unique_ptr<runtime::Runtime> runtime;
  std::unique_ptr<proactive::ProactiveService> proactive;

 private:
  class Observer final : public runtime::TurnObserver {
   public:
    explicit Observer(std::shared_ptr<Reply> into) : into_(std::move(into)) {}
    void on_reply(runtime::TurnReply reply) noexcept override {
      into_->reply = std::move(reply);
      ++into_->replies;
    }
    void on_stream(std::unique_ptr<runtime::ReplyReader> replies) noexcept override {
      into_->reader = std::move(replies);
    }

   private:
    std::shared_ptr<Reply> into_;
  };

  static awaitable<void> read_all(std::unique_ptr<runtime::ReplyReader> reader, std::shared_ptr<Reply> into) {
    into->plain = co_await reader->begin();
    while (!into->plain) {
      auto piece = co_await reader->next();
      if (!piece) {
        break;
      }
      into->streamed += *piece;
    }
    into->stream_ended = true;
  }

  int ids_ = 0;
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
