#pragma once

#include "direct_line/calls.hpp"
#include "direct_line/direct_line.hpp"
#include "direct_line/incoming.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// Serves the calls of Direct Line 3.0.
///
/// Lifetime: the channel outlives it.
/// Thread safety: `handle` on any shard, several calls at once.
/// Source: Direct Line 3.0, the Swagger file of Bot Framework.
class Endpoint final : public http::HttpHandler {
 public:
  explicit Endpoint(DirectLine& channel) : all_(channel) {}

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;
  /// Lets pages of browsers read the answer.
  void complete_refusal(const http::HttpRequest& request, http::HttpResponse& response) override;

 private:
  using Response = http::HttpResponse;
  using Request = http::HttpRequest;

  awaitable<Response> dispatch(Request& request, MatchedCall found);
  // The calls. Each has a request that lives until its coroutine has ended.
  Response generate_token(Request& request);
  awaitable<Response> refresh_token(Request& request);
  awaitable<Response> begin(Request& request);
  awaitable<Response> reconnect(Request& request, std::string id);
  awaitable<Response> get_activities(Request& request, std::string id);
  awaitable<Response> post_activity(Request& request, std::string id);
  awaitable<Response> upload(Request& request, std::string id);
  Response stream(Request& request, const std::string& id);
  Response session_id(Request& request);
  awaitable<std::optional<KeptFile>> find_file(std::string id, std::string client);
  awaitable<Response> attachment(const Request& request, std::string id);

  Response response_to(const std::exception_ptr& error);
  void log_store_error(const std::exception_ptr& error);
  static Response answer_with_id(const std::string& id);
  void check_rate(const Caller& caller, const Request& request);
  void take_bytes(const Caller& caller, const Request& request, std::size_t bytes);
  Response conversation_response(unsigned status, TokenClaims claims, const Request& request,
                                 std::string_view watermark) const;
  std::string url_of(const Request& request, std::string_view scheme, std::string_view path) const;
  Deadline storage_deadline() const noexcept;
  awaitable<Head> open_head(std::string id);
  /// The news of a conversation, for the bot.
  struct Greeting {
    Activity update;
    Caller caller;
    int tries = 1;
  };
  void greet(executor ex, const Head& head, const std::string& id, const Caller& caller);
  void offer_greeting(executor ex, Greeting greeting);
  awaitable<void> give_greeting(Greeting greeting);
  awaitable<void> greet_later(Greeting greeting, std::chrono::seconds pause);
  awaitable<std::string> bring(Caller caller, std::string id, Incoming incoming);
  awaitable<std::optional<Activity>> keep(Incoming& incoming, std::string id, std::string& kept_as);
  awaitable<std::optional<json::object>> stored_activity(std::string id, std::uint64_t seq);
  awaitable<void> give_to_bot(Activity activity, Caller caller, std::string id, bool ends,
                              std::shared_ptr<StreamedPosts::Post> post);
  awaitable<void> stream_to_bot(Activity activity, Caller caller, std::string id, bool ends);
  awaitable<TurnResult> offer_to_bot(Activity activity, Caller caller);
  awaitable<void> take_reply(StreamedReply reply);
  /// What an upload brings.
  struct Form {
    json::object activity;
    std::vector<UploadedFile> files;
  };
  Form read_form(Request& request) const;
  awaitable<json::object> keep_files(Form form, FileOwner owner, std::string base);

  DirectLine& all_;
  std::atomic<SteadyTime::rep> quiet_until_{SteadyTime::min().time_since_epoch().count()};
};

}  // namespace tern::direct_line
