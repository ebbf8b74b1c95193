// The calls of Endpoint that begin a conversation or bring something to the bot.

#include "direct_line/account.hpp"
#include "direct_line/endpoint.hpp"
#include "direct_line/random_text.hpp"
#include "direct_line/refusal.hpp"
#include "storage/storable_text.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>
#include <tern/schema/activity_types.hpp>
#include <tern/schema/parse.hpp>
#include <tern/schema/timestamp.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tern::direct_line {

namespace {

constexpr std::size_t longest_locale = 64;
constexpr int tries_to_greet = 5;
constexpr std::chrono::seconds longest_wait_to_greet{30};
// A message is offered again to a bot that is overloaded, if it asks for no longer pause.
constexpr int tries_of_message = 4;
constexpr std::chrono::seconds longest_wait_of_message{2};
// A streamed reply that the store has not taken is tried again.
constexpr std::chrono::seconds try_of_reply{10};
constexpr std::chrono::milliseconds first_pause_of_reply{250};
constexpr std::chrono::milliseconds longest_pause_of_reply{5'000};

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
  if (result.outcome == TurnOutcome::shutting_down) {
    throw Refusal(503, "ServiceUnavailable", "The bot shuts down. Send the activity again.",
                  std::max(result.retry_after, std::chrono::seconds(1)));
  }
  throw Refusal(502, "BotError", "The bot could not handle the activity.");
}

}  // namespace

awaitable<http::HttpResponse> Endpoint::begin(http::HttpRequest& request) {
  auto caller = all_.access_->caller_of(request);
  check_rate(caller, request);
  take_bytes(caller, request, 0);
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
  all_.received_.inc();
  offer_greeting(std::move(ex), {std::move(update), caller});
}

void Endpoint::offer_greeting(executor ex, Greeting greeting) {
  all_.turns_.spawn(std::move(ex), "tell the bot of a new conversation of Direct Line",
                    [this, greeting = std::move(greeting)] { return give_greeting(greeting); });
}

// The pause is a task of its own, because the end of the process does not wait for it.
awaitable<void> Endpoint::give_greeting(Greeting greeting) {
  const auto result = co_await offer_to_bot(greeting.update, greeting.caller);
  if (result.outcome != TurnOutcome::overloaded || greeting.tries == tries_to_greet) {
    check_result(result);
    co_return;
  }
  ++greeting.tries;
  const auto ex = co_await this_coro::executor;
  const auto pause = std::clamp(result.retry_after, std::chrono::seconds(1), longest_wait_to_greet);
  all_.tasks_.spawn(ex, "wait for a bot that is overloaded",
                    [this, greeting = std::move(greeting), pause] { return greet_later(greeting, pause); });
}

awaitable<void> Endpoint::greet_later(Greeting greeting, std::chrono::seconds pause) {
  co_await sleep_for(pause, all_.clock_);
  const auto ex = co_await this_coro::executor;
  offer_greeting(ex, std::move(greeting));
}

// A client and the bot were told that all is well, so a store that is away for a while must cost no reply. The number
// of the reply makes another try safe.
awaitable<void> Endpoint::take_reply(StreamedReply reply) {
  const auto by = Deadline::after(all_.options_.reply_patience, all_.clock_);
  for (auto pause = first_pause_of_reply;; pause = std::min(pause * 2, longest_pause_of_reply)) {
    try {
      co_await all_.outbox_.send_streamed(reply, Deadline::after(try_of_reply, all_.clock_));
      co_return;
    } catch (const ChannelError& e) {
      log::warn("a streamed reply is left out, because the conversation on Direct Line does not take it",
                {{"conversation", reply.activity.conversation_id().value_or("")}, {"error", e.what()}});
      co_return;
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted || by.expired(all_.clock_)) {
        throw;
      }
    }
    co_await sleep_for(pause, all_.clock_);
  }
}

// Clients have the message already, and Web Chat gives it a new id when the user sends it once more: so the bot is
// asked again here, for a short time, before the client is told. Typing is over by then, so it does not wait.
awaitable<void> Endpoint::give_to_bot(Activity activity, Caller caller, std::string id, bool ends,
                                      std::shared_ptr<StreamedPosts::Post> post) {
  all_.received_.inc();
  OfferLine::Place place(all_.offers_, id);
  const bool may_wait = !activity.is(activity_types::typing);
  for (int tries = may_wait ? 1 : tries_of_message;; ++tries) {
    if (may_wait) {
      co_await place.next();
    }
    if (post) {
      post->offered();
    }
    const auto result = co_await offer_to_bot(activity, caller);
    const std::chrono::seconds asked = std::max(result.retry_after, std::chrono::seconds(1));
    if (result.outcome != TurnOutcome::overloaded || tries == tries_of_message || asked > longest_wait_of_message ||
        !place.refused()) {
      check_result(result);
      break;
    }
    if (post) {
      post->refused();
    }
    co_await sleep_for(asked, all_.clock_);
  }
  place.leave();
  if (ends) {
    co_await all_.conversations_.at(id)->end(storage_deadline());
  }
}

awaitable<void> Endpoint::stream_to_bot(Activity activity, Caller caller, std::string id, bool ends) {
  std::string name(std::as_const(activity).id().value_or(""));
  StreamedPosts::Work work = [this, activity = std::move(activity), caller = std::move(caller), id = std::move(id),
                              ends](std::shared_ptr<StreamedPosts::Post> post) {
    return give_to_bot(activity, caller, id, ends, std::move(post));
  };
  co_await all_.posts_.give(std::move(name), std::move(work));
}

awaitable<TurnResult> Endpoint::offer_to_bot(Activity activity, Caller caller) {
  auto who = identity_of(caller, activity);
  ChannelInlet::OnReply on_reply = [this](StreamedReply reply) { return take_reply(std::move(reply)); };
  auto result = co_await all_.bot_->receive(std::move(activity), std::move(who), std::move(on_reply));
  co_return result;
}

// The activity as it was stored when it came first; nullopt when it is not kept any more.
awaitable<std::optional<json::object>> Endpoint::stored_activity(std::string id, std::uint64_t seq) {
  const auto page = co_await all_.history_.read(std::move(id), seq, seq, storage_deadline());
  if (page.activities.empty()) {
    co_return std::nullopt;
  }
  auto value = parse_json(*page.activities.front().text);
  auto* fields = value ? value->if_object() : nullptr;
  co_return fields != nullptr ? std::optional(std::move(*fields)) : std::nullopt;
}

// Stores or shows what a client has brought. nullopt when it came before and is not kept any more. An activity that
// came before is given to the bot all the same, as it was then: the bot may have been overloaded, or have failed. The
// runtime answers a repetition of what the bot has taken (`limits.dedupe_window`) without a second turn.
awaitable<std::optional<Activity>> Endpoint::keep(Incoming& incoming, std::string id, std::string& kept_as) {
  const auto conversation = all_.conversations_.at(id);
  if (incoming.is_shown_only) {
    kept_as = id + "|typing-" + random_text(id_bytes / 2);
    const auto time = Timestamp::utc(all_.clock_.wall_now()).text();
    json::object shown = incoming.fields;
    shown["id"] = kept_as;
    shown["timestamp"] = time;
    co_await all_.conversations_.show(conversation, json::serialize(shown), storage_deadline());
    co_return for_bot(incoming, all_.options_, kept_as, time);
  }
  NewActivity made{incoming.fields, incoming.key, false, true, incoming.must_be_known};
  auto place = co_await conversation->append(std::move(made), storage_deadline());
  if (!place && incoming.must_be_known) {
    throw ForgottenPost();
  }
  if (!place) {
    refuse_conversation();
  }
  kept_as = activity_id(id, place->seq);
  if (place->timestamp.empty()) {
    auto stored = co_await stored_activity(std::move(id), place->seq);
    if (!stored) {
      co_return std::nullopt;
    }
    const auto* time = stored->if_contains("timestamp");
    place->timestamp = time != nullptr && time->is_string() ? std::string(time->get_string()) : std::string();
    incoming.fields = std::move(*stored);
  }
  co_return for_bot(incoming, all_.options_, kept_as, place->timestamp);
}

// Stores the activity, gives it to the bot, and ends the conversation if it says so.
awaitable<std::string> Endpoint::bring(Caller caller, std::string id, Incoming incoming) {
  std::string kept_as;
  auto activity = co_await keep(incoming, id, kept_as);
  if (activity && incoming.streams) {
    co_await stream_to_bot(std::move(*activity), std::move(caller), std::move(id), incoming.ends);
  } else if (activity) {
    co_await give_to_bot(std::move(*activity), std::move(caller), std::move(id), incoming.ends, nullptr);
  } else if (incoming.ends) {
    co_await all_.conversations_.at(id)->end(storage_deadline());
  }
  co_return kept_as;
}

awaitable<http::HttpResponse> Endpoint::post_activity(http::HttpRequest& request, std::string id) {
  auto caller = all_.access_->caller_of(request, id);
  check_rate(caller, request);
  if (request.body().size() > all_.options_.bounds.message) {
    throw Refusal(413, "MessageSizeTooBig", "The activity is larger than limits.direct_line_message.");
  }
  auto given = object_in(request.body(), false);
  const auto head = co_await open_head(id);
  auto incoming = check_incoming(std::move(given), caller, head, id);
  if (!incoming.is_shown_only && !is_known_post(head, incoming.key)) {
    take_bytes(caller, request, request.body().size());
  }
  const auto made = co_await bring(std::move(caller), std::move(id), std::move(incoming));
  co_return answer_with_id(made);
}

}  // namespace tern::direct_line
