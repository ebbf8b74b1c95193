#pragma once

#include <tern/async/metrics.hpp>
#include <tern/async/timing_wheel.hpp>
#include <tern/turn/channel_sender.hpp>

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

/// The bounds of a `ConnectorClient`. Zero is taken as 1 for the counts, and as "at once" for the times,
/// which are at most a day.
struct ConnectorOptions {
  /// Most connections, and so requests under way, to one host from this client.
  std::size_t in_flight = 64;
  /// Most connections to all hosts together, of which hosts that have never answered may have three quarters. When all
  /// are used, one that is kept unused is closed; else a request waits as one beyond `in_flight`, the hosts in turn.
  std::size_t connections = 1'000'000;
  /// Most requests that wait for one host; one more is `errc::overloaded`.
  std::size_t waiting = 10'000;
  /// Most hosts remembered. The one unused for longest is forgotten, of those that have never answered first; of these
  /// three quarters may be busy. When there is none to forget: `errc::overloaded`.
  std::size_t hosts = 10'000;
  /// For name resolution, all addresses of the host and the TLS handshake together.
  std::chrono::milliseconds connect_timeout{5'000};
  /// How long one address of a host has before the next is tried beside it (RFC 8305). Less where `connect_timeout`
  /// would not suffice for all addresses.
  std::chrono::milliseconds attempt_delay{250};
  /// For a call as a whole: waiting for a connection, making one, writing, and the answer.
  std::chrono::milliseconds request_timeout{15'000};
  /// How long an unused connection is kept; shorter when the channel's Keep-Alive says so. Below 5 s, after which
  /// Node's server closes by default.
  std::chrono::milliseconds idle_timeout{4'000};
  /// How long a connection is used, however busy it is, or up to an eighth less: the next one goes where the host's
  /// name leads by then.
  std::chrono::milliseconds connection_lifetime{300'000};
  /// The longest that a Retry-After may ask to wait; one that asks for more is taken to ask for this.
  std::chrono::milliseconds longest_retry_after{3'600'000};
  /// Most bytes of an answer's body.
  std::size_t response_body = 1024 * 1024;
  /// Refuse every serviceUrl but localhost, 127.0.0.0/8 and [::1].
  bool loopback_only = true;
  std::string user_agent = "tern/0.1.0 Microsoft-BotFramework/3.1";
  /// Check the certificate of an https service and its host name against the system's trust store.
  bool verify_tls = true;
  /// The name servers to ask; empty: those of `resolv_conf`.
  std::vector<asio::ip::udp::endpoint> nameservers;
  std::string resolv_conf = "/etc/resolv.conf";
};

/// The channels' connector API v3 over HTTP/1.1 with kept connections: one client for each shard.
///
/// A request is written once. When a kept connection fails after the kernel took a byte of it, the request is not
/// written again: POST is not idempotent, and the channel may have acted on it. That is `AmbiguousSend`, and the
/// caller knows whether a duplicate is worse than a loss. A connection that is found closed before that is replaced.
///
/// Lifetime: the wheel, clock and metrics outlive the client; the io_context outlives all four. Calls under way when
///   the client is destroyed end with `operation_aborted`.
/// Thread safety: none; a client belongs to the thread that runs `io`.
/// Cancellation: terminal cancellation closes the connection in use, gives the place back, throws
///   `operation_aborted`; the channel may have received the request.
/// Errors: as `ChannelSender`, and `errc::invalid_argument` (an id is missing, or is "." or "..", which no URL can
///   carry; a `replyToId` may be, and is then not in the URL), `errc::shutting_down` after `drain` began.
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
  /// False for what is no serviceUrl, and with `loopback_only` for what is not this machine.
  bool sends_to(std::string_view service_url) const noexcept override;

  /// Refuses new calls and waits for those under way, at most until `by`. True when none is left.
  awaitable<bool> drain(Deadline by);

  /// Open connections, used and kept, to all hosts.
  std::size_t connections() const noexcept;

 private:
  std::shared_ptr<ConnectorCore> core_;  // shared with the calls under way
};

}  // namespace tern::connector
