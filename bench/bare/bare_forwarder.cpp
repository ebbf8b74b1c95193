// The baseline for normal delivery: the exchange of `state_bot` with its reply posted to the channel, written
// directly on Beast and Boost.JSON. One thread, a coroutine for each connection, and beside each connection that came
// in one to the channel, which is kept. Ordinary code without a framework.

#include "bare/counting_reply.hpp"
#include "bare/listener.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;
using Empty = http::response<http::empty_body>;

void append_escaped(std::string& out, std::string_view id) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    }
  }
}

/// A kept connection to the channel.
class Channel {
 public:
  explicit Channel(const asio::any_io_executor& ex) : socket_(ex) {}

  /// Posts `activity` as a reply, and reads the channel's answer.
  asio::awaitable<void> post(const json::object& activity) {
    const std::string_view url = activity.at("serviceUrl").as_string();
    if (url != service_url_) {
      co_await connect(std::string(url));
    }
    std::string target = "/v3/conversations/";
    append_escaped(target, activity.at("conversation").as_object().at("id").as_string());
    target += "/activities/";
    append_escaped(target, activity.at("replyToId").as_string());
    Request request(http::verb::post, target, 11);
    request.set(http::field::host, authority_);
    request.set(http::field::user_agent, "bare");
    request.set(http::field::content_type, "application/json; charset=utf-8");
    request.body() = json::serialize(activity);
    request.prepare_payload();
    co_await http::async_write(socket_, request, asio::deferred);
    Response response;
    co_await http::async_read(socket_, buffer_, response, asio::deferred);
    if (http::to_status_class(response.result()) != http::status_class::successful) {
      throw std::runtime_error("the channel refused the reply");
    }
    const auto id = json::parse(response.body()).as_object().at("id").as_string();
  }

 private:
  // `http://host:port` without a path is all that this program is given.
  asio::awaitable<void> connect(std::string url) {
    constexpr std::string_view scheme = "http://";
    const auto colon = url.rfind(':');
    if (!url.starts_with(scheme) || colon < scheme.size()) {
      throw std::runtime_error("serviceUrl must be http://HOST:PORT");
    }
    const auto host = url.substr(scheme.size(), colon - scheme.size());
    bare::tcp::resolver resolver(socket_.get_executor());
    const auto found = co_await resolver.async_resolve(host, url.substr(colon + 1), asio::deferred);
    service_url_.clear();
    socket_ = bare::tcp::socket(socket_.get_executor());
    co_await socket_.async_connect(found.begin()->endpoint(), asio::deferred);
    socket_.set_option(bare::tcp::no_delay(true));
    authority_ = url.substr(scheme.size());
    service_url_ = std::move(url);
  }

  bare::tcp::socket socket_;
  beast::flat_buffer buffer_;
  std::string service_url_;
  std::string authority_;
};

asio::awaitable<Empty> answer(const Request& request, bare::CountingReply& replies, Channel& channel) {
  Empty response(http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  response.content_length(0);
  if (request.method() != http::verb::post || request.target() != "/api/messages") {
    response.result(http::status::not_found);
    co_return response;
  }
  try {
    const auto message = json::parse(request.body());
    const auto reply = replies.answer(message.as_object());
    co_await channel.post(reply);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    response.result(http::status::bad_request);
  }
  co_return response;
}

asio::awaitable<void> serve(bare::tcp::socket socket, bare::CountingReply& replies) {
  Channel channel(socket.get_executor());
  beast::flat_buffer buffer;
  for (;;) {
    Request request;
    auto [read_error, read] = co_await http::async_read(socket, buffer, request, bare::tuple);
    if (read_error) {
      co_return;
    }
    auto response = co_await answer(request, replies, channel);
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
