#pragma once

#include "async/timing_wheel.hpp"
#include "net/allowed_hosts.hpp"
#include "net/proxies.hpp"
#include "schema/version.hpp"

#include <tern/async/metrics.hpp>
#include <tern/turn/channel_sender.hpp>
#include <tern/turn/credential_provider.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tern::connector {

class ConnectorCore;

/// The bounds of a `ConnectorClient`. A count of zero means 1, and a time of zero means "at once". A time is at most a
/// day.
struct ConnectorOptions {
  /// The most connections to one host from this client, and so the most requests under way to it.
  std::size_t in_flight = 64;
  /// The most connections to all hosts together. Hosts that have never answered may have three quarters of them. When
  /// all are in use, a kept connection is closed; if there is none, the request waits, and the hosts take turns.
  std::size_t connections = 1'000'000;
  /// The most requests that wait for one host; one more fails with `errc::overloaded`.
  std::size_t waiting = 10'000;
  /// The most hosts that are remembered. For one more, the host that was unused for longest is forgotten, first among
  /// the hosts that have never answered. Three quarters of the hosts may be busy without ever having answered. When no
  /// host can be forgotten, the request fails with `errc::overloaded`.
  std::size_t hosts = 10'000;
  /// The time for name resolution, all addresses of the host and the TLS handshake together.
  std::chrono::milliseconds connect_timeout{5'000};
  /// The time after which the next address of a host is tried beside the last one (RFC 8305). It is shorter when
  /// `connect_timeout` would not be enough for all addresses.
  std::chrono::milliseconds attempt_delay{250};
  /// The time for a whole call: waiting for a connection, connecting, writing, and the answer.
  std::chrono::milliseconds request_timeout{15'000};
  /// How long an unused connection is kept; shorter when the channel's Keep-Alive says so. It should be below 5 s,
  /// after which Node's server closes by default.
  std::chrono::milliseconds idle_timeout{4'000};
  /// The longest time for which a busy connection is used; each is closed up to an eighth earlier. The next connection
  /// goes to the addresses that the host's name has by then.
  std::chrono::milliseconds connection_lifetime{300'000};
  /// The longest Retry-After. A longer one counts as this.
  std::chrono::milliseconds longest_retry_after{3'600'000};
  /// The most bytes of an answer's body.
  std::size_t response_body = 1024 * 1024;
  /// Refuse every serviceUrl except localhost, 127.0.0.0/8 and [::1].
  bool loopback_only = true;
  /// The hosts that the client may send to; nullptr for all that `loopback_only` leaves. With a list, an address of a
  /// host must be allowed by it, too, each time that the host's name is resolved.
  std::shared_ptr<const net::AllowedHosts> allowed_hosts;
  /// Which https hosts are reached through a tunnel of a proxy; nullptr for none. The proxy resolves the names of these
  /// hosts, so `allowed_hosts` judges their names alone. Hosts without TLS are reached straight.
  std::shared_ptr<const net::Proxies> proxies;
  /// Gives the tokens that requests carry. nullptr: requests carry none. No request over http carries one, and
  /// none after a redirect to another origin. Lifetime: it outlives the calls of the client.
  CredentialProvider* credentials = nullptr;
  std::string user_agent = std::string("tern/") + version + " Microsoft-BotFramework/3.1";
  /// Check the certificate of an https service and its host name against the system's trust store.
  bool verify_tls = true;
  /// The name servers to ask. Empty: the name servers of `resolv_conf`.
  std::vector<asio::ip::udp::endpoint> nameservers;
  std::string resolv_conf = "/etc/resolv.conf";
};

/// Calls the connector API v3 of channels over HTTP/1.1, and keeps connections. Each shard has its own client.
///
/// A request is written once. When the connection fails after the kernel has taken a byte of the request, the request
/// is not written again: POST is not idempotent, and the channel may have acted on it. The call fails with
/// `AmbiguousSend` then, and the caller decides whether a duplicate is worse than a loss. A connection that is found
/// closed before the write is replaced.
///
/// **Tokens.** With `credentials` a request over https carries a token of the bot that sends. A token that is known
/// costs a copy of its text. Otherwise the call waits for it, within its own deadline, before it takes a connection. A
/// 401 means that the channel has not taken the message. So when `credentials` has another token then, the request is
/// written once more with that one; the answer to it is the answer of the call. Where another bot has brought the
/// conversation, as the activity's `callerId` or the reference's `trust` says, the token is for that bot alone: with
/// one for channels it could speak to them as this bot. The `callerId` is not sent.
///
/// Lifetime: the wheel, clock and metrics outlive the client; the io_context outlives all four. Calls under way when
///   the client is destroyed end with `operation_aborted`.
/// Thread safety: none; a client belongs to the thread that runs `io`.
/// Cancellation: terminal cancellation closes the connection of the call and throws `operation_aborted`; the channel
/// may
///   have received the request.
/// Errors: as `ChannelSender`; `errc::invalid_argument` when an id is missing, or is "." or "..", which no URL can have
///   (such a `replyToId` is left out of the URL instead); `errc::address_refused` when all addresses of the host are
///   such that `allowed_hosts` does not allow them; `errc::shutting_down` once `drain` has begun; `NoToken` when
///   `credentials` has no token for the bot.
class ConnectorClient final : public ChannelSender {
 public:
  ConnectorClient(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics, ConnectorOptions options);
  ~ConnectorClient() override;
  ConnectorClient(const ConnectorClient&) = delete;
  ConnectorClient& operator=(const ConnectorClient&) = delete;

  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) override;
  awaitable<ResourceResponse> send_if(const Activity& activity, std::string request_id, Deadline by,
                                      std::function<bool()> may_begin) override;
  awaitable<ResourceResponse> update(const Activity& activity, Deadline by) override;
  awaitable<void> remove(const ConversationReference& reference, Deadline by) override;
  awaitable<ConversationResourceResponse> create_conversation(std::string service_url,
                                                              ConversationParameters parameters, Deadline by) override;
  /// False for a malformed serviceUrl, with `loopback_only` for another machine, and for a host that `allowed_hosts`
  /// does not allow.
  bool sends_to(std::string_view service_url) const noexcept override;

  /// Refuses new calls and waits for the calls under way, at most until `by`. True when none is left.
  awaitable<bool> drain(Deadline by);

  /// The number of open connections to all hosts, used and kept.
  std::size_t connections() const noexcept;

 private:
  std::shared_ptr<ConnectorCore> core_;  // the calls under way share it
};

}  // namespace tern::connector
