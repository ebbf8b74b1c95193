#include "testing/bot_process.hpp"

#include "app/turn_response.hpp"
#include "testing/run_on.hpp"

#include <boost/asio/co_spawn.hpp>

#include <utility>
#include <vector>

namespace tern::test {

namespace {

class Observer final : public runtime::TurnObserver {
 public:
  explicit Observer(std::shared_ptr<TurnAnswer> into) : into_(std::move(into)) {}
  void on_reply(runtime::TurnReply reply) noexcept override {
    into_->reply = std::move(reply);
    ++into_->replies;
  }
  void on_stream(std::unique_ptr<runtime::ReplyReader> replies) noexcept override {
    into_->reader = std::move(replies);
  }

 private:
  std::shared_ptr<TurnAnswer> into_;
};

awaitable<void> read_all(std::unique_ptr<runtime::ReplyReader> reader, std::shared_ptr<TurnAnswer> into) {
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

}  // namespace

unsigned TurnAnswer::status() const {
  return refused ? refused->status : reply || plain ? app::status_of(reply ? *reply : *plain) : 200;
}

std::string TurnAnswer::body() const {
  return refused ? refused->body : reply || plain ? app::response_of(reply ? *reply : *plain).body : std::string();
}

std::size_t TurnAnswer::activities() const {
  constexpr std::string_view begin = "event: activity\n";
  std::size_t count = 0;
  for (auto at = streamed.find(begin); at != std::string::npos; at = streamed.find(begin, at + 1)) {
    ++count;
  }
  return count;
}

BotProcess::BotProcess(MakeBot make_bot, Options options, ManualClock& clock, ChannelSender& sender,
                       const AnyStorage& storage)
    : shards(1, clock) {
  options.runtime.capture_references = options.proactive_enabled;
  if (options.make_own_sender) {
    own_sender = options.make_own_sender(*this, sender);
  }
  auto& others = own_sender ? *own_sender : sender;
  if (options.make_channels) {
    options.make_channels(*this, sender, others);
  }
  std::vector<std::unique_ptr<tern::detail::TurnEnvironment>> environments;
  environments.push_back(std::make_unique<tern::detail::TurnEnvironment>(
      "local", channels.empty() ? others : channels.sender(0), storage, clock));
  environments.back()->send_timeout = options.send_timeout;
  environments.back()->has_channels_inside = !channels.empty();
  runtime = std::make_unique<runtime::Runtime>(
      shards, [this, make_bot = std::move(make_bot)] { return make_bot(*this); }, options.runtime,
      std::move(environments), clock, metrics);
  proactive = std::make_unique<proactive::ProactiveService>(
      shards, *runtime, options.proactive_enabled, options.scheduling, clock, metrics, std::move(options.limits));
  poster = std::make_unique<app::RuntimePoster>(*runtime, shards, *proactive, clock);
  channels.open(*runtime, shards);
  runtime->begin();
  auto opened = storage;
  run_on(io(), opened.open(Deadline::never()));
  run_on(io(), proactive->start(Deadline::never()));
  settle();
}

// As in an app.
BotProcess::~BotProcess() {
  shards.abandon();
  runtime->abandon_turns();
  shards.abandon();
  callers.reset();
  channels.clear_senders();
  own_sender.reset();
  proactive.reset();
  shards.tear_down();
}

std::size_t BotProcess::settle() {
  io().restart();
  return io().poll();
}

std::shared_ptr<TurnAnswer> BotProcess::receive(Activity activity) {
  auto answer = std::make_shared<TurnAnswer>();
  receive(std::move(activity), nullptr, answer);
  return answer;
}

void BotProcess::receive(Activity activity, std::shared_ptr<const Identity> caller,
                         const std::shared_ptr<TurnAnswer>& answer) {
  runtime::TurnRequest request;
  request.activity = std::move(activity);
  request.caller = std::move(caller);
  request.observer = std::make_unique<Observer>(answer);
  runtime->receive(std::move(request));
}

void BotProcess::read(const std::shared_ptr<TurnAnswer>& answer) {
  if (answer->reader) {
    asio::co_spawn(io(), read_all(std::move(answer->reader), answer),
                   [answer](std::exception_ptr error) { answer->stream_failed = error != nullptr; });
  }
}

}  // namespace tern::test
