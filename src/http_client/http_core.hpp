#pragma once

#include "http_client/shared.hpp"
#include "http_client/target.hpp"
#include "net/client_core.hpp"

#include <tern/http/http_client.hpp>

#include <memory>
#include <string>

namespace tern::http_client {

class HttpCore;

/// One request of a client, with its redirects.
class HttpCall final : public net::ClientCall {
 public:
  HttpCall(std::shared_ptr<HttpCore> core, HttpRequest request, Target target, Deadline by);

 private:
  friend class HttpCore;
  HttpRequest request_;
  Target target_;
  std::string text_;
};

/// The wheel of a core, which is destroyed after everything that it has entries of.
class OwnWheel {
 protected:
  OwnWheel(Clock& clock, asio::io_context& io) : own_wheel_(clock, io.get_executor()) {}
  TimingWheel own_wheel_;
};

/// The connections and requests of a client on one io_context.
///
/// The wheel runs while there are requests or kept connections. So a program that ends when its io_context has nothing
/// left to do ends some seconds after its last request.
class HttpCore final : private OwnWheel, public net::ClientCore, private TimingWheel::Entry {
 public:
  HttpCore(asio::io_context& io, std::shared_ptr<Shared> client);

  Shared& client() const noexcept { return *client_; }

  /// Sends a request, which has been checked, and waits for its answer.
  awaitable<HttpResponse> send(HttpRequest request, Target target, Deadline by);
  /// Ends all requests and closes all connections.
  void end() noexcept;

 private:
  friend class HttpCall;

  void choose_host(HttpCall& call);
  awaitable<void> exchange(HttpCall& call);
  static bool may_repeat(const HttpCall& call, const net::Exchange& exchange) noexcept;
  HttpResponse take_answer(const HttpCall& call);
  [[noreturn]] void fail_exchange(const HttpCall& call, const net::Exchange& exchange);
  [[noreturn]] void fail_to_connect(const net::ClientCall& call, Trouble trouble, const std::string& message) override;

  void keep_time();
  void tick();
  void on_idle() noexcept override;
  void on_expired() noexcept override;
  void rest_if_unused() noexcept;

  asio::io_context& io_;
  std::shared_ptr<Shared> client_;
  bool ticking_ = false;  // the wheel's coroutine has not ended
  bool ended_ = false;
};

}  // namespace tern::http_client
