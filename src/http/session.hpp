#pragma once

#include "async/timing_wheel.hpp"
#include "http/request_reader.hpp"
#include "http/response_head.hpp"
#include "http/stream_socket.hpp"
#include "http/tls_stream.hpp"

#include <tern/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tern::http {

class ServerState;
class UpgradedConnection;
struct ShardState;

/// One connection. It reads requests, calls the handler, and writes the responses in the order of the requests. It has
/// one coroutine, and one entry in the shard's wheel for all its deadlines.
///
/// With TLS all of this is the same, but for the functions of session_tls.cpp: they wait until the socket is ready, and
/// let a `TlsStream` read and write. A session without TLS has no stream, and only asks whether it has one.
///
/// Lifetime: its coroutine keeps it alive.
/// Thread safety: none; everything happens on its shard's thread.
class Session final : public TimingWheel::Entry, public std::enable_shared_from_this<Session> {
 public:
  /// `tls`: nullptr for a connection without TLS.
  Session(std::shared_ptr<ServerState> server, ShardState& shard, StreamSocket socket, const Hop& peer,
          std::shared_ptr<TlsStream> tls);
  ~Session() override;

  /// Serves the connection from its beginning to its end. Throws nothing.
  static awaitable<void> run(std::shared_ptr<Session> self);

  /// The server closes. A session between two requests ends now; another session ends after its response, or when its
  /// request is not complete by `ServerState::closing_by`.
  void begin_closing() noexcept;
  void close() noexcept;
  /// Begins to watch the client while the handler runs. Without memory for the watch, the connection counts until its
  /// request has been answered.
  void begin_watch() noexcept;
  /// The same, after `poll` has returned `events`. True when the client is gone, or the session is expendable now.
  bool begin_watch(short events) noexcept;
  int descriptor() noexcept { return socket_.native_handle(); }
  /// Closes the connection for the sake of another client. Its handler goes on to its end.
  /// Preconditions: the session is lingering or expendable.
  void give_way() noexcept;

  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  Hook hook;
  Hook expendable_hook;
  Hook handling_hook;           // used by `SlowHandlers`
  unsigned handling_since = 0;  // used by `SlowHandlers`

 private:
  friend class UpgradedConnection;
  enum class Phase {
    created,
    handshake,
    waiting,
    header,
    body,
    handling,
    answering,
    streaming,
    writing,
    upgraded,
    lingering
  };
  enum class Next { read, read_secured, wait, close, time_out };
  enum class After { keep, close };
  /// How the server counts the session: as an open connection, as one whose client has gone, or no longer.
  enum class Standing { open, gone, ended };

  void on_expired() noexcept override;
  void arm_for(std::chrono::milliseconds duration) noexcept;
  void arm_for_input() noexcept;

  static constexpr unsigned most_in_a_burst = 16;       // pipelined requests before other connections are served
  static constexpr std::size_t most_ahead = 16 * 1024;  // the most input that is kept for later

  awaitable<void> serve();
  asio::mutable_buffer room();
  void take_input(const error_code& ec, std::size_t bytes);
  void begin_handling() noexcept;
  void end_handling() noexcept;
  bool ends_burst();
  awaitable<void> wait_for_input();
  awaitable<void> send_continue();
  Rejection late() const noexcept;
  awaitable<void> refuse(Rejection why);
  awaitable<void> linger();
  int unsent_bytes() noexcept;
  void leave();
  void stop_counting() noexcept;
  void close_and_stop_counting() noexcept;
  void arm_for_writing(SteadyTime last) noexcept;
  void may_give_way_while_writing(bool stuck) noexcept;
  void drop_input() noexcept;
  void depart();

  awaitable<void> serve_secured();
  /// Does the handshake. False when the connection ends.
  awaitable<bool> shake_hands();
  /// How the handshake has ended; nullopt when it goes on.
  std::optional<HandshakeEnd> handshake_end() const noexcept;
  void end_handshake() noexcept;
  awaitable<void> read_secured();
  StreamSocket::wait_type tls_wait() const noexcept;
  void watch_secured();

  /// Decides how to get more input, and arms the deadline when the phase changes.
  Next plan_read();
  Next plan_idle();
  Next how_to_read() const noexcept { return tls_ ? Next::read_secured : Next::read; }
  /// With TLS, tells the client that nothing follows. False when the socket does not take that now.
  bool say_end() noexcept;
  /// The last operation failed, and was not just cancelled.
  bool lost() const noexcept { return ec_ && ec_ != asio::error::operation_aborted; }

  /// Puts the head and the body into `pending_`. Returns what follows when all of it is sent.
  After begin_response(HttpResponse& response, bool client_keeps);

  void put_pending(std::string_view first, std::string_view second = {}, std::string_view third = {}) noexcept;
  void sent(std::size_t bytes) noexcept;
  std::size_t write_some() noexcept;
  /// Also the end of TLS when `ending_`.
  bool has_unsent() noexcept;
  /// Sends as much as the socket takes at once. True when that is something.
  bool send_some() noexcept;
  /// Sends as much as the socket takes at once. True when nothing is left to send, or sending failed (`ec_`).
  bool send_now() noexcept;
  awaitable<void> send_rest();

  awaitable<void> stream(std::unique_ptr<BodySource> source);
  awaitable<void> pump(std::unique_ptr<BodySource> source);

  /// False when the connection becomes no WebSocket; then the response says why.
  bool may_upgrade(HttpResponse& response);
  /// Answers the handshake, and serves the WebSocket to its end.
  awaitable<void> be_web_socket(HttpResponse response);

  /// A read that is under way beside a slow handler or a streamed response. It finds out when the client ends or is
  /// gone. The client's input is kept for later, up to a bound.
  struct Watch {
    asio::cancellation_signal gone;
    bool waiting = false;  // an operation of the watch is under way
    bool ended = false;
  };
  void watch();
  void on_watched(error_code ec, std::size_t bytes) noexcept;
  void on_hung_up(error_code ec) noexcept;
  bool has_hung_up() noexcept;
  bool has_sent_end() noexcept;
  awaitable<void> unwatch();
  void become_expendable();
  void wait_for_hang_up();
  void leave_expendable() noexcept;
  void lose_client() noexcept;

  std::shared_ptr<ServerState> server_;
  ShardState& shard_;
  StreamSocket socket_;
  std::shared_ptr<TlsStream> tls_;  // nullptr without TLS
  RequestReader reader_;
  std::string out_;                              // the head of a response, with its body if that is small
  std::array<asio::const_buffer, 3> pending_{};  // the bytes that are not sent yet
  error_code ec_;                                // the error of the last socket operation
  SteadyTime deadline_{};                        // of the phase; the wheel is armed for an earlier time while idle
  std::unique_ptr<Watch> watch_;
  UpgradedConnection* upgraded_ = nullptr;  // what the connection has become
  std::size_t requests_ = 0;
  unsigned burst_ = 0;  // requests since the last read
  Phase phase_ = Phase::created;
  Standing standing_ = Standing::open;
  bool has_client_ = true;  // false once the client has gone, or the session has given way
  bool expired_ = false;
  bool released_ = false;  // its buffers were freed, after it was idle for `warm_time`
  bool live_ = true;       // the drain waits for it
  bool ending_ = false;    // the whole response is sent, and the client is told that nothing follows
};

template <Session::Hook Session::* HookMember>
using SessionListBy = boost::intrusive::list<Session, boost::intrusive::member_hook<Session, Session::Hook, HookMember>,
                                             boost::intrusive::constant_time_size<false>>;
using SessionList = SessionListBy<&Session::hook>;
using ExpendableList = SessionListBy<&Session::expendable_hook>;
using HandlingList = SessionListBy<&Session::handling_hook>;

}  // namespace tern::http
