#pragma once

#include "unit/direct_line/world.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <string>

namespace tern::direct_line::test {

/// A client whose calls a test does not wait for.
class Posts {
 public:
  explicit Posts(World& all) : client(all.begin()), world_(all) {}

  void post(const std::string& text, const std::string& client_id, bool streams) {
    json::object fields{{"type", "message"},
                        {"text", text},
                        {"from", {{"id", "u"}}},
                        {"channelData", {{"clientActivityID", client_id}}}};
    if (streams) {
      fields["deliveryMode"] = "stream";
    }
    auto& call = calls_.emplace_back(text, std::string(root_path) + "/conversations/" + client.id + "/activities");
    call.request.as(client.token).saying(json::serialize(fields));
    asio::co_spawn(world_.io, world_.channel->endpoint().handle(call.request),
                   [&call](const std::exception_ptr& error, const http::HttpResponse& response) {
                     call.status = error ? 1U : response.status;
                   });
    tern::test::drain(world_.io);
  }
  /// In small steps, so that whoever sleeps several times wakes in time.
  void pass(std::chrono::seconds time) {
    constexpr int steps = 4;
    for (auto left = time * steps; left.count() > 0; left -= std::chrono::seconds(1)) {
      world_.clock.advance(std::chrono::milliseconds(1'000 / steps));
      tern::test::drain(world_.io);
    }
  }
  /// The answer to the last call with this text; 0 while there is none.
  unsigned status(const std::string& text) const {
    const auto last = std::find_if(calls_.rbegin(), calls_.rend(), [&](const Call& call) { return call.text == text; });
    return last != calls_.rend() ? last->status : 0;
  }
  std::size_t answered() const {
    return static_cast<std::size_t>(
        std::count_if(calls_.begin(), calls_.end(), [](const Call& call) { return call.status != 0; }));
  }

  const World::Client client;

 private:
  struct Call {
    Call(std::string said, std::string target)
        : text(std::move(said)), request(http::Method::post, std::move(target)) {}
    std::string text;
    TestRequest request;
    unsigned status = 0;
  };

  World& world_;
  std::deque<Call> calls_;
};

}  // namespace tern::direct_line::test
