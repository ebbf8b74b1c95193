#pragma once

#include "connector/connector_client.hpp"
#include "connector/connector_figures.hpp"
#include "connector/request_text.hpp"
#include "connector/service_url.hpp"
#include "net/client_core.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::connector {

using net::Answer;
using net::Exchange;
using net::Host;

class ConnectorCore;

/// Whose token a request carries, and for whom. Lifetime: the views outlive the call.
struct TokenFor {
  std::string_view bot;     ///< the account of the bot that sends
  std::string_view caller;  ///< the app id of the bot that it answers; "" when it writes to a channel
};

/// One call of the client.
class Call : public net::ClientCall {
 public:
  /// Errors: `errc::shutting_down` once the client drains.
  Call(std::shared_ptr<ConnectorCore> core, Deadline by, std::function<bool()> may_begin = {});
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// The JSON object of the answer; empty when the answer has none.
  json::object answer() const;

 private:
  friend class ConnectorCore;
  ConnectorCore& connector_;
  Deadline asked_by_;                ///< the caller's own deadline
  std::function<bool()> may_begin_;  ///< is asked before the request is written; empty means yes
  RequestText request_;
  std::string_view bot_;                                 ///< the account of the bot that sends, in the caller's object
  std::string scope_;                                    ///< what its token is for; "" for a channel
  std::shared_ptr<const AccessToken> token_;             ///< that the request carries; nullptr without one
  awaitable<std::shared_ptr<const AccessToken>> later_;  ///< valid while the token has to be waited for
  bool renewed_ = false;                                 ///< the request carries a second token
};

/// The implementation of `ConnectorClient`.
class ConnectorCore final : public net::ClientCore {
 public:
  ConnectorCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics, ConnectorOptions options);

  /// Finds the host of `service_url`, asks for the token, and writes the text of the request. `host`, `base_path` and
  /// `authorization` of `parts` are set here.
  /// Errors: `errc::service_url_refused`, `errc::invalid_argument`, `errc::overloaded` (no more hosts), `NoToken`.
  void prepare(Call& call, std::string_view service_url, TokenFor token, RequestParts parts);

  /// Sends the request and waits for the answer; throws unless it is a success. `call` lives in the caller's frame.
  awaitable<void> perform(Call& call);

  bool sends_to(std::string_view service_url) const noexcept;
  /// Whether a request may carry a token.
  bool shows_tokens() const noexcept { return options_.credentials != nullptr; }

 private:
  friend class Call;
  struct Checked {};
  ConnectorCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics, ConnectorOptions options,
                Checked checked);

  /// Where the requests of a serviceUrl go.
  struct Target {
    Host* host = nullptr;
    std::string_view base_path;
    bool may_see_token = false;
  };
  /// The serviceUrl that was allowed last. Most activities of a bot have the same one, and what is allowed does not
  /// change.
  struct LastUrl {
    std::string url;  ///< its memory is never given back
    Target target;    ///< has no host until a call goes there, and once the host is forgotten; `base_path` is in `url`
  };

  /// `call` fails when no request can go there.
  Target target_of(const Call& call, std::string_view service_url);
  /// False when the URL is too long.
  bool remember(std::string_view service_url) const noexcept;
  void forgets(const Host& host) noexcept override;
  Host& host_for(const Call& call, const ServiceUrl& url);
  void require_allowed(const Call& call, const ServiceUrl& url);
  net::TlsSettings* tls_for(const ServiceUrl& url);

  [[noreturn]] void fail_to_connect(const net::ClientCall& call, Trouble trouble, const std::string& message) override;
  bool may_connect(const Host& host, const asio::ip::tcp::endpoint& where) const override;
  /// Counts the call and its duration.
  void count(const Call& call, Outcome outcome) noexcept;
  [[noreturn]] void fail(const Call& call, Outcome outcome, errc code, const std::string& message);
  [[noreturn]] void fail_exchange(const Call& call, const Exchange& exchange);
  bool follow_redirect(Call& call);
  bool shows_token_to(const ServiceUrl& url) const noexcept;
  void ask_for_token(Call& call, TokenFor token);
  void ask_for_token(Call& call);
  awaitable<void> wait_for_token(Call& call);
  bool has_refused_token(const Call& call);
  awaitable<void> renew_token(Call& call);
  [[noreturn]] void fail_without_token(const Call& call, const std::exception_ptr& error);
  void was_late(const Call& call);
  void finish(const Call& call, const Answer& answer);
  void warn_of_absurd_wait(const Call& call, const Answer& answer) const;

  std::string take_buffer();
  void give_buffer(std::string buffer) noexcept;

  ConnectorOptions options_;
  RequestWriter writer_;
  std::unique_ptr<net::TlsSettings> tls_;  // made for the first https service
  ConnectorFigures figures_;
  std::vector<std::string> buffers_;
  std::string origin_;  // its memory is used again for each look-up
  mutable LastUrl last_;
};

}  // namespace tern::connector
