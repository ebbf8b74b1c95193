#include "app/assembly.hpp"

#include "app/announcement.hpp"
#include "app/bot_keys.hpp"
#include "app/direct_line_keys.hpp"
#include "app/edge_rules.hpp"
#include "app/own_parts.hpp"
#include "app/part_options.hpp"
#include "app/process_figures.hpp"
#include "app/token_authenticator.hpp"
#include "direct_line/shared_sender.hpp"

#include <tern/async/log.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace tern::app {

namespace {

constexpr const char* local_bot = "local";

StoreParts store_of(const std::optional<AnyStorage>& given, const Settings& settings, Clock& clock, Metrics& metrics) {
  if (given) {
    return {with_schedule(*given, settings, clock), [] { return std::string(); }};
  }
  return make_storage(settings, clock, &metrics);
}

}  // namespace

Assembly::Assembly(Settings wanted, BotFactory factory, App::Options options)
    : settings(std::move(wanted)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      descriptor_limit_(raise_descriptor_limit()),
      descriptors_(plan_descriptors(descriptor_limit_, settings.limits.connections)),
      shards(settings.listen.threads, clock),
      store_(store_of(options.storage, settings, clock, metrics)),
      storage(store_.storage),
      channels(std::move(options.channels)) {
  progress->watch(shards);
  network_ = std::make_unique<NetworkSenders>(settings, options, descriptors_.outgoing, shards, metrics, clock);
  make_direct_line();
  make_channels();
  make_runtime(std::move(factory), options.one_per_turn,
               checks_callers(settings.bot, options.authenticator != nullptr));
  make_callers(options.authenticator);
  make_edge(options.routes);
}

Assembly::~Assembly() {
  abort();
  // Suspended coroutines are destroyed first, while all parts that they refer to exist. Then the turns, which
  // coroutines of other shards may wait for; then sockets and timers; and last the contexts of the shards.
  shards.abandon();
  runtime->abandon_turns();
  shards.abandon();
  edge_.reset();
  callers_.reset();
  channels.clear_senders();
  direct_line_.reset();
  network_.reset();
  proactive.reset();
  shards.tear_down();
}

void Assembly::make_direct_line() {
  if (!settings.direct_line.enabled) {
    return;
  }
  direct_line_ =
      std::make_unique<direct_line::DirectLine>(direct_line_options(settings, bot_id()), storage, clock, metrics);
  channels.add({std::string(direct_line::service_url), [this](const SenderContext&) -> std::unique_ptr<ChannelSender> {
                  return std::make_unique<direct_line::SharedSender>(direct_line_->sender());
                }});
}

void Assembly::make_channels() {
  for (std::size_t i = 0; i < shards.size() && !channels.empty(); ++i) {
    channels.make_senders({settings, metrics, clock, shards[i].ex(), network_->connector(i)}, network_->of(i));
  }
}

ChannelSender& Assembly::sender_of(std::size_t shard) noexcept {
  return channels.empty() ? network_->of(shard) : channels.sender(shard);
}

std::string Assembly::bot_id() const {
  return settings.bot.app_id.empty() ? local_bot : settings.bot.app_id;
}

void Assembly::make_runtime(BotFactory factory, bool one_per_turn, bool checks_callers) {
  std::vector<std::unique_ptr<detail::TurnEnvironment>> environments;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    environments.push_back(std::make_unique<detail::TurnEnvironment>(bot_id(), sender_of(i), storage, clock));
    environments.back()->send_timeout = settings.connector.request_timeout;
    environments.back()->checks_callers = checks_callers;
    environments.back()->has_channels_inside = !channels.empty();
  }
  runtime = std::make_unique<runtime::Runtime>(
      shards, [this, factory = std::move(factory)] { return factory(*context_); },
      runtime_options(settings, one_per_turn), std::move(environments), clock, metrics);
  proactive = std::make_unique<proactive::ProactiveService>(shards, *runtime, settings.proactive.enabled,
                                                            scheduler_options(settings), clock, metrics,
                                                            send_limits(settings.send_limits));
  poster = std::make_unique<RuntimePoster>(*runtime, shards, *proactive, clock);
  channels.open(*runtime, shards);
  if (direct_line_) {
    direct_line_->set_bot(channels.at(direct_line::service_url));
  }
  context_ = std::make_unique<BotContext>(BotContext{settings, metrics, *proactive, storage, clock, *poster, channels});
  runtime->begin();
}

void Assembly::make_callers(const AuthenticatorFactory& factory) {
  if (factory) {
    callers_ = std::make_unique<Callers>(make_own_authenticator(factory, *context_), clock, metrics);
  } else if (!settings.bot.app_id.empty()) {
    callers_ =
        std::make_unique<Callers>(std::make_unique<TokenAuthenticator>(settings, clock, metrics), clock, metrics);
  }
}

void Assembly::make_edge(const Routes& routes) {
  metrics.counter_from("tern_log_lines_dropped_total",
                       "Lines of the log that were dropped: nobody read them, or they could not be written.",
                       [] { return static_cast<double>(log::dropped()); });
  add_process_figures(metrics);
  const bool private_port = settings.metrics.port && is_of_this_machine(settings.metrics.address);
  routers_ = std::make_unique<ShardRouters>(
      EndpointParts{
          *context_, *runtime, *proactive, *network_, callers_.get(), direct_line_.get(),
          [this](std::string_view text) { return sender_of(runtime::Shard::current()->index()).sends_to(text); },
          [this, private_port] { return why_not_ready(private_port); }},
      routes, shards.size());
  edge_ = std::make_unique<Edge>(settings, descriptors_, *routers_, direct_line_.get(), shards, clock, metrics);
}

// The store's own message names its address or folder, which strangers must not see.
std::string Assembly::why_not_ready(bool in_full) const {
  if (!ready_.load(std::memory_order_acquire)) {
    return "draining";
  }
  auto obstacle = store_.obstacle();
  return in_full || obstacle.empty() ? obstacle : "the storage is away; the log says why";
}

awaitable<void> Assembly::open(Deadline by) {
  co_await storage.open(by);
  opened_ = true;
  if (direct_line_) {
    co_await direct_line_->open(shards[0].ex(), by);
  }
  co_await proactive->start(by);
}

awaitable<void> Assembly::give_up(Deadline by) {
  if (opened_) {
    co_await proactive->drain(by);
    co_await close(by);
  }
}

void Assembly::listen() {
  edge_->listen();
  network_->ask_for_first_token();
  watchdog_ = std::make_unique<runtime::StallWatchdog>(shards, metrics);
  ready_.store(true, std::memory_order_release);
  edge_->start();
}

void Assembly::announce() const {
  app::announce({.settings = settings,
                 .storage = storage.traits(),
                 .port = port(),
                 .metrics_port = metrics_port(),
                 .tls = edge_->has_certificate(),
                 .threads = shards.size(),
                 .callers = callers_.get(),
                 .credentials = network_->credentials_name(),
                 .has_credentials = network_->have_credentials(),
                 .connections = descriptors_.connections,
                 .descriptors = descriptor_limit_});
}

awaitable<bool> Assembly::drain() {
  say_not_ready();
  if (settings.drain.delay.count() > 0) {
    // A load balancer sends requests to this process until it has noticed, by /readyz or in another way.
    progress->enter(StopPhase::delay);
    co_await sleep_for(settings.drain.delay, clock);
  }
  const auto by = Deadline::after(settings.drain.deadline, clock);
  edge_->stop_accepting();
  // The last part of the time is kept for sends under way: a send that is cut may arrive twice, and a turn that hangs
  // must not cause that.
  const auto kept = std::min<SteadyTime::duration>(std::chrono::seconds(5), by.remaining(clock) / 3);
  const auto by_turns = by.min(Deadline::after(by.remaining(clock) - kept, clock));
  progress->enter(StopPhase::turns);
  bool clean = co_await runtime->drain_turns(by_turns);
  progress->enter(StopPhase::background);
  const bool background = co_await runtime->drain_background(by_turns);
  progress->enter(StopPhase::senders);
  const bool sends = co_await proactive->drain(by);
  progress->enter(StopPhase::answers);
  const bool answered = co_await edge_->drain(by);
  clean = clean && background && sends && answered;
  // Slots and storage get at least two seconds, even when turns were cut.
  const auto last =
      Deadline::after(std::max<SteadyTime::duration>(by.remaining(clock), std::chrono::seconds(2)), clock);
  const bool closed = co_await close(last);
  co_return clean&& closed;
}

// Pending sends in a store that is not durable are lost with the process. The log says how many.
awaitable<void> Assembly::tell_of_what_is_lost(Deadline by) {
  if (storage.traits().durable || !settings.proactive.enabled) {
    co_return;
  }
  const auto counts = co_await storage.count_sends(by);
  if (counts.pending > 0) {
    log::warn("pending sends end with this process; a durable storage.kind would keep them",
              {{"pending", counts.pending}, {"storage", storage.traits().name}});
  }
}

awaitable<bool> Assembly::close(Deadline by) {
  bool clean = true;
  try {
    co_await tell_of_what_is_lost(by);
  } catch (const system_error& e) {
    clean = false;
    log::error("the pending sends were not counted", {{"error", e.what()}});
  }
  progress->enter(StopPhase::slots);
  try {
    co_await proactive->release(by);
  } catch (const std::exception& e) {
    clean = false;
    log::error("the slots of the schedule were not given back", {{"error", e.what()}});
  }
  if (direct_line_) {
    const bool ended = co_await direct_line_->close(by);
    clean = clean && ended;
  }
  progress->enter(StopPhase::storage);
  try {
    co_await storage.close(by);
  } catch (const std::exception& e) {
    clean = false;
    log::error("the storage was not closed as it should be", {{"error", e.what()}});
  }
  co_return clean;
}

void Assembly::abort() {
  say_not_ready();
  watchdog_.reset();
  shards.stop();
}

}  // namespace tern::app
