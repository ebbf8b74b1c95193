#include "app/assembly.hpp"

#include "app/part_options.hpp"
#include "app/process_figures.hpp"
#include "async/log_last.hpp"
#include "connector/nameservers.hpp"
#include "connector/service_url.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
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

http::ServerLimits server_limits(const Settings& settings, const DescriptorPlan& descriptors) {
  http::ServerLimits limits;
  limits.connections = descriptors.connections;
  limits.refusals = descriptors.refusals;
  limits.body = settings.limits.body;
  limits.header = settings.limits.header;
  limits.header_timeout = settings.limits.header_timeout;
  limits.body_timeout = settings.limits.body_timeout;
  limits.idle_timeout = settings.limits.idle_timeout;
  return limits;
}

std::vector<boost::asio::ip::udp::endpoint> nameservers(const ConnectorSettings& settings) {
  auto servers = connector::parse_nameservers(settings.nameservers);
  if (!servers) {
    throw ConfigError("connector.nameservers is \"" + settings.nameservers +
                      "\", which is no list of IP addresses separated by commas");
  }
  return std::move(*servers);
}

http::ServerLimits metrics_limits(const Settings& settings, const DescriptorPlan& descriptors) {
  auto limits = server_limits(settings, descriptors);
  limits.connections = std::min(limits.connections, descriptors.metrics_connections);
  limits.refusals = std::min(limits.refusals, descriptors.metrics_connections);
  return limits;
}

// A listener that only this machine reaches is reached by the pages in its browsers too, under names of their own.
http::ServedHosts served_hosts(const std::string& address, const std::string& listed) {
  auto names = http::parse_host_list(listed);
  if (!names) {
    throw ConfigError("listen.hosts is \"" + listed + "\", which is no list of names separated by commas");
  }
  error_code no_address;  // told by `listen`
  if (asio::ip::make_address(address, no_address).is_loopback()) {
    return http::ServedHosts::loopback_and(std::move(*names));
  }
  return names->empty() ? http::ServedHosts() : http::ServedHosts::addresses_and(std::move(*names));
}

bool loopback_only(const Settings& settings) {
  return !settings.bot.allow_anonymous;
}

}  // namespace

awaitable<http::HttpResponse> ShardRouters::handle(http::HttpRequest& request) {
  return routers_[runtime::Shard::current()->index()]->handle(request);
}

Assembly::Assembly(Settings wanted, BotFactory factory, App::Options options)
    : settings(std::move(wanted)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      descriptor_limit_(raise_descriptor_limit()),
      descriptors_(plan_descriptors(descriptor_limit_, settings.limits.connections)),
      shards(settings.listen.threads, clock),
      store_(store_of(options.storage, settings, clock, metrics)),
      storage(store_.storage),
      clients_(settings.limits.client_requests) {
  progress->watch(shards);
  make_connectors();
  make_runtime(std::move(factory), options.one_per_turn);
  make_edge(options.routes);
}

Assembly::~Assembly() {
  abort();
  // What is suspended goes while all that it refers to is alive; then the turns, for which coroutines of other shards
  // may wait; then sockets and timers; their contexts last.
  shards.abandon();
  runtime->abandon_turns();
  shards.abandon();
  metrics_server_.reset();
  server_.reset();
  connectors.clear();
  proactive.reset();
  shards.tear_down();
}

void Assembly::make_connectors() {
  connector::ConnectorOptions options;
  options.in_flight = settings.connector.in_flight;
  options.connections = descriptors_.outgoing / shards.size();
  options.waiting = settings.limits.connector_waiting;
  options.hosts = settings.limits.connector_hosts;
  options.connect_timeout = settings.connector.connect_timeout;
  options.request_timeout = settings.connector.request_timeout;
  options.attempt_delay = settings.connector.attempt_delay;
  options.connection_lifetime = settings.connector.connection_lifetime;
  options.longest_retry_after = settings.limits.retry_after;
  options.nameservers = nameservers(settings.connector);
  options.loopback_only = loopback_only(settings);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    connectors.push_back(
        std::make_unique<connector::ConnectorClient>(shards[i].io(), shards[i].wheel(), clock, metrics, options));
  }
}

void Assembly::make_runtime(BotFactory factory, bool one_per_turn) {
  const std::string bot = settings.bot.app_id.empty() ? local_bot : settings.bot.app_id;
  std::vector<std::unique_ptr<detail::TurnEnvironment>> environments;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    environments.push_back(std::make_unique<detail::TurnEnvironment>(bot, *connectors[i], storage, clock));
    environments.back()->send_timeout = settings.connector.request_timeout;
  }
  runtime = std::make_unique<runtime::Runtime>(
      shards, [this, factory = std::move(factory)] { return factory(*context_); },
      runtime_options(settings, one_per_turn), std::move(environments), clock, metrics);
  proactive = std::make_unique<proactive::ProactiveService>(shards, *runtime, settings.proactive.enabled,
                                                            scheduler_options(settings), clock, metrics,
                                                            send_limits(settings.send_limits));
  poster = std::make_unique<RuntimePoster>(*runtime, shards, *proactive, clock);
  context_ = std::make_unique<BotContext>(BotContext{settings, metrics, *proactive, storage, clock, *poster});
  runtime->begin();
}

void Assembly::make_edge(const Routes& routes) {
  const bool private_port = settings.metrics.port.has_value();
  readiness_ = std::make_unique<ReadyEndpoint>([this, private_port] { return why_not_ready(private_port); });
  figures_ = std::make_unique<MetricsEndpoint>(metrics);
  metrics.counter_from("tern_log_lines_dropped_total",
                       "Lines of the log that were dropped: nobody read them, or they could not be written.",
                       [] { return static_cast<double>(log::dropped()); });
  add_process_figures(metrics);
  const auto add_health = [this](http::Router& router) {
    router.add(http::Method::get, "/healthz", health_);
    router.add(http::Method::get, "/readyz", *readiness_);
    router.add(http::Method::get, "/metrics", *figures_);
  };
  if (!settings.proactive.secret.empty()) {
    proactive_paths_ =
        std::make_unique<ProactiveEndpoint>(*proactive, clients_, clock, settings.proactive.secret,
                                            [only_here = loopback_only(settings)](std::string_view text) {
                                              const auto url = connector::parse_service_url(text);
                                              return url && (!only_here || connector::is_loopback(*url));
                                            });
  }
  own_routes_ = std::make_unique<OwnRoutes>(routes, *context_);
  std::vector<http::ServerShard> edges;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    messages_.push_back(std::make_unique<MessagesEndpoint>(*runtime, clients_, i, loopback_only(settings)));
    routers_.push_back(std::make_unique<http::Router>());
    routers_.back()->add(http::Method::post, "/api/messages", *messages_.back());
    if (proactive_paths_) {
      routers_.back()->add_below("/proactive", *proactive_paths_);
    }
    if (!settings.metrics.port) {
      add_health(*routers_.back());
    }
    own_routes_->add_to(*routers_.back());
    edges.push_back({shards[i].io(), shards[i].wheel()});
  }
  handler_ = std::make_unique<ShardRouters>(routers_);
  server_ = std::make_unique<http::Server>(edges, *handler_, server_limits(settings, descriptors_), clock, metrics);
  server_->serve_hosts(served_hosts(settings.listen.address, settings.listen.hosts));
  if (settings.metrics.port) {
    metrics_router_ = std::make_unique<http::Router>();
    add_health(*metrics_router_);
    metrics_server_ = std::make_unique<http::Server>(std::vector<http::ServerShard>{edges.front()}, *metrics_router_,
                                                     metrics_limits(settings, descriptors_), clock, metrics);
    metrics_server_->serve_hosts(served_hosts(settings.metrics.address, settings.listen.hosts));
  }
}

// The store's own words name its address or folder, which is nothing for strangers.
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
  co_await proactive->start(by);
}

awaitable<void> Assembly::give_up(Deadline by) {
  if (opened_) {
    co_await proactive->drain(by);
    co_await close(by);
  }
}

void Assembly::listen() {
  server_->listen(settings.listen.address, settings.listen.port);
  if (metrics_server_) {
    metrics_server_->listen(settings.metrics.address, *settings.metrics.port);
    metrics_server_->start();
  }
  watchdog_ = std::make_unique<runtime::StallWatchdog>(shards, metrics);
  ready_.store(true, std::memory_order_release);
  server_->start();
}

// Whatever the level: with port 0 nothing else says where the bot is.
void Assembly::announce() const {
  const auto traits = storage.traits();
  log::detail::write_always(log::Level::info, "serving",
                            {{"address", settings.listen.address},
                             {"port", port()},
                             {"metrics_port", metrics_port()},
                             {"threads", shards.size()},
                             {"storage", traits.name},
                             {"storage_place", place_of(settings)},
                             {"proactive", settings.proactive.enabled}});
  if (descriptors_.connections < settings.limits.connections) {
    log::warn("fewer connections than limits.connections are taken, for each needs a descriptor; raise ulimit -n",
              {{"limits.connections", settings.limits.connections},
               {"connections", descriptors_.connections},
               {"descriptors", descriptor_limit_}});
  }
  if (!traits.durable) {
    log::warn("state and scheduled sends are kept in memory only and end with this process",
              {{"storage", traits.name}});
  }
  if (settings.bot.app_id.empty() && settings.bot.allow_anonymous) {
    log::warn("bot.allow_anonymous is on: anybody who reaches this address can speak to the bot");
  }
}

awaitable<bool> Assembly::drain() {
  say_not_ready();
  if (settings.drain.delay.count() > 0) {
    // A balancer that goes by /readyz, or by a list that is changed elsewhere, sends here until it has noticed.
    progress->enter(StopPhase::delay);
    co_await sleep_for(settings.drain.delay, clock);
  }
  const auto by = Deadline::after(settings.drain.deadline, clock);
  server_->stop_accepting();
  // Sends that are under way are given the last part of it: a turn that hangs must not be what doubles them.
  const auto kept = std::min<SteadyTime::duration>(std::chrono::seconds(5), by.remaining(clock) / 3);
  const auto by_turns = by.min(Deadline::after(by.remaining(clock) - kept, clock));
  progress->enter(StopPhase::turns);
  bool clean = co_await runtime->drain_turns(by_turns);
  progress->enter(StopPhase::background);
  const bool background = co_await runtime->drain_background(by_turns);
  progress->enter(StopPhase::senders);
  const bool sends = co_await proactive->drain(by);
  progress->enter(StopPhase::answers);
  const bool answered = co_await server_->drain(by);
  clean = clean && background && sends && answered;
  // What cannot wait any longer still gets a moment: slots and storage are given back even when turns were cut.
  const auto last =
      Deadline::after(std::max<SteadyTime::duration>(by.remaining(clock), std::chrono::seconds(2)), clock);
  const bool closed = co_await close(last);
  co_return clean&& closed;
}

// A store that ends with the process takes promises with it: whoever reads the log is to know how many.
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

std::uint16_t Assembly::port() const {
  return server_->port();
}

std::uint16_t Assembly::metrics_port() const {
  return metrics_server_ ? metrics_server_->port() : port();
}

}  // namespace tern::app
