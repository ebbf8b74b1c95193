#include "auth/authority.hpp"

#include "auth/base64url.hpp"
#include "bare/listener.hpp"
#include "edge/activity.hpp"

#include "unit/auth/test_key.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <chrono>

namespace bench {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using bare::tcp;
using tern::auth::test::key_document;
using tern::auth::test::signed_token;
using tern::auth::test::test_key;
using tern::auth::test::unsigned_token;

constexpr const char* bot_id = "b0700000-0000-4000-8000-000000000001";
constexpr const char* issuer = "https://channels.test";
constexpr const char* key_id = "bench";
constexpr std::int64_t day = 86'400;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

json::object header_naming(std::string_view key) {
  return {{"typ", "JWT"}, {"alg", "RS256"}, {"x5t", key}, {"kid", key}};
}

json::object claims_for(std::string_view service_url) {
  return {{"serviceurl", service_url}, {"nbf", now()}, {"exp", now() + day}, {"iss", issuer}, {"aud", bot_id}};
}

}  // namespace

struct Authority::Server {
  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + std::string(path);
  }

  std::string answer_to(std::string_view request) const {
    const auto body = request.starts_with("GET /keys ")
                          ? key_document({test_key().jwk(key_id)})
                          : json::serialize(json::object{{"issuer", issuer}, {"jwks_uri", url("/keys")}});
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

  asio::awaitable<void> serve(tcp::socket socket) const {
    HttpPieces requests;
    std::array<char, 4096> piece;
    for (;;) {
      auto [error, read] = co_await socket.async_read_some(asio::buffer(piece), bare::tuple);
      if (error) {
        co_return;
      }
      requests.add({piece.data(), read});
      while (const auto request = requests.next()) {
        const auto answer = answer_to(*request);
        co_await asio::async_write(socket, asio::buffer(answer), bare::tuple);
      }
    }
  }

  asio::io_context io{1};
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
};

Authority::Authority() : server_(std::make_unique<Server>()) {
  (void)test_key();  // made here, and not while something is measured
  thread_ = std::thread([server = server_.get()] {
    asio::co_spawn(
        server->io,
        bare::accept_all(server->acceptor, [server](tcp::socket socket) { return server->serve(std::move(socket)); }),
        bare::report);
    server->io.run();
  });
}

Authority::~Authority() {
  server_->io.stop();
  thread_.join();
}

std::vector<std::string> Authority::settings() const {
  return {std::string("bot.app_id=") + bot_id, std::string("bot.channel_issuer=") + issuer,
          "bot.openid_url=" + server_->url("/openid"), "bot.allowed_hosts=http://127.0.0.1"};
}

std::string Authority::token(std::string_view service_url) {
  return signed_token(json::serialize(header_naming(key_id)), json::serialize(claims_for(service_url)));
}

std::string Authority::bad_token(Fault fault, std::string_view service_url, std::size_t number) {
  // The signature of another text: it has the right size, and is the same for all.
  static const std::string signature = [] {
    const auto other = signed_token("{}", "{}");
    return other.substr(other.rfind('.'));
  }();
  auto claims = claims_for(service_url);
  claims["nonce"] = number;
  auto header = header_naming(key_id);
  switch (fault) {
    case Fault::forged:
      break;
    case Fault::unknown_key:
      header["kid"] = "unknown-" + std::to_string(number);
      break;
    case Fault::expired:
      claims["exp"] = now() - day;
      break;
    case Fault::other_audience:
      claims["aud"] = "b0700000-0000-4000-8000-000000000002";
      break;
  }
  return unsigned_token(json::serialize(header), json::serialize(claims)) + signature;
}

}  // namespace bench
