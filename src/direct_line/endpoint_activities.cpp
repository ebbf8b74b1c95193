// The calls of Endpoint that begin a conversation or bring something to the bot.

#include "direct_line/account.hpp"
#include "direct_line/attachment_types.hpp"
#include "direct_line/endpoint.hpp"
#include "direct_line/multipart.hpp"
#include "direct_line/random_text.hpp"
#include "direct_line/refusal.hpp"
#include "storage/storable_text.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace tern::direct_line {

namespace {

constexpr std::size_t max_files = 20;
constexpr std::size_t longest_locale = 64;
constexpr int tries_to_greet = 5;
constexpr std::chrono::seconds longest_wait_to_greet{30};
constexpr std::string_view activity_type_of_part = "application/vnd.microsoft.activity";

http::HttpResponse id_answer(const std::string& id) {
  return http::HttpResponse(200, json::serialize(json::object{{"id", id}}), json_type);
}

std::string locale_in(const json::object& parameters) {
  const auto* locale = parameters.if_contains("locale");
  const bool fits = locale != nullptr && locale->is_string() && locale->get_string().size() <= longest_locale &&
                    tern::detail::is_storable_text(locale->get_string());
  return fits ? std::string(locale->get_string()) : std::string();
}

Head head_of(const json::object& parameters, const TokenClaims& claims, bool has_secret) {
  Head head;
  head.channel = claims.channel();
  head.user = claims.user;
  head.user_name = claims.name;
  if (head.user.empty()) {
    const auto user = account_in(parameters, "user");
    if (is_reserved(user.id) && !has_secret) {
      refuse_argument("Only a token may give an id that begins with dl_, and this token names no user.");
    }
    head.user = user.id;
    head.user_name = user.name;
  }
  head.locale = locale_in(parameters);
  const auto* streams = parameters.if_contains("streaming");
  head.streams = streams != nullptr && streams->is_bool() && streams->get_bool();
  return head;
}

Identity identity_of(const Caller& caller, const Activity& activity) {
  Identity who;
  who.kind = Identity::Kind::channel;
  who.claims["user"] = activity.from_id().value_or("");
  // Whether somebody with the secret says that this is the user, or the user alone.
  who.claims["vouched"] = caller.has_secret || !caller.claims.user.empty();
  return who;
}

void check_result(const TurnResult& result) {
  if (result.is_accepted() || result.outcome == TurnOutcome::forgotten) {
    return;
  }
  if (result.outcome == TurnOutcome::overloaded) {
    throw Refusal(429, "TooManyRequests", result.reason, std::max(result.retry_after, std::chrono::seconds(1)));
  }
  throw Refusal(502, "BotError", "The bot could not handle the activity.");
}

// The attachment of the activity that a file belongs to, or a new one at the end.
json::object& attachment_of(json::array& attachments, const std::string& name) {
  for (auto& each : attachments) {
    auto* attachment = each.if_object();
    const auto* known = attachment != nullptr ? attachment->if_contains("name") : nullptr;
    if (known != nullptr && known->is_string() && known->get_string() == name && !attachment->contains("contentUrl")) {
      return *attachment;
    }
  }
  return attachments.emplace_back(json::object{{"name", name}}).get_object();
}

json::array& attachments_in(json::object& activity) {
  auto* found = activity.if_contains("attachments");
  if (found == nullptr || !found->is_array()) {
    activity["attachments"] = json::array();
  }
  return activity.at("attachments").get_array();
}

}  // namespace

awaitable<http::HttpResponse> Endpoint::begin(http::HttpRequest& request) {
  auto caller = all_.access_->caller_of(request);
  check_rate(caller, request);
  const auto parameters = object_in(request.body(), true);
  TokenClaims claims = caller.claims;
  if (caller.has_secret) {
    claims = claims_in(parameters);
    claims.conversation = random_text(id_bytes);
  }
  const auto head = head_of(parameters, claims, caller.has_secret);
  const auto id = claims.conversation;
  const bool is_new = co_await all_.history_.begin(id, head, storage_deadline());
  if (is_new) {
    const auto ex = co_await this_coro::executor;
    greet(ex, head, id, caller);
  } else {
    (void)co_await open_head(id);
  }
  co_return conversation_response(is_new ? 201 : 200, std::move(claims), request, "-");
}

// Nobody waits for the turn: a bot may take its time to greet. Nobody brings the update once more either, so a bot that
// is overloaded is asked again.
void Endpoint::greet(executor ex, const Head& head, const std::string& id, const Caller& caller) {
  auto update = conversation_update(head, id, all_.options_, Timestamp::utc(all_.clock_.wall_now()).text());
  all_.tasks_.spawn(std::move(ex), "tell the bot of a new conversation of Direct Line",
                    [this, update = std::move(update), caller] { return give_until_taken(update, caller); });
}

awaitable<void> Endpoint::give_until_taken(Activity update, Caller caller) {
  all_.received_.inc();
  for (int tries = 1;; ++tries) {
    const auto result = co_await offer_to_bot(update, caller);
    if (result.outcome != TurnOutcome::overloaded || tries == tries_to_greet) {
      check_result(result);
      co_return;
    }
    const std::chrono::seconds asked = result.retry_after;
    co_await sleep_for(std::clamp(asked, std::chrono::seconds(1), longest_wait_to_greet), all_.clock_);
  }
}

awaitable<void> Endpoint::take_reply(Activity reply) {
  constexpr std::chrono::seconds reply_timeout{10};
  (void)co_await all_.outbox_.send(reply, {}, Deadline::after(reply_timeout, all_.clock_));
}

awaitable<void> Endpoint::give_to_bot(Activity activity, Caller caller) {
  all_.received_.inc();
  const auto result = co_await offer_to_bot(std::move(activity), std::move(caller));
  check_result(result);
}

awaitable<TurnResult> Endpoint::offer_to_bot(Activity activity, Caller caller) {
  auto who = identity_of(caller, activity);
  ChannelInlet::OnReply on_reply = [this](Activity reply) { return take_reply(std::move(reply)); };
  auto result = co_await all_.bot_->receive(std::move(activity), std::move(who), std::move(on_reply));
  co_return result;
}

// Long: stores the activity, gives it to the bot, and ends the conversation if it says so.
awaitable<std::string> Endpoint::bring(Caller caller, std::string id, json::object given) {
  const auto head = co_await open_head(id);
  auto incoming = check_incoming(std::move(given), caller, head, id);
  const auto conversation = all_.conversations_.at(id);
  std::string activity_id_of;
  std::string timestamp;
  if (incoming.is_shown_only) {
    activity_id_of = id + "|typing-" + random_text(id_bytes / 2);
    timestamp = Timestamp::utc(all_.clock_.wall_now()).text();
  } else {
    auto place = co_await conversation->append(NewActivity{incoming.fields, {}, false}, storage_deadline());
    if (!place) {
      refuse_conversation();
    }
    activity_id_of = activity_id(id, place->seq);
    timestamp = std::move(place->timestamp);
  }
  auto activity = for_bot(incoming, all_.options_, activity_id_of, timestamp);
  co_await give_to_bot(std::move(activity), std::move(caller));
  if (incoming.ends) {
    co_await conversation->end(storage_deadline());
  }
  co_return activity_id_of;
}

awaitable<http::HttpResponse> Endpoint::post_activity(http::HttpRequest& request, std::string id) {
  auto caller = all_.access_->caller_of(request, id);
  check_rate(caller, request);
  if (request.body().size() > all_.options_.bounds.message) {
    throw Refusal(413, "MessageSizeTooBig", "The activity is larger than limits.direct_line_message.");
  }
  auto given = object_in(request.body(), false);
  const auto made = co_await bring(std::move(caller), std::move(id), std::move(given));
  co_return id_answer(made);
}

awaitable<http::HttpResponse> Endpoint::upload(http::HttpRequest& request, std::string id) {
  auto caller = all_.access_->caller_of(request, id);
  check_rate(caller, request);
  auto user = query_value(request.query(), "userId");
  check_user_id(user);
  const auto head = co_await open_head(id);
  auto form = read_form(request);
  if (!form.activity.contains("from") && !user.empty()) {
    form.activity["from"] = json::object{{"id", user}};
  }
  (void)check_incoming(form.activity, caller, head, id);  // before anything is kept
  auto given = co_await keep_files(std::move(form), url_of(request, "http", "/attachments/"));
  const auto made = co_await bring(std::move(caller), std::move(id), std::move(given));
  co_return id_answer(made);
}

// Long: each part of the body.
Endpoint::Form Endpoint::read_form(http::HttpRequest& request) const {
  const auto parts = read_multipart(request.header("content-type").value_or(""), request.body(), max_files + 1);
  if (!parts) {
    refuse_argument(parts.error());
  }
  Form form{json::object{{"type", "message"}}, {}};
  std::size_t bytes = 0;
  for (const auto& part : *parts) {
    const bool is_activity = part.content_type.substr(0, activity_type_of_part.size()) == activity_type_of_part;
    if (is_activity) {
      if (part.content.size() > all_.options_.bounds.message) {
        throw Refusal(413, "MessageSizeTooBig", "The activity is larger than limits.direct_line_message.");
      }
      form.activity = object_in(part.content, false);
      continue;
    }
    const auto type = attachment_type(part.content_type);
    if (!type) {
      throw Refusal(400, "UnsupportedAttachment", "Files of this type are not taken, because a browser may run them.");
    }
    if (!tern::detail::is_storable_text(part.file_name)) {
      refuse_argument("The name of a file is no UTF-8.");
    }
    bytes += part.content.size();
    form.files.push_back({attachment_name(part.file_name), std::string(*type), std::string(part.content)});
  }
  if (form.files.empty()) {
    throw Refusal(400, "MissingProperty", "The body has no file. Send an activity without files to /activities.");
  }
  if (bytes > all_.options_.bounds.upload) {
    throw Refusal(413, "MessageSizeTooBig", "The files are larger than limits.direct_line_upload.");
  }
  return form;
}

awaitable<json::object> Endpoint::keep_files(Form form, std::string base) {
  auto& attachments = attachments_in(form.activity);
  for (auto& file : form.files) {
    auto& attachment = attachment_of(attachments, file.name);
    attachment["contentType"] = file.type;
    const auto name = percent_encoded(file.name);
    const auto id = co_await all_.uploads_.keep(std::move(file), storage_deadline());
    if (!id) {
      throw Refusal(429, "TooManyRequests", "There is no room for more files (limits.direct_line_uploads).",
                    std::chrono::minutes(1));
    }
    attachment["contentUrl"] = std::string(base).append(*id).append("/").append(name);
  }
  co_return std::move(form.activity);
}

}  // namespace tern::direct_line
