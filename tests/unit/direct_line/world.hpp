#pragma once

#include "direct_line/direct_line.hpp"
#include "support/failing_storage.hpp"
#include "unit/direct_line/store.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::direct_line::test {

/// A request that a test fills.
class TestRequest final : public http::HttpRequest {
 public:
  TestRequest(http::Method method, std::string target) : method_(method) {
    const auto mark = target.find('?');
    path_ = target.substr(0, mark);
    query_ = mark == std::string::npos ? "" : target.substr(mark + 1);
    headers["host"] = "bot.example";
    if (path_.ends_with("/stream")) {
      headers["upgrade"] = "websocket";
      headers["sec-websocket-version"] = "13";
      headers["sec-websocket-key"] = "dGhlIHNhbXBsZSBub25jZQ==";
    }
  }

  http::Method method() const noexcept override { return method_; }
  std::string_view path() const noexcept override { return path_; }
  std::string_view query() const noexcept override { return query_; }
  std::optional<std::string_view> header(std::string_view name) const noexcept override {
    const auto found = headers.find(name);
    return found == headers.end() ? std::nullopt : std::optional<std::string_view>(found->second);
  }
  std::optional<std::string_view> only_header(std::string_view name) const noexcept override { return header(name); }
  std::string& body() noexcept override { return body_; }
  std::string_view peer() const noexcept override { return peer_; }

  TestRequest& with(const std::string& name, std::string value) {
    headers[name] = std::move(value);
    return *this;
  }
  TestRequest& as(const std::string& bearer) { return with("authorization", "Bearer " + bearer); }
  TestRequest& saying(std::string body) {
    body_ = std::move(body);
    return *this;
  }
  TestRequest& from(std::string peer) {
    peer_ = std::move(peer);
    return *this;
  }

  std::map<std::string, std::string, std::less<>> headers;

 private:
  http::Method method_;
  std::string path_;
  std::string query_;
  std::string body_;
  std::string peer_ = "192.0.2.1";
};

/// A bot that a test programs.
class TestInlet final : public ChannelInlet {
 public:
  std::string_view address() const noexcept override { return service_url; }
  awaitable<TurnResult> receive(Activity activity, std::optional<Identity> caller, OnReply on_reply) override {
    received.push_back(activity);
    callers.push_back(caller.value_or(Identity()));
    std::uint64_t number = 0;
    for (const auto& reply : replies) {
      auto taken = on_reply({reply, run, ++number});
      co_await std::move(taken);
    }
    if (during) {
      auto work = during(activity);
      co_await std::move(work);
    }
    co_return result;
  }

  std::vector<Activity> received;
  std::vector<Identity> callers;
  std::vector<Activity> replies;  // given to `on_reply`
  std::string run = "run-1";      // of them
  std::function<awaitable<void>(Activity)> during;
  TurnResult result;
};

/// Direct Line on a store in memory, without a server.
class World {
 public:
  static constexpr const char* secret = "the-secret-of-the-test";

  World() : World(Options{}) {}
  explicit World(Options options) {
    options.secrets.emplace_back(secret);
    channel = std::make_unique<DirectLine>(std::move(options),
                                           AnyStorage::make<tern::test::FailingStorage>(clock, faults), clock, metrics);
    channel->set_bot(bot);
    tern::test::run_on(io, channel->open(io.get_executor(), Deadline::never()));
  }
  ~World() {
    tern::test::run_on(io, channel->close(Deadline::at(clock.now())));
    tern::test::drain(io);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  http::HttpResponse call(TestRequest& request) {
    auto response = tern::test::run_on(io, channel->endpoint().handle(request));
    tern::test::drain(io);  // what was begun besides
    return response;
  }
  http::HttpResponse get(const std::string& rest, const std::string& bearer) {
    TestRequest request(http::Method::get, std::string(root_path) + rest);
    return call(request.as(bearer));
  }
  http::HttpResponse post(const std::string& rest, const std::string& bearer, std::string body = {}) {
    TestRequest request(http::Method::post, std::string(root_path) + rest);
    return call(request.as(bearer).with("content-type", "application/json").saying(std::move(body)));
  }

  /// What a client keeps.
  struct Client {
    std::string id;
    std::string token;
    std::string stream;  ///< behind `root_path`
  };
  static Client client_of(const http::HttpResponse& response) {
    const auto body = json::parse(response.body).as_object();
    Client client{std::string(body.at("conversationId").as_string()), std::string(body.at("token").as_string()), {}};
    if (const auto* url = body.if_contains("streamUrl")) {
      const std::string text(url->as_string());
      client.stream = text.substr(text.find(root_path) + root_path.size());
    }
    return client;
  }
  /// Generates a token, and begins the conversation.
  Client begin(const std::string& parameters = "{}", const std::string& start = R"({"user":{"id":"u"}})") {
    const auto made = client_of(post("/tokens/generate", secret, parameters));
    return client_of(post("/conversations", made.token, start));
  }
  http::HttpResponse say(const Client& client, const std::string& text) {
    return post("/conversations/" + client.id + "/activities", client.token,
                json::serialize(json::object{{"type", "message"}, {"text", text}, {"from", {{"id", "u"}}}}));
  }
  std::vector<std::string> texts(const Client& client, const std::string& watermark = {}) {
    const auto response = get("/conversations/" + client.id + "/activities?watermark=" + watermark, client.token);
    std::vector<std::string> found;
    const auto set = json::parse(response.body);
    for (const auto& activity : set.at("activities").as_array()) {
      const auto* text = activity.as_object().if_contains("text");
      found.emplace_back(text != nullptr ? std::string(text->as_string()) : "");
    }
    return found;
  }

  ManualClock clock;
  Metrics metrics;
  std::shared_ptr<tern::test::StorageFaults> faults = std::make_shared<tern::test::StorageFaults>();
  TestInlet bot;
  std::unique_ptr<DirectLine> channel;
  asio::io_context io{1};
};

/// The body of a response, also one that is made in pieces.
inline std::string body_of(World& world, http::HttpResponse& response) {
  std::string body = response.body;
  while (response.source) {
    const auto piece = tern::test::run_on(world.io, response.source->next());
    if (!piece) {
      break;
    }
    body += *piece;
  }
  return body;
}

inline std::string header_of(const http::HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

inline std::string code_of(const http::HttpResponse& response) {
  const auto body = json::parse(response.body).as_object();
  return std::string(body.at("error").at("code").as_string());
}

inline std::string form_with(const std::string& type, const std::string& content, const std::string& name = "a.png") {
  return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: " + type +
         "\r\n\r\n" + content + "\r\n--b--";
}

inline TestRequest upload_request(const World::Client& client, std::string body) {
  TestRequest request(http::Method::post, std::string(root_path) + "/conversations/" + client.id + "/upload?userId=u");
  request.as(client.token).with("content-type", "multipart/form-data; boundary=b").saying(std::move(body));
  return request;
}

}  // namespace tern::direct_line::test
