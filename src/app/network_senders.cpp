#include "app/network_senders.hpp"

#include "app/credential_keys.hpp"
#include "app/own_parts.hpp"
#include "net/nameservers.hpp"

#include <utility>

namespace tern::app {

namespace {

std::vector<boost::asio::ip::udp::endpoint> nameservers(const ConnectorSettings& settings) {
  auto servers = net::parse_nameservers(settings.nameservers);
  if (!servers) {
    throw ConfigError("connector.nameservers is \"" + settings.nameservers +
                      "\", which is not a list of IP addresses separated by commas");
  }
  return std::move(*servers);
}

}  // namespace

NetworkSenders::NetworkSenders(const Settings& settings, const AppOptions& options, std::size_t connections,
                               runtime::ShardPool& shards, Metrics& metrics, Clock& clock)
    : settings_(settings) {
  make_credentials(options.credentials, metrics, clock);
  const auto wanted = connector_options(options.authenticator != nullptr, connections / shards.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    connectors_.push_back(
        std::make_unique<connector::ConnectorClient>(shards[i].io(), shards[i].wheel(), clock, metrics, wanted));
  }
  for (std::size_t i = 0; i < shards.size() && options.channel_sender; ++i) {
    own_.push_back(
        make_own_sender(options.channel_sender, {settings, metrics, clock, shards[i].ex(), *connectors_[i]}));
  }
}

ChannelSender& NetworkSenders::of(std::size_t shard) noexcept {
  return own_.empty() ? static_cast<ChannelSender&>(*connectors_[shard]) : *own_[shard];
}

void NetworkSenders::ask_for_first_token() noexcept {
  if (credential_kind(settings_.bot) != credentials_name_) {
    return;
  }
  try {
    (void)credentials_->token({});
  } catch (...) {  // the first send says it again
  }
}

void NetworkSenders::make_credentials(const CredentialFactory& factory, Metrics& metrics, Clock& clock) {
  const CredentialContext context{settings_, metrics, clock};
  if (factory) {
    credentials_ = make_own_credentials(factory, context);
    credentials_name_ = "the bot's own";
  } else if (const char* kind = credential_kind(settings_.bot)) {
    credentials_ = bot_credentials(settings_.bot, context);
    credentials_name_ = kind;
  }
}

// `connections`: the most of one shard.
connector::ConnectorOptions NetworkSenders::connector_options(bool has_authenticator, std::size_t connections) {
  connector::ConnectorOptions options;
  options.credentials = credentials_.get();
  options.in_flight = settings_.connector.in_flight;
  options.connections = connections;
  options.waiting = settings_.limits.connector_waiting;
  options.hosts = settings_.limits.connector_hosts;
  options.connect_timeout = settings_.connector.connect_timeout;
  options.request_timeout = settings_.connector.request_timeout;
  options.attempt_delay = settings_.connector.attempt_delay;
  options.connection_lifetime = settings_.connector.connection_lifetime;
  options.longest_retry_after = settings_.limits.retry_after;
  options.nameservers = nameservers(settings_.connector);
  destinations_ = set_destinations(options, settings_.bot, has_authenticator);
  return options;
}

}  // namespace tern::app
