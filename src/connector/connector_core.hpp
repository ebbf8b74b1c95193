#pragma once

#include "connector/connector_client.hpp"
#include "connector/host.hpp"
#include "connector/request_text.hpp"
#include "connector/resolver.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tern::connector {

/// How a call is counted in `tern_connector_requests_total`. A cancelled call is not.
enum class Outcome { ok, rejected, ambiguous, unreachable, refused, timeout, overloaded };

class ConnectorCore;

/// One call of the client from its beginning to its end. Lives in the frame of the coroutine that serves it, and
/// keeps what it needs, so that a call may outlive the client that was destroyed under it.
class Call {
 public:
  /// Errors: `errc::shutting_down` once the client drains.
  Call(std::shared_ptr<ConnectorCore> core, Deadline by, std::function<bool()> may_begin = {});
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// The members of the answer's object; empty when it holds none.
  json::object answer() const;

 private:
  friend class ConnectorCore;
  std::shared_ptr<ConnectorCore> core_;
  Host* host_ = nullptr;
  SteadyTime began_;
  Deadline by_;
  Deadline asked_by_;                ///< the caller's own deadline
  std::function<bool()> may_begin_;  ///< asked before it is written; empty: it may
  RequestText request_;
  Lease lease_;
};

/// What a `ConnectorClient` consists of.
class ConnectorCore : public std::enable_shared_from_this<ConnectorCore> {
 public:
  ConnectorCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics, ConnectorOptions options);

  /// Finds the host of `service_url` and writes the request, whose `host` and `base_path` are filled in here.
  /// Errors: `errc::service_url_refused`, `errc::invalid_argument`, `errc::overloaded` (no more hosts).
  void prepare(Call& call, std::string_view service_url, RequestParts parts);

  /// Sends the request and waits for an answer of success. The caller's frame holds `call`.
  awaitable<void> perform(Call& call);

  awaitable<bool> drain(Deadline by);

  /// Ends everything; the wheel, the clock and the metrics are not used afterwards.
  void abort() noexcept;

  bool sends_to(std::string_view service_url) const noexcept;
  std::size_t connections() const noexcept { return open_.count; }

 private:
  friend class Call;
  enum class Phase { before_writing, after_writing };

  Host& host_for(const Call& call, const ServiceUrl& url);
  void make_room(const Call& call);
  bool forget_idle(boost::intrusive::list<Host>& idle);
  void may_be_idle(Host& host) noexcept;
  TlsSettings* tls_for(const ServiceUrl& url);

  awaitable<void> wait_for_place(Call& call);
  awaitable<void> connect(Call& call);
  awaitable<void> resolve(Call& call, Deadline by);
  void start_resolving(Host& host);
  void resolved(Host& host, Resolution resolution) noexcept;
  [[noreturn]] void fail_unresolved(const Call& call);

  void throw_if_aborted(error_code error) const;
  /// Counts the call, and how long it has taken.
  void count(const Call& call, Outcome outcome) noexcept;
  [[noreturn]] void fail(const Call& call, Outcome outcome, errc code, const std::string& message);
  [[noreturn]] void fail_exchange(const Call& call, const Exchange& exchange);
  bool follow_redirect(Call& call);
  void move_to(Call& call, Host& host) noexcept;
  void was_late(const Call& call);
  void finish(Call& call);
  void warn_of_absurd_wait(const Call& call, const Answer& answer) const;

  std::string take_buffer();
  void give_buffer(std::string buffer) noexcept;

  TimingWheel& wheel_;
  Clock& clock_;
  ConnectorOptions options_;
  OpenConnections open_;
  Sockets sockets_;
  HostSetup setup_;
  RequestWriter writer_;
  std::unique_ptr<TlsSettings> tls_;    // made for the first https service
  std::unique_ptr<Resolver> resolver_;  // nullptr once aborted
  std::vector<Counter> outcomes_;
  std::vector<Counter> resolutions_;
  Counter late_answers_;
  std::vector<Histogram> seconds_;
  std::vector<std::string> buffers_;
  std::string origin_;  // used again for each look-up
  std::unordered_map<std::string, std::unique_ptr<Host>> hosts_;
  std::size_t strangers_ = 0;  // of them, those that have never answered
  // Those with nothing to do, the one used last first.
  boost::intrusive::list<Host> idle_strangers_;
  boost::intrusive::list<Host> idle_;
  std::size_t calls_ = 0;
  WaitQueue drain_line_;
  bool draining_ = false;
  bool aborted_ = false;
};

}  // namespace tern::connector
