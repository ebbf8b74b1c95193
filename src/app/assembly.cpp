#include "app/assembly.hpp"

#include "app/bot_credentials.hpp"
#include "app/bot_keys.hpp"
#include "app/chat_page.hpp"
#include "app/credential_keys.hpp"
#include "app/destinations.hpp"
#include "app/direct_line_keys.hpp"
#include "app/edge_rules.hpp"
#include "app/own_parts.hpp"
#include "app/part_options.hpp"
#include "app/process_figures.hpp"
#include "app/token_authenticator.hpp"
#include "async/log_last.hpp"
#include "direct_line/shared_sender.hpp"
#include "http/describe.hpp"
#include "http/unix_socket_file.hpp"
#include "net/nameservers.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>

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

http::ServerLimits server_limits(const Settings& settings, const DescriptorPlan& descriptors) {
  http::ServerLimits limits;
  limits.connections = descriptors.connections;
  limits.refusals = descriptors.refusals;
  limits.gone = settings.limits.turns;
  limits.closing_time = std::min(limits.closing_time, settings.drain.deadline / 4);
  limits.body = settings.limits.body;
  limits.header = settings.limits.header;
  limits.header_timeout = settings.limits.header_timeout;
  limits.body_timeout = settings.limits.body_timeout;
  limits.idle_timeout = settings.limits.idle_timeout;
  return limits;
}

std::vector<boost::asio::ip::udp::endpoint> nameservers(const ConnectorSettings& settings) {
  auto servers = net::parse_nameservers(settings.nameservers);
  if (!servers) {
    throw ConfigError("connector.nameservers is \"" + settings.nameservers +
                      "\", which is not a list of IP addresses separated by commas");
  }
  return std::move(*servers);
}

http::ServerLimits metrics_limits(const Settings& settings, const DescriptorPlan& descriptors) {
  auto limits = server_limits(settings, descriptors);
  limits.connections = std::min(limits.connections, descriptors.metrics_connections);
  limits.refusals = std::min(limits.refusals, descriptors.metrics_connections);
  return limits;
}

http::TrustedProxies trusted_proxies(const ListenSettings& listen) {
  check_trusted_proxies(listen);
  return http::TrustedProxies::parse(listen.trusted_proxies).value();
}

// A web page in a browser of this machine can reach a listener on loopback, by a name of its own (DNS rebinding). So
// only known hosts are served.
http::ServedHosts served_hosts(const std::string& address, const std::string& listed) {
  auto names = http::parse_host_list(listed);
  if (!names) {
    throw ConfigError("listen.hosts is \"" + listed + "\", which is not a list of names separated by commas");
  }
  error_code no_address;                                   // `listen` reports it
  const bool file = http::unix_path(address).has_value();  // no browser reaches it
  if (!file && asio::ip::make_address(address, no_address).is_loopback()) {
    return http::ServedHosts::loopback_and(std::move(*names));
  }
  return names->empty() ? http::ServedHosts() : http::ServedHosts::addresses_and(std::move(*names));
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
      channels(std::move(options.channels)),
      clients_(settings.limits.client_requests) {
  progress->watch(shards);
  make_credentials(options.credentials);
  make_connectors(options.authenticator != nullptr);
  make_own_senders(options.channel_sender);
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
  certificate_.reset();
  metrics_server_.reset();
  server_.reset();
  callers_.reset();
  channels.clear_senders();
  direct_line.reset();
  own_senders.clear();
  connectors.clear();
  credentials.reset();
  proactive.reset();
  shards.tear_down();
}

void Assembly::make_credentials(const CredentialFactory& factory) {
  const CredentialContext context{settings, metrics, clock};
  if (factory) {
    credentials = make_own_credentials(factory, context);
    credentials_name_ = "the bot's own";
  } else if (const char* kind = credential_kind(settings.bot)) {
    credentials = bot_credentials(settings.bot, context);
    credentials_name_ = kind;
  }
}

// So that a credential that is refused is told at the start, and the first send need not wait. The bot's own
// credentials are asked by sends alone.
void Assembly::ask_for_first_token() noexcept {
  if (credential_kind(settings.bot) != credentials_name_) {
    return;
  }
  try {
    (void)credentials->token({});
  } catch (...) {  // the first send says it again
  }
}

void Assembly::make_connectors(bool has_authenticator) {
  connector::ConnectorOptions options;
  options.credentials = credentials.get();
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
  set_destinations(options, settings.bot, has_authenticator);
  destinations_ = options.allowed_hosts != nullptr ? Destinations::listed
                  : options.loopback_only          ? Destinations::this_machine
                                                   : Destinations::any;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    connectors.push_back(
        std::make_unique<connector::ConnectorClient>(shards[i].io(), shards[i].wheel(), clock, metrics, options));
  }
}

void Assembly::make_own_senders(const ChannelSenderFactory& factory) {
  if (!factory) {
    return;
  }
  for (std::size_t i = 0; i < shards.size(); ++i) {
    own_senders.push_back(make_own_sender(factory, {settings, metrics, clock, shards[i].ex(), *connectors[i]}));
  }
}

void Assembly::make_direct_line() {
  if (!settings.direct_line.enabled) {
    return;
  }
  auto options = direct_line_options(settings, settings.bot.app_id.empty() ? local_bot : settings.bot.app_id);
  direct_line = std::make_unique<direct_line::DirectLine>(std::move(options), storage, clock, metrics);
  channels.add({std::string(direct_line::service_url), [this](const SenderContext&) -> std::unique_ptr<ChannelSender> {
                  return std::make_unique<direct_line::SharedSender>(direct_line->sender());
                }});
}

void Assembly::make_channels() {
  for (std::size_t i = 0; i < shards.size() && !channels.empty(); ++i) {
    channels.make_senders({settings, metrics, clock, shards[i].ex(), *connectors[i]}, sender_over_network(i));
  }
}

ChannelSender& Assembly::sender_of(std::size_t shard) noexcept {
  return channels.empty() ? sender_over_network(shard) : channels.sender(shard);
}

ChannelSender& Assembly::sender_over_network(std::size_t shard) noexcept {
  return own_senders.empty() ? static_cast<ChannelSender&>(*connectors[shard]) : *own_senders[shard];
}

void Assembly::make_callers(const AuthenticatorFactory& factory) {
  if (factory) {
    callers_ = std::make_unique<Callers>(make_own_authenticator(factory, *context_), clock, metrics);
  } else if (!settings.bot.app_id.empty()) {
    callers_ =
        std::make_unique<Callers>(std::make_unique<TokenAuthenticator>(settings, clock, metrics), clock, metrics);
  }
}

void Assembly::make_runtime(BotFactory factory, bool one_per_turn, bool checks_callers) {
  const std::string bot = settings.bot.app_id.empty() ? local_bot : settings.bot.app_id;
  std::vector<std::unique_ptr<detail::TurnEnvironment>> environments;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    environments.push_back(std::make_unique<detail::TurnEnvironment>(bot, sender_of(i), storage, clock));
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
  if (direct_line) {
    direct_line->set_bot(channels.at(direct_line::service_url));
  }
  context_ = std::make_unique<BotContext>(BotContext{settings, metrics, *proactive, storage, clock, *poster, channels});
  runtime->begin();
}

void Assembly::add_health(http::Router& router) {
  router.add(http::Method::get, "/healthz", health_);
  router.add(http::Method::get, "/readyz", *readiness_);
  router.add(http::Method::get, "/metrics", *figures_);
}

// Makes the router of a shard.
void Assembly::add_endpoints(std::size_t shard) {
  messages_.push_back(
      std::make_unique<MessagesEndpoint>(*runtime, clients_, shard, destinations_ == Destinations::this_machine));
  if (!own_senders.empty()) {
    messages_.back()->ask(*own_senders[shard], "This bot does not send to the serviceUrl of the activity.");
  } else if (destinations_ == Destinations::listed) {
    messages_.back()->ask(*connectors[shard],
                          "This bot does not send to the host of the activity's serviceUrl. Name the host in "
                          "bot.allowed_hosts if it is trusted, with http:// before it if it has no TLS.");
  }
  if (callers_) {
    messages_.back()->ask(*callers_);
  }
  auto& router = *routers_.emplace_back(std::make_unique<http::Router>());
  router.add(http::Method::post, "/api/messages", *messages_.back());
  if (proactive_paths_) {
    router.add_below("/proactive", *proactive_paths_);
  }
  if (direct_line) {
    router.add_below(std::string(direct_line::root_path), direct_line->endpoint());
  }
  if (chat_page_) {
    chat_page_->add_to(router);
  }
  if (!settings.metrics.port) {
    add_health(router);
  }
  own_routes_->add_to(router);
}

void Assembly::make_servers() {
  std::vector<http::ServerShard> edges;
  edges.reserve(shards.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    edges.push_back({shards[i].io(), shards[i].wheel()});
  }
  handler_ = std::make_unique<ShardRouters>(routers_);
  auto limits = server_limits(settings, descriptors_);
  if (direct_line) {
    limits.large_bodies = std::make_shared<const http::LargeBodies>(http::LargeBodies{
        direct_line->largest_body(), [this](const http::HttpRequest& head) { return direct_line->body_of(head); }});
  }
  server_ = std::make_unique<http::Server>(edges, *handler_, std::move(limits), clock, metrics);
  server_->serve_hosts(served_hosts(settings.listen.address, settings.listen.hosts));
  server_->trust(trusted_proxies(settings.listen));
  if (!settings.listen.certificate.empty()) {
    make_certificate();
  }
  if (settings.metrics.port) {
    metrics_router_ = std::make_unique<http::Router>();
    add_health(*metrics_router_);
    metrics_server_ = std::make_unique<http::Server>(std::vector<http::ServerShard>{edges.front()}, *metrics_router_,
                                                     metrics_limits(settings, descriptors_), clock, metrics);
    metrics_server_->serve_hosts(served_hosts(settings.metrics.address, settings.listen.hosts));
  }
}

void Assembly::make_certificate() {
  try {
    certificate_ = std::make_unique<CertificateWatch>(
        http::CertificateFiles{settings.listen.certificate, settings.listen.certificate_key},
        [this](auto context) { server_->serve_tls(std::move(context)); }, shards[0].ex(), clock, metrics);
  } catch (const system_error& e) {
    throw ConfigError(message_of(e));
  }
}

void Assembly::make_edge(const Routes& routes) {
  const bool private_port = settings.metrics.port && is_of_this_machine(settings.metrics.address);
  readiness_ = std::make_unique<ReadyEndpoint>([this, private_port] { return why_not_ready(private_port); });
  figures_ = std::make_unique<MetricsEndpoint>(metrics);
  metrics.counter_from("tern_log_lines_dropped_total",
                       "Lines of the log that were dropped: nobody read them, or they could not be written.",
                       [] { return static_cast<double>(log::dropped()); });
  add_process_figures(metrics);
  if (!settings.proactive.secret.empty()) {
    proactive_paths_ = std::make_unique<ProactiveEndpoint>(
        *proactive, clients_, clock, settings.proactive.secret,
        [this](std::string_view text) { return sender_of(runtime::Shard::current()->index()).sends_to(text); });
  }
  if (direct_line) {
    chat_page_ = make_chat_page(settings, routes, [this] { return direct_line->tokens(); }, clock);
  }
  own_routes_ = std::make_unique<OwnRoutes>(routes, *context_);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    add_endpoints(i);
  }
  make_servers();
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
  if (direct_line) {
    co_await direct_line->open(shards[0].ex(), by);
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
  constexpr int octal = 8;
  server_->listen(settings.listen.address, settings.listen.port,
                  static_cast<mode_t>(std::stoul(settings.listen.mode, nullptr, octal)));
  if (metrics_server_) {
    metrics_server_->listen(settings.metrics.address, *settings.metrics.port);
    metrics_server_->start();
  }
  ask_for_first_token();
  if (certificate_) {
    asio::co_spawn(shards[0].ex(), certificate_->run(), [](const std::exception_ptr& error) {
      if (error) {
        log::error("the files of the certificate are not looked at any more", {{"error", http::describe(error)}});
      }
    });
  }
  watchdog_ = std::make_unique<runtime::StallWatchdog>(shards, metrics);
  ready_.store(true, std::memory_order_release);
  server_->start();
}

void Assembly::reload_certificate() {
  if (certificate_) {
    certificate_->look_now();
  }
}

// Logged at any level, because with port 0 only this line says which port the bot has.
void Assembly::announce() const {
  const auto traits = storage.traits();
  log::detail::write_always(log::Level::info, "serving",
                            {{"address", settings.listen.address},
                             {"port", port()},
                             {"metrics_port", metrics_port()},
                             {"tls", certificate_ != nullptr},
                             {"threads", shards.size()},
                             {"storage", traits.name},
                             {"storage_place", place_of(settings)},
                             {"proactive", settings.proactive.enabled},
                             {"authenticator", callers_ ? callers_->name() : "none"},
                             {"credentials", credentials_name_}});
  if (descriptors_.connections < settings.limits.connections) {
    log::warn(
        "fewer connections than limits.connections are accepted, because each needs a descriptor; raise ulimit -n",
        {{"limits.connections", settings.limits.connections},
         {"connections", descriptors_.connections},
         {"descriptors", descriptor_limit_}});
  }
  if (!traits.durable) {
    log::warn("state and scheduled sends are kept in memory only and end with this process",
              {{"storage", traits.name}});
  }
  for (const auto& danger : dangers_at_the_edge(settings, callers_ && !callers_->checks_tokens())) {
    log::warn(danger);
  }
  announce_callers();
  announce_credentials();
}

// Whether those whom the bot writes to believe it.
void Assembly::announce_credentials() const {
  if (!credentials && !settings.bot.app_id.empty()) {
    log::warn(
        "the bot has an app id and no credential, so that it sends without a token, and channels of Azure refuse "
        "what it posts; set bot.app_password or another credential");
  }
}

// Whom the bot believes.
void Assembly::announce_callers() const {
  const auto& bot = settings.bot;
  if (bot.allow_anonymous && callers_) {
    log::warn("bot.allow_anonymous is on, but callers are checked all the same; leave it out",
              {{"authenticator", callers_->name()}});
  } else if (bot.allow_anonymous) {
    log::warn("bot.allow_anonymous is on: anybody who reaches this address can speak to the bot");
  } else if (!callers_ && (!settings.listen.hosts.empty() || !settings.listen.trusted_proxies.empty())) {
    log::warn(
        "callers are not checked, and a proxy seems to bring them: whoever reaches the proxy can speak to the bot; set "
        "bot.app_id");
  }
  if (callers_ && callers_->checks_tokens()) {
    log::info("the tokens of callers are checked", {{"app_id", bot.app_id},
                                                    {"further_app_ids", bot.further_app_ids},
                                                    {"cloud", bot.cloud},
                                                    {"tenant_id", bot.tenant_id},
                                                    {"allowed_tenants", bot.allowed_tenants},
                                                    {"allowed_callers", bot.allowed_callers},
                                                    {"emulator", bot.allow_emulator}});
    announce_authority();
  } else if (callers_ && !bot.app_id.empty()) {
    log::info("bot.app_id is set, but the bot's own authenticator is asked, and Tern checks no token");
  }
}

// Whoever it names decides who may speak to the bot.
void Assembly::announce_authority() const {
  const auto& bot = settings.bot;
  if (!(bot.channel_issuer + bot.openid_url + bot.login_url + bot.sts_url).empty()) {
    log::info("an authority of the configuration's own is believed, in place of that of bot.cloud where it is named",
              {{"channel_issuer", bot.channel_issuer},
               {"openid_url", bot.openid_url},
               {"login_url", bot.login_url},
               {"sts_url", bot.sts_url}});
  }
}

awaitable<bool> Assembly::drain() {
  say_not_ready();
  if (settings.drain.delay.count() > 0) {
    // A load balancer sends requests to this process until it has noticed, by /readyz or in another way.
    progress->enter(StopPhase::delay);
    co_await sleep_for(settings.drain.delay, clock);
  }
  const auto by = Deadline::after(settings.drain.deadline, clock);
  server_->stop_accepting();
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
  const bool answered = co_await server_->drain(by);
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
  if (direct_line) {
    const bool ended = co_await direct_line->close(by);
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

std::uint16_t Assembly::port() const {
  return server_->port();
}

std::uint16_t Assembly::metrics_port() const {
  return metrics_server_ ? metrics_server_->port() : port();
}

}  // namespace tern::app
