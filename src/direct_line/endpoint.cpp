#include "direct_line/endpoint.hpp"

#include "async/describe_error.hpp"
#include "direct_line/attachment_types.hpp"
#include "direct_line/file_body.hpp"
#include "direct_line/frame.hpp"
#include "direct_line/random_text.hpp"
#include "direct_line/refusal.hpp"
#include "http/client_group.hpp"
#include "storage/storable_text.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/serialize.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace tern::direct_line {

namespace {

using http::HttpRequest;
using http::HttpResponse;

constexpr std::size_t page_bytes = std::size_t{1024} * 1024;

HttpResponse json_answer(unsigned status, const json::object& body) {
  return HttpResponse(status, json::serialize(body), json_type);
}

HttpResponse token_answer(unsigned status, const json::object& body) {
  auto answer = json_answer(status, body);
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

// Every origin: who may call is decided by the token, which a preflight does not bring, and no cookie says who calls.
void let_browsers_read(const HttpRequest& request, Call call, HttpResponse& response) {
  const auto origin = request.header("origin");
  if (!origin || call == Call::attachment) {
    return;
  }
  response.headers.emplace_back("Access-Control-Allow-Origin", std::string(*origin));
  response.headers.emplace_back("Vary", "Origin");
  response.headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
  if (call == Call::session_id) {
    response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  }
}

HttpResponse preflight(const HttpRequest& request) {
  HttpResponse response(204);
  if (request.header("access-control-request-method")) {
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "authorization, content-type, x-ms-bot-agent, x-requested-with");
    response.headers.emplace_back("Access-Control-Max-Age", "600");
  } else {
    response.headers.emplace_back("Allow", "GET, POST, OPTIONS");
  }
  return response;
}

std::uint64_t watermark_in(const HttpRequest& request) {
  const auto watermark = parse_watermark(query_value(request.query(), "watermark"));
  if (!watermark) {
    refuse_argument("The watermark is none that this bot has given.");
  }
  return *watermark;
}

[[noreturn]] void refuse_path() {
  throw Refusal(404, "NotFound", "There is nothing at this path of Direct Line 3.0.");
}

}  // namespace

// Nobody but the store fails here.
HttpResponse Endpoint::response_to(const std::exception_ptr& error) {
  constexpr std::chrono::seconds until_there_is_room{10};
  try {
    std::rethrow_exception(error);
  } catch (const Refusal& refusal) {
    return refusal.response();
  } catch (const std::exception&) {
    log_store_error(error);
  }
  if (tern::detail::has_code(error, errc::overloaded)) {
    return Refusal(503, "ServiceUnavailable", "The storage of the bot has no room now. Try again later.",
                   until_there_is_room)
        .response();
  }
  return Refusal(500, "ServiceError", "The bot could not do this now. Try again.").response();
}

// Every call fails while the store is full or away, and strangers make calls.
void Endpoint::log_store_error(const std::exception_ptr& error) {
  constexpr std::chrono::minutes pause{1};
  const auto now = all_.clock_.now().time_since_epoch();
  auto quiet_until = quiet_until_.load();
  const auto next = SteadyTime::duration(now + pause).count();
  if (now.count() >= quiet_until && quiet_until_.compare_exchange_strong(quiet_until, next)) {
    log::error("a call of Direct Line failed, and others that fail within a minute are not logged",
               {{"error", tern::detail::message_of(error)}});
  }
}

awaitable<HttpResponse> Endpoint::handle(HttpRequest& request) {
  const bool asks_about = request.method() == http::Method::options;
  auto found = match_call(asks_about ? http::Method::get : request.method(), request.path());
  if (asks_about) {
    if (found.call == Call::nothing) {
      found.call = match_call(http::Method::post, request.path()).call;
    }
    auto response = found.call == Call::nothing ? Refusal(404, "NotFound", "There is nothing at this path.").response()
                                                : preflight(request);
    let_browsers_read(request, found.call, response);
    co_return response;
  }
  std::exception_ptr error;
  try {
    auto response = co_await dispatch(request, found);
    let_browsers_read(request, found.call, response);
    co_return response;
  } catch (...) {
    error = std::current_exception();
  }
  if (tern::detail::has_code(error, asio::error::operation_aborted)) {
    std::rethrow_exception(error);
  }
  auto response = response_to(error);
  all_.refused_.inc();
  let_browsers_read(request, found.call, response);
  co_return response;
}

void Endpoint::complete_refusal(const HttpRequest& request, HttpResponse& response) {
  all_.refused_.inc();
  let_browsers_read(request, match_call(request.method(), request.path()).call, response);
}

// Long: one case for each call.
awaitable<HttpResponse> Endpoint::dispatch(HttpRequest& request, MatchedCall found) {
  std::string id(found.id);
  switch (found.call) {
    case Call::generate_token:
      co_return generate_token(request);
    case Call::refresh_token: {
      auto response = co_await refresh_token(request);
      co_return response;
    }
    case Call::begin: {
      auto response = co_await begin(request);
      co_return response;
    }
    case Call::reconnect: {
      auto response = co_await reconnect(request, std::move(id));
      co_return response;
    }
    case Call::get_activities: {
      auto response = co_await get_activities(request, std::move(id));
      co_return response;
    }
    case Call::post_activity: {
      auto response = co_await post_activity(request, std::move(id));
      co_return response;
    }
    case Call::upload: {
      auto response = co_await upload(request, std::move(id));
      co_return response;
    }
    case Call::stream:
      co_return stream(request, id);
    case Call::session_id:
      co_return session_id(request);
    case Call::attachment: {
      auto response = co_await attachment(request, std::move(id));
      co_return response;
    }
    case Call::other_method: {
      auto response = Refusal(405, "MethodNotAllowed", "This path does not serve this method.").response();
      response.headers.emplace_back("Allow", std::string(found.allow));
      co_return response;
    }
    case Call::nothing:
      break;
  }
  refuse_path();
}

Deadline Endpoint::storage_deadline() const noexcept {
  constexpr std::chrono::seconds storage_timeout{5};
  return Deadline::after(storage_timeout, all_.clock_);
}

// A server with the secret speaks for many users.
void Endpoint::check_rate(const Caller& caller, const HttpRequest& request) {
  if (caller.has_secret) {
    return;
  }
  const auto now = all_.clock_.now();
  if (const auto wait = all_.address_rates_.take(http::client_group(request.peer()), now)) {
    refuse_rate(*wait, "limits.direct_line_address_rate");
  }
  if (const auto wait = all_.token_rates_.take(caller.claims.conversation, now)) {
    refuse_rate(*wait, "limits.direct_line_token_rate");
  }
}

// Before anything of it is stored. What is stored beside the bytes of the client counts too.
void Endpoint::take_bytes(const Caller& caller, const HttpRequest& request, std::size_t bytes) {
  constexpr std::size_t beside = 1024;
  if (!all_.history_.room().has_room(bytes + beside)) {
    throw Refusal(429, "TooManyRequests", "There is no room for more activities (limits.direct_line_histories).",
                  std::chrono::minutes(1));
  }
  if (caller.has_secret) {
    return;
  }
  if (const auto wait =
          all_.address_bytes_.take(http::client_group(request.peer()), all_.clock_.now(), bytes + beside)) {
    refuse_bytes(*wait, "limits.direct_line_address_bytes");
  }
}

// Behind a proxy that ends TLS, only the proxy knows the scheme. Nobody but whoever asks is told a wrong one.
std::string Endpoint::url_of(const HttpRequest& request, std::string_view scheme, std::string_view path) const {
  const auto forwarded = request.header("x-forwarded-proto");
  const bool secure = forwarded ? forwarded->starts_with("https") : all_.options_.tls;
  const auto host = request.header("host").value_or("localhost");
  if (!tern::detail::is_storable_text(host)) {
    refuse_argument("The Host of the request is no UTF-8.");
  }
  std::string url(scheme);
  url.append(secure ? "s" : "").append("://").append(host);
  return url.append(root_path).append(path);
}

HttpResponse Endpoint::conversation_response(unsigned status, TokenClaims claims, const HttpRequest& request,
                                             std::string_view watermark) const {
  const Access& access = *all_.access_;
  const auto path = "/conversations/" + claims.conversation + "/stream?watermark=" + std::string(watermark) +
                    "&t=" + access.make_ticket(claims);
  json::object body{{"conversationId", claims.conversation}};
  body["token"] = access.make_token(std::move(claims));
  body["expires_in"] = access.token_lifetime().count();
  body["streamUrl"] = url_of(request, "ws", path);
  body["referenceGrammarId"] = all_.options_.bot_id;
  return token_answer(status, body);
}

HttpResponse Endpoint::answer_with_id(const std::string& id) {
  return json_answer(200, {{"id", id}});
}

HttpResponse Endpoint::generate_token(HttpRequest& request) {
  const Access& access = *all_.access_;
  const auto caller = access.caller_of(request);
  if (!caller.has_secret) {
    throw Refusal(403, "Forbidden", "A new token needs the secret of Direct Line. A token is refreshed instead.");
  }
  auto claims = claims_in(object_in(request.body(), true));
  claims.conversation = random_text(id_bytes);
  json::object body{{"conversationId", claims.conversation}};
  body["token"] = access.make_token(std::move(claims));
  body["expires_in"] = access.token_lifetime().count();
  return token_answer(200, body);
}

awaitable<HttpResponse> Endpoint::refresh_token(HttpRequest& request) {
  const Access& access = *all_.access_;
  auto caller = access.caller_of(request);
  if (caller.has_secret) {
    throw Refusal(403, "Forbidden", "The secret of Direct Line does not expire. A token is refreshed.");
  }
  check_rate(caller, request);
  json::object body{{"conversationId", caller.claims.conversation}};
  body["token"] = access.make_token(std::move(caller.claims));
  body["expires_in"] = access.token_lifetime().count();
  co_return token_answer(200, body);
}

// The head of a conversation that goes on.
awaitable<Head> Endpoint::open_head(std::string id) {
  const auto conversation = all_.conversations_.at(id);
  auto head = co_await conversation->head(storage_deadline());
  if (!head || head->ended) {
    refuse_conversation();
  }
  co_return std::move(*head);
}

// A conversation that has ended can be read to its end. Then a client is told that it has ended.
awaitable<HttpResponse> Endpoint::reconnect(HttpRequest& request, std::string id) {
  auto caller = all_.access_->caller_of(request, id);
  check_rate(caller, request);  // it makes a ticket
  const auto watermark = watermark_in(request);
  const auto conversation = all_.conversations_.at(id);
  const auto head = co_await conversation->head(storage_deadline());
  if (!head || (head->ended && watermark >= head->last)) {
    refuse_conversation();
  }
  co_return conversation_response(200, std::move(caller.claims), request,
                                  watermark == 0 ? "-" : std::to_string(watermark));
}

awaitable<HttpResponse> Endpoint::get_activities(HttpRequest& request, std::string id) {
  const auto caller = all_.access_->caller_of(request, id);
  const auto watermark = watermark_in(request);
  const auto conversation = all_.conversations_.at(id);
  // A server with the secret reads for many users.
  const auto client = caller.has_secret ? std::string() : http::client_group(request.peer());
  const auto place = co_await all_.reads_.begin(id, client, storage_deadline());
  const auto page = co_await conversation->read(watermark, storage_deadline());
  if (!page || (page->ended && page->activities.empty())) {
    refuse_conversation();
  }
  all_.reads_.charge(id, client, ReadPace::cost_of(page->activities));
  // When nothing of the page is kept any more, the client goes on behind it.
  const auto frame = make_frame(page->activities, 0, page->watermark, page_bytes);
  co_return HttpResponse(200, *frame.text, json_type);
}

HttpResponse Endpoint::stream(HttpRequest& request, const std::string& id) {
  const auto watermark = watermark_in(request);
  const auto claims = all_.access_->check_ticket(request, id, query_value(request.query(), "t"));
  auto conversation = all_.conversations_.at(id);
  if (conversation->followers() >= all_.options_.bounds.conversation_sockets) {
    throw Refusal(429, "TooManyRequests",
                  "The conversation has too many sockets (limits.direct_line_conversation_sockets).",
                  std::chrono::seconds(1));
  }
  auto client = http::client_group(request.peer());
  auto taken = all_.sockets_.take(client);
  if (!taken.place) {
    const bool is_share = taken.lack == ClientPlaces::Lack::of_client;
    throw Refusal(429, "TooManyRequests",
                  is_share ? "This address has too many sockets (limits.direct_line_address_sockets)."
                           : "The bot has too many sockets (limits.direct_line_sockets).",
                  std::chrono::seconds(1));
  }
  all_.access_->use_ticket(claims);  // nothing refuses it any more, so a client that is asked to wait can try it again
  HttpResponse response(200);
  response.upgrade =
      std::make_unique<StreamSession>(std::move(conversation), watermark, std::move(taken.place),
                                      PacedReader{&all_.reads_, std::move(client)}, all_.options_.bounds, all_.clock_);
  return response;
}

HttpResponse Endpoint::session_id(HttpRequest& request) {
  (void)all_.access_->caller_of(request);
  return json_answer(200, {{"sessionId", random_text(id_bytes)}});
}

// Nobody needs a token to ask, so this read is paced too.
awaitable<std::optional<KeptFile>> Endpoint::find_file(std::string id, std::string client) {
  const auto place = co_await all_.reads_.begin({}, client, storage_deadline());
  all_.reads_.charge({}, client, 1);
  auto file = co_await all_.uploads_.find(std::move(id), storage_deadline());
  co_return file;
}

// Nothing that the file has in it may run: the browser takes the type that it is told, shows no document of this
// origin, and gets neither scripts nor frames.
awaitable<HttpResponse> Endpoint::attachment(const HttpRequest& request, std::string id) {
  auto client = http::client_group(request.peer());
  auto file = co_await find_file(std::move(id), client);
  if (!file) {
    refuse_path();
  }
  auto taken = co_await all_.downloads_.wait(client, storage_deadline());
  if (!taken.place) {
    throw Refusal(429, "TooManyRequests", "Too many files are being sent (limits.direct_line_downloads).",
                  std::chrono::seconds(1));
  }
  const auto type = attachment_type(file->type).value_or("application/octet-stream");
  HttpResponse response(200, {}, type);
  response.headers.emplace_back("Content-Disposition", std::string(is_shown(type) ? "inline" : "attachment") +
                                                           "; filename*=UTF-8''" + percent_encoded(file->name));
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; sandbox");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "cross-origin");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "private, max-age=86400, immutable");
  response.source = std::make_unique<FileBody>(all_.uploads_, std::move(*file), all_.reads_, std::move(client),
                                               std::move(taken.place), all_.clock_);
  co_return response;
}

}  // namespace tern::direct_line
