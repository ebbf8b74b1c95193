#pragma once

#include "net/host.hpp"
#include "net/resolver.hpp"

#include <tern/async/metrics.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace tern::net {

class ClientCore;

/// The bounds of a client. `ConnectorOptions` and `HttpClientOptions` describe them.
struct ClientBounds {
  std::size_t in_flight = 0;
  std::size_t connections = 0;
  std::size_t waiting = 0;
  std::size_t hosts = 0;
  std::chrono::milliseconds connect_timeout{0};
  std::chrono::milliseconds attempt_delay{0};
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds connection_lifetime{0};
  std::size_t response_body = 0;
  bool keep_headers = false;
  std::vector<asio::ip::udp::endpoint> nameservers;
  std::string resolv_conf;
  const char* waiting_name = "";  ///< what the user sets for `waiting`, for messages
  const char* hosts_name = "";    ///< likewise for `hosts`
};

/// One call of a client, to derive from. It lives in the frame of the coroutine that serves it, and shares the core, so
/// that it may outlive the client.
class ClientCall {
 public:
  /// Errors: `errc::shutting_down` once the client drains.
  ClientCall(std::shared_ptr<ClientCore> core, Deadline by);
  ClientCall(const ClientCall&) = delete;
  ClientCall& operator=(const ClientCall&) = delete;

 protected:
  ~ClientCall();
  ClientCore& core() const noexcept { return *core_; }

 private:
  friend class ClientCore;
  std::shared_ptr<ClientCore> core_;

 protected:
  Host* host_ = nullptr;
  SteadyTime began_;
  Deadline by_;
  Loan loan_;
};

/// What the clients of Tern have in common: their hosts, and how a call gets a connection to one.
///
/// Lifetime: the wheel and the clock outlive the core until `abort`; the io_context outlives all three.
/// Thread safety: none; it belongs to the thread that runs the io_context.
class ClientCore : public std::enable_shared_from_this<ClientCore> {
 public:
  ClientCore(asio::io_context& io, TimingWheel& wheel, Clock& clock, const ClientBounds& bounds);
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  /// Refuses new calls and waits for the calls under way, at most until `by`. True when none is left.
  awaitable<bool> drain(Deadline by);

  /// Ends all calls. The wheel, the clock and the metrics are not used afterwards.
  void abort() noexcept;

  std::size_t connections() const noexcept { return open_.count; }

 protected:
  virtual ~ClientCore() = default;

  /// Why a call gets no connection. `barred`: all addresses of the host are such that `may_connect` refuses them.
  enum class Trouble { unreachable, late, overloaded, barred };
  /// Throws the exception for it.
  [[noreturn]] virtual void fail_to_connect(const ClientCall& call, Trouble trouble, const std::string& message) = 0;
  /// Whether connections may be made to an address that the name of a host has led to. It is asked about each answer of
  /// the resolver, and connections are made to addresses of the last answer alone.
  virtual bool may_connect(const Host& host, const asio::ip::tcp::endpoint& where) const {
    (void)host, (void)where;
    return true;
  }
  /// The host is about to be forgotten.
  virtual void forgets(const Host& host) noexcept { (void)host; }
  /// The last call has ended; is called when `tells_idle_` is set.
  virtual void on_idle() noexcept {}

  /// The host of this origin; nullptr when it is not known.
  Host* find_host(const std::string& origin) const;
  /// Makes the host, and forgets another one if there is no room. `call` fails when no host can be forgotten.
  Host& add_host(const ClientCall& call, HostSpec spec);
  /// The call is to `host` from now on.
  void move_to(ClientCall& call, Host& host) noexcept;
  /// A call to the host was answered.
  void has_answered(Host& host) noexcept;

  /// Waits until the host of the call lends a connection. Call it when `Host::try_take` had none.
  awaitable<void> wait_for_connection(ClientCall& call);
  /// Connects the borrowed connection.
  awaitable<void> connect(ClientCall& call);

  void throw_if_aborted(error_code error) const;
  bool has_calls() const noexcept { return calls_ > 0; }
  /// Gives the resolver back with its sockets, until a name must be resolved again. False while a host waits for it.
  bool forget_resolver() noexcept;

  TimingWheel& wheel_;
  Clock& clock_;
  bool tells_idle_ = false;
  OpenConnections open_;
  std::array<Counter, 4> resolutions_;  // in the order of `Resolution::End`, without `barred`

 private:
  friend class ClientCall;

  void make_room(const ClientCall& call);
  bool forget_idle(boost::intrusive::list<Host>& idle);
  void may_be_idle(Host& host) noexcept;

  awaitable<void> resolve(ClientCall& call, Deadline by);
  void start_resolving(Host& host);
  void resolved(Host& host, Resolution resolution) noexcept;
  void learn(Host& host, Resolution resolution) const;
  [[noreturn]] void fail_unresolved(const ClientCall& call);

  asio::io_context& io_;
  const ClientBounds bounds_;
  Sockets sockets_;
  HostSetup setup_;
  std::unique_ptr<Resolver> resolver_;  // nullptr until it is needed, and once aborted
  std::size_t resolving_ = 0;           // the hosts that wait for it
  std::unordered_map<std::string, std::unique_ptr<Host>> hosts_;
  std::size_t strangers_ = 0;  // the hosts that have never answered
  // Hosts without calls, the host that was used last first.
  boost::intrusive::list<Host> idle_strangers_;
  boost::intrusive::list<Host> idle_;
  std::size_t calls_ = 0;
  WaitQueue drain_line_;
  bool draining_ = false;
  bool aborted_ = false;
};

}  // namespace tern::net
