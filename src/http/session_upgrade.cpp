// The functions of Session that make a WebSocket of its connection.

#include "http/describe.hpp"
#include "http/server_state.hpp"
#include "http/session.hpp"
#include "http/upgraded_connection.hpp"
#include "http/web_socket_handshake.hpp"

#include <tern/async/log.hpp>

#include <exception>
#include <utility>

namespace tern::http {

namespace {

/// Lets the session know the connection that it has become, as long as there is one.
class KnownAs {
 public:
  KnownAs(UpgradedConnection*& place, UpgradedConnection& upgraded) : place_(place) { place_ = &upgraded; }
  ~KnownAs() { place_ = nullptr; }
  KnownAs(const KnownAs&) = delete;
  KnownAs& operator=(const KnownAs&) = delete;

 private:
  UpgradedConnection*& place_;
};

awaitable<void> serve_socket(std::unique_ptr<WebSocketHandler> handler, std::shared_ptr<UpgradedConnection> socket) {
  try {
    co_await handler->serve(socket);
    socket->close(1000, "");
  } catch (...) {
    log::error("the handler of a WebSocket failed", {{"error", describe(std::current_exception())}});
    socket->end(WebSocketEnd::failed, 1011, "the bot could not go on");
  }
}

}  // namespace

// Answers otherwise when the request is no handshake, or the server closes.
bool Session::may_upgrade(HttpResponse& response) {
  if (server_->closing()) {
    server_->count_rejection(Rejection::closing);
    response = response_for(Rejection::closing);
    return false;
  }
  if (auto fault = fault_of_handshake(reader_.request(), reader_.http10())) {
    response = std::move(*fault);
    return false;
  }
  return true;
}

awaitable<void> Session::be_web_socket(HttpResponse response) {
  phase_ = Phase::upgraded;
  std::string key(reader_.request().only_header("sec-websocket-key").value_or(""));
  std::string early(reader_.unparsed_text());
  const WebSocketOptions options = response.upgrade->options();
  auto upgraded = std::make_shared<UpgradedConnection>(shared_from_this(), options, std::move(early));
  {
    const std::string accept = co_await upgraded->accept(std::move(key));
    out_.clear();
    append_switching(out_, accept, response.headers, shard_.date.at(server_->clock().wall_now()));
  }
  server_->count_response(101);
  put_pending(out_);
  if (!send_now()) {
    co_await send_rest();
  }
  if (ec_ || !socket_.is_open()) {
    co_return;
  }
  phase_ = Phase::upgraded;
  // What a session keeps for the next request: there is none.
  reader_.drop_input();
  reader_.release();
  std::string().swap(out_);
  const KnownAs known(upgraded_, *upgraded);
  upgraded->open();
  if (server_->closing()) {
    upgraded->begin_closing();
  }
  response.headers.clear();
  co_await serve_socket(std::move(response.upgrade), upgraded);
  const bool connected = co_await upgraded->closed();
  if (connected) {
    co_await linger();
  }
}

}  // namespace tern::http
