#pragma once

#include "support/raw_client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// A client of Direct Line over real sockets, as Web Chat is one. It blocks.
class DirectLineClient {
 public:
  using json_object = boost::json::object;

  DirectLineClient(std::uint16_t port, std::string token) : port_(port), token_(std::move(token)) {}

  /// A client with a token of the page of Web Chat.
  static DirectLineClient of_page(std::uint16_t port) {
    const auto answer = exchange_bytes(port,
                                       "POST /chat/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                       "Origin: http://localhost\r\nContent-Length: 0\r\n\r\n");
    return {port, std::string(boost::json::parse(answer.body).at("token").as_string())};
  }

  RawAnswer post(const std::string& rest, const std::string& body) const {
    return send("POST", rest, "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()), body);
  }
  RawAnswer get(const std::string& rest) const { return send("GET", rest, "Accept: application/json", {}); }
  RawAnswer send(const std::string& method, const std::string& rest, const std::string& headers,
                 const std::string& body) const {
    return exchange_bytes(port_, method + " /v3/directline" + rest +
                                     " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " +
                                     token_ + "\r\n" + headers + "\r\n\r\n" + body);
  }

  /// Begins the conversation, or goes on with it.
  int begin() {
    const auto answer = id_.empty() ? post("/conversations", R"({"user":{"id":"u"}})")
                                    : get("/conversations/" + id_ + "?watermark=" + watermark_);
    if (answer.status / 100 == 2) {
      const auto body = boost::json::parse(answer.body).as_object();
      id_ = body.at("conversationId").as_string();
      token_ = body.at("token").as_string();
      const std::string url(body.at("streamUrl").as_string());
      stream_ = url.substr(url.find("/v3/"));
    }
    return answer.status;
  }
  RawAnswer say(const std::string& text) const {
    return post("/conversations/" + id_ + "/activities",
                boost::json::serialize(json_object{{"type", "message"}, {"text", text}, {"from", {{"id", "u"}}}}));
  }
  /// All activities after the watermark, by polling once.
  std::vector<json_object> poll() {
    return taken(get("/conversations/" + id_ + "/activities?watermark=" + watermark_).body);
  }

  void connect() {
    socket_ = std::make_unique<Socket>(*io_);
    socket_->next_layer().connect({boost::asio::ip::address_v4::loopback(), port_});
    socket_->handshake("localhost", stream_);
  }
  void cut() { socket_.reset(); }
  /// The activities of the next frame that has any.
  std::vector<json_object> next() {
    while (true) {
      boost::beast::flat_buffer buffer;
      socket_->read(buffer);
      const auto text = boost::beast::buffers_to_string(buffer.data());
      if (!text.empty()) {
        return taken(text);
      }
    }
  }
  /// Reads frames until there are so many messages, and returns their texts.
  std::vector<std::string> messages(std::size_t count) {
    std::vector<std::string> texts;
    while (texts.size() < count) {
      for (const auto& activity : next()) {
        if (activity.at("type") == "message") {
          texts.emplace_back(activity.at("text").as_string());
        }
      }
    }
    return texts;
  }

  const std::string& id() const noexcept { return id_; }
  const std::string& token() const noexcept { return token_; }
  void move_to(std::uint16_t port) noexcept { port_ = port; }
  /// A client of the same conversation that has seen nothing yet.
  DirectLineClient another(std::uint16_t port) const {
    DirectLineClient made(port, token_);
    made.id_ = id_;
    return made;
  }

 private:
  using Socket = boost::beast::websocket::stream<boost::asio::ip::tcp::socket>;

  std::vector<json_object> taken(const std::string& text) {
    const auto set = boost::json::parse(text).as_object();
    watermark_ = set.at("watermark").as_string();
    std::vector<json_object> activities;
    for (const auto& each : set.at("activities").as_array()) {
      activities.push_back(each.as_object());
    }
    return activities;
  }

  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>();
  std::uint16_t port_;
  std::string token_;
  std::string id_;
  std::string stream_;
  std::string watermark_;
  std::unique_ptr<Socket> socket_;
};

}  // namespace tern::test
