#pragma once

#include "http/request_reader.hpp"
#include "http/response_head.hpp"

#include <tern/async/timing_wheel.hpp>
#include <tern/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tern::http {

class ServerState;
struct ShardState;

/// One connection: reads requests, has them handled, writes the responses, in order. One coroutine, and one entry in
/// the shard's wheel that serves every deadline.
///
/// Lifetime: its coroutine holds it. Everything happens on its shard's thread.
class Session final : public TimingWheel::Entry, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<ServerState> server, ShardState& shard, asio::ip::tcp::socket socket,
          const asio::ip::tcp::endpoint& peer);
  ~Session() override;

  /// The connection from its beginning to its end. No exception leaves it.
  static awaitable<void> run(std::shared_ptr<Session> self);

  /// The server closes: a session between two requests ends, another one after its response.
  void wake_if_idle() noexcept;
  void close() noexcept;

  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> hook;

 private:
  enum class Phase { created, waiting, header, body, handling, writing, lingering };
  enum class Next { read, wait, close, time_out };
  enum class After { keep, close };

  void on_expired() noexcept override;
  void arm_for(std::chrono::milliseconds duration) noexcept;

  awaitable<void> serve();
  awaitable<void> wait_for_input();
  awaitable<void> send_continue();
  awaitable<void> refuse(Rejection why);
  awaitable<void> linger();
  int unsent_bytes() noexcept;
  void leave();

  /// What to do for more input; arms the deadline when the phase changes.
  Next plan_read();
  Next plan_idle();
  /// The last operation failed, other than by being woken.
  bool lost() const noexcept { return ec_ && ec_ != asio::error::operation_aborted; }

  /// Puts head and body into `pending_`; says what follows when all is sent.
  After begin_response(HttpResponse& response, bool client_keeps);

  void put_pending(std::string_view first, std::string_view second = {}, std::string_view third = {}) noexcept;
  void sent(std::size_t bytes) noexcept;
  /// True when nothing is left to send, or sending failed (`ec_`).
  bool send_now() noexcept;
  awaitable<void> send_rest();

  awaitable<void> stream(std::unique_ptr<BodySource> source);
  awaitable<void> pump(std::unique_ptr<BodySource> source);
  awaitable<void> unwatch();
  void watch();
  void on_watched(error_code ec, std::size_t bytes);

  /// What goes on beside a streamed response: a read that finds out when the client has gone.
  struct Watch {
    asio::cancellation_signal gone;
    bool reading = false;
    bool ended = false;
    bool client_gone = false;
  };

  std::shared_ptr<ServerState> server_;
  ShardState& shard_;
  asio::ip::tcp::socket socket_;
  RequestReader reader_;
  std::string out_;                              // head and small body of a response; used again
  std::array<asio::const_buffer, 3> pending_{};  // what is still to be sent
  error_code ec_;                                // of the last socket operation
  SteadyTime deadline_{};                        // of the phase; the wheel may be armed for less while idle
  std::unique_ptr<Watch> watch_;                 // while a response is streamed
  std::size_t requests_ = 0;
  unsigned burst_ = 0;  // requests since the last read
  Phase phase_ = Phase::created;
  bool expired_ = false;
  bool released_ = false;  // idle for so long that its buffers were given back
  bool live_ = true;
};

using SessionList = boost::intrusive::list<
    Session,
    boost::intrusive::member_hook<
        Session, boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
        &Session::hook>,
    boost::intrusive::constant_time_size<false>>;

}  // namespace tern::http
