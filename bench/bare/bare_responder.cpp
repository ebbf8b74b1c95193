// The baseline for replies in the response: the exchange of `state_bot` with `expectReplies`, written directly on
// Beast and Boost.JSON. One thread, a coroutine for each connection, ordinary code without a framework.

#include "bare/counting_reply.hpp"
#include "bare/listener.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <string>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

Response answer(const Request& request, bare::CountingReply& replies) {
  Response response(http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  if (request.method() != http::verb::post || request.target() != "/api/messages") {
    response.result(http::status::not_found);
    response.prepare_payload();
    return response;
  }
  try {
    const auto message = json::parse(request.body());
    json::object body;
    body["activities"] = json::array{replies.answer(message.as_object())};
    response.set(http::field::content_type, "application/json; charset=utf-8");
    response.body() = json::serialize(body);
  } catch (const std::exception&) {
    response.result(http::status::bad_request);
  }
  response.prepare_payload();
  return response;
}

asio::awaitable<void> serve(bare::tcp::socket socket, bare::CountingReply& replies) {
  beast::flat_buffer buffer;
  for (;;) {
    Request request;
    auto [read_error, read] = co_await http::async_read(socket, buffer, request, bare::tuple);
    if (read_error) {
      co_return;
    }
    auto response = answer(request, replies);
    auto [write_error, written] = co_await http::async_write(socket, response, bare::tuple);
    if (write_error || !response.keep_alive()) {
      co_return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  bare::CountingReply replies;
  return bare::serve_on_port(argc, argv,
                             [&replies](bare::tcp::socket socket) { return serve(std::move(socket), replies); });
}
