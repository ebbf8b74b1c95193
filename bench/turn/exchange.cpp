#include "turn/exchange.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace bench {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using tcp = asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

const tcp::endpoint any_port(asio::ip::address_v4::loopback(), 0);

tcp::endpoint at(std::uint16_t port) {
  return {asio::ip::address_v4::loopback(), port};
}

/// A bot that does not answer must not hang the bench.
void set_timeout(int socket) {
  const timeval patience{10, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

void expect(bool condition, const std::string& what) {
  if (!condition) {
    throw std::runtime_error(what);
  }
}

/// Takes one request on `listener`, answers it as a channel does.
Request take_delivery(tcp::acceptor& listener) {
  set_timeout(listener.native_handle());
  auto socket = listener.accept();
  set_timeout(socket.native_handle());
  beast::flat_buffer buffer;
  Request request;
  http::read(socket, buffer, request);
  Response answer(http::status::created, 11);
  answer.set(http::field::content_type, "application/json");
  answer.body() = R"({"id":"probe"})";
  answer.prepare_payload();
  http::write(socket, answer);
  return request;
}

json::object reply_in(const Response& response) {
  const auto body = json::parse(response.body());
  const auto& activities = body.as_object().at("activities").as_array();
  expect(body.as_object().size() == 1 && activities.size() == 1,
         "the response does not hold exactly one activity: " + response.body());
  return activities.front().as_object();
}

json::object reply_in(const Request& delivered, const Response& response, const std::string& conversation,
                      const std::string& id) {
  const auto target = "/v3/conversations/" + conversation + "/activities/" + id;
  expect(delivered.method() == http::verb::post && delivered.target() == target,
         "the reply was not posted to " + target + " but to " + std::string(delivered.target()));
  expect(response.body().empty(), "the response has a body: " + response.body());
  return json::parse(delivered.body()).as_object();
}

}  // namespace

std::uint16_t free_port() {
  asio::io_context io;
  return tcp::acceptor(io, any_port).local_endpoint().port();
}

bool wait_for_port(std::uint16_t port) {
  using namespace std::chrono_literals;
  const auto until = std::chrono::steady_clock::now() + 20s;
  asio::io_context io;
  boost::system::error_code error;
  do {
    tcp::socket socket(io);
    socket.connect(at(port), error);
    if (!error) {
      return true;
    }
    std::this_thread::sleep_for(10ms);
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

json::object say(std::uint16_t port, Mode mode, const std::string& id, const std::string& conversation,
                 const std::string& user, const TokenFor& token_for) {
  asio::io_context io;
  tcp::acceptor listener(io, any_port);
  const auto service_url = "http://127.0.0.1:" + std::to_string(listener.local_endpoint().port());
  tcp::socket socket(io);
  socket.connect(at(port));
  set_timeout(socket.native_handle());
  Request request(http::verb::post, "/api/messages", 11);
  request.set(http::field::host, "127.0.0.1");
  request.set(http::field::content_type, "application/json");
  if (token_for) {
    request.set(http::field::authorization, "Bearer " + token_for(service_url));
  }
  request.body() = fill(message_template(mode, service_url), id, conversation, user);
  request.prepare_payload();
  http::write(socket, request);
  Request delivered;
  if (mode == Mode::delivery) {
    delivered = take_delivery(listener);
  }
  beast::flat_buffer buffer;
  Response response;
  http::read(socket, buffer, response);
  expect(response.result() == http::status::ok,
         "answered " + std::to_string(response.result_int()) + ": " + response.body());
  auto reply = mode == Mode::replies ? reply_in(response) : reply_in(delivered, response, conversation, id);
  // The address of this call's own listener is the one thing that differs from bot to bot.
  expect(reply.at("serviceUrl").as_string() == service_url, "the reply has another serviceUrl");
  reply.erase("serviceUrl");
  return reply;
}

}  // namespace bench
