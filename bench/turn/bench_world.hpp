#pragma once

#include "proactive/proactive_service.hpp"
#include "runtime/runtime.hpp"
#include "runtime/streamed_replies.hpp"
#include "turn/message.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>
#include <tern/storage/memory_storage.hpp>
#include <tern/turn/function_bot.hpp>

#include <boost/asio/co_spawn.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

namespace asio = boost::asio;
using tern::awaitable;

/// A channel that takes everything at once and costs next to nothing.
class NullSender final : public tern::ChannelSender {
 public:
  std::size_t sent = 0;

  awaitable<tern::ResourceResponse> send(const tern::Activity&, std::string, tern::Deadline) override {
    ++sent;
    co_return tern::ResourceResponse{};
  }
  awaitable<tern::ResourceResponse> update(const tern::Activity&, tern::Deadline) override {
    co_return tern::ResourceResponse{};
  }
  awaitable<void> remove(const tern::ConversationReference&, tern::Deadline) override { co_return; }
  awaitable<tern::ConversationResourceResponse> create_conversation(std::string, tern::ConversationParameters,
                                                                    tern::Deadline) override {
    co_return tern::ConversationResourceResponse{};
  }
};

/// Everything between the edge and the channel, on one shard that the bench runs by hand.
class BenchWorld {
 public:
  BenchWorld(tern::Clock& clock, tern::TurnHandler on_message, bool proactive_enabled = true)
      : shards(1, clock), storage(tern::AnyStorage::make<tern::MemoryStorage>(tern::MemoryStorageLimits(), clock)) {
    tern::log::configure(tern::log::Level::error, tern::log::Format::text);
    std::vector<std::unique_ptr<tern::detail::TurnEnvironment>> environments;
    environments.push_back(std::make_unique<tern::detail::TurnEnvironment>("local", sender, storage, clock));
    const auto make_bot = [handler = std::move(on_message)] {
      auto bot = std::make_unique<tern::FunctionBot>();
      bot->on_message(handler);
      return bot;
    };
    runtime = std::make_unique<tern::runtime::Runtime>(shards, make_bot, tern::runtime::RuntimeOptions(),
                                                       std::move(environments), clock, metrics);
    proactive = std::make_unique<tern::proactive::ProactiveService>(
        shards, *runtime, proactive_enabled, tern::proactive::SchedulerOptions(), clock, metrics);
    runtime->begin();
    run(storage.open(tern::Deadline::never()));
    run(proactive->start(tern::Deadline::never()));
    settle();
  }
  ~BenchWorld() { shards.tear_down(); }
  BenchWorld(const BenchWorld&) = delete;
  BenchWorld& operator=(const BenchWorld&) = delete;

  /// Runs all that is ready.
  void settle() {
    io().restart();
    io().poll();
  }

  /// Runs `work` to its end, which nothing but this shard brings about.
  template <class T>
  void run(awaitable<T> work) {
    bool ended = false;
    asio::co_spawn(io(), std::move(work), [&ended](std::exception_ptr error, auto&&...) {
      if (error) {
        std::rethrow_exception(error);
      }
      ended = true;
    });
    io().restart();
    while (!ended && io().run_one() > 0) {
    }
  }

  /// Gives the runtime an activity, as the edge does.
  void receive(tern::Activity activity) {
    tern::runtime::TurnRequest request;
    request.activity = std::move(activity);
    request.observer = std::make_unique<Observer>(*this);
    runtime->receive(std::move(request));
  }

  asio::io_context& io() { return shards[0].io(); }

  std::size_t answered = 0;
  std::size_t failed = 0;
  tern::Metrics metrics;
  tern::runtime::ShardPool shards;
  NullSender sender;
  tern::AnyStorage storage;
  std::unique_ptr<tern::runtime::Runtime> runtime;
  std::unique_ptr<tern::proactive::ProactiveService> proactive;

 private:
  class Observer final : public tern::runtime::TurnObserver {
   public:
    explicit Observer(BenchWorld& world) : world_(world) {}
    void on_reply(tern::runtime::TurnReply reply) noexcept override {
      ++world_.answered;
      world_.failed += reply.outcome == tern::TurnOutcome::done ? 0 : 1;
    }
    void on_stream(std::unique_ptr<tern::runtime::ReplyReader>) noexcept override {}

   private:
    BenchWorld& world_;
  };
};

/// A message as it arrives, with ids that are its own.
inline std::string message_text(std::string message, std::size_t number, std::size_t conversations) {
  const auto conversation = number % conversations;
  return fill(std::move(message), "activity-" + std::to_string(number), "conversation-" + std::to_string(conversation),
              "user-" + std::to_string(conversation * 7 % conversations));
}

inline std::string message_text(Mode mode, std::size_t number, std::size_t conversations) {
  return message_text(message_template(mode, "http://127.0.0.1:9"), number, conversations);
}

inline tern::Activity parsed(const std::string& text) {
  auto activity = tern::parse_activity(text);
  if (!activity) {
    throw std::invalid_argument(activity.error().message);
  }
  return std::move(*activity);
}

}  // namespace bench
