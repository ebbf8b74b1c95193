#pragma once

#include "app/destinations.hpp"
#include "connector/connector_client.hpp"
#include "runtime/shard.hpp"

#include <tern/app/app.hpp>
#include <tern/async/metrics.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace tern::app {

/// What sends for the bot over the network, on each shard: Tern's connector, with the credentials that it shows, and
/// the bot's own sender if it has one.
///
/// Lifetime: the arguments of the constructor outlive it, but for the options.
class NetworkSenders {
 public:
  /// `connections`: the most to channels, for all shards together.
  /// Errors: `ConfigError`, and those of the factories.
  NetworkSenders(const Settings& settings, const AppOptions& options, std::size_t connections,
                 runtime::ShardPool& shards, Metrics& metrics, Clock& clock);

  /// The sender of a shard: the bot's own, or the connector.
  ChannelSender& of(std::size_t shard) noexcept;
  /// Tern's own sender of a shard.
  connector::ConnectorClient& connector(std::size_t shard) noexcept { return *connectors_[shard]; }
  /// Whether the bot has senders of its own.
  bool are_own() const noexcept { return !own_.empty(); }
  /// Where the connector sends to.
  Destinations destinations() const noexcept { return destinations_; }

  /// Whose credentials are shown, for the log: "none" when there are none.
  const char* credentials_name() const noexcept { return credentials_name_; }
  bool have_credentials() const noexcept { return credentials_ != nullptr; }
  /// Asks for a token, so that a credential that is refused is told at the start, and the first send need not wait. The
  /// bot's own credentials are asked by sends alone.
  void ask_for_first_token() noexcept;

 private:
  void make_credentials(const CredentialFactory& factory, Metrics& metrics, Clock& clock);
  connector::ConnectorOptions connector_options(bool has_authenticator, std::size_t connections);

  const Settings& settings_;
  std::unique_ptr<CredentialProvider> credentials_;  // nullptr when the bot shows no tokens
  const char* credentials_name_ = "none";
  Destinations destinations_ = Destinations::this_machine;
  std::vector<std::unique_ptr<connector::ConnectorClient>> connectors_;
  std::vector<std::unique_ptr<ChannelSender>> own_;  // empty without them
};

}  // namespace tern::app
