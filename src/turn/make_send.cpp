#include "turn/make_send.hpp"

#include "storage/sha256.hpp"
#include "storage/storable_text.hpp"
#include "turn/annotations.hpp"
#include "turn/keys.hpp"
#include "turn/path_segment.hpp"
#include "turn/trust.hpp"

#include <tern/error.hpp>

#include <boost/json/serialize.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tern::detail {

namespace {

constexpr std::size_t max_send_key = 512;

// The key of a caller is stored unchanged, so that keys that earlier versions have stored are still known. Only a key
// that begins like a key of the framework gets a prefix.
constexpr std::string_view of_bot = "bot/";
constexpr std::string_view of_conversation = "conversation/";
constexpr std::array made_keys{of_bot, of_conversation, std::string_view("turn/"), std::string_view("continuation/")};

// The reply that cancels the send: that of the reference's user, in a group too; without a user, that of anybody.
std::string reply_awaited(const std::string& bot_id, const ConversationReference& reference) {
  const auto channel = reference.channel_id().value_or("");
  const auto conversation = reference.conversation_id().value_or("");
  const auto user = reference.user_id().value_or("");
  return user.empty() ? conversation_key(bot_id, channel, conversation)
                      : reply_key(bot_id, channel, conversation, user);
}

ScheduledSend make_send(const std::string& bot_id, WallTime now, const ConversationReference& reference, WallTime due,
                        const SendOptions& options) {
  require_reachable(reference);
  if (options.given_key().size() > max_send_key || options.given_order_key().size() > max_send_key) {
    throw_error(errc::invalid_argument, "SendOptions::key and order_key take at most 512 bytes.");
  }
  require_in_horizon(now, due);
  const auto annotations = Annotations::of(options);
  ScheduledSend send;
  // Every backend stores whole microseconds. The time is rounded up, so that a send is never early.
  send.handle.due = std::chrono::ceil<std::chrono::microseconds>(annotations.awake(std::max(due, now)));
  auto conversation =
      conversation_key(bot_id, reference.channel_id().value_or(""), reference.conversation_id().value_or(""));
  send.idempotency_key = stored_key(options, conversation);
  if (options.is_cancelled_on_reply()) {
    send.cancel_on_reply = reply_awaited(bot_id, reference);
  }
  send.order_key = options.given_order_key();
  if (send.order_key.empty()) {
    send.order_key = std::move(conversation);
  }
  send.at_most_once = options.is_at_most_once();
  send.annotations = annotations.to_string();
  send.handle.slot = slot_of(send.order_key);
  send.handle.id = new_send_id();
  send.reference = json::serialize(reference.without_activity().json());
  send.expires = options.expiry();
  if (send.expires && *send.expires < send.handle.due) {
    throw_error(errc::invalid_argument, "The send would expire before it is due, and never be sent.");
  }
  boost::uuids::uuid request_id;
  const auto bytes = new_send_id();
  std::copy(bytes.begin(), bytes.end(), request_id.begin());
  send.client_request_id = boost::uuids::to_string(request_id);
  return send;
}

}  // namespace

void require_in_horizon(WallTime now, WallTime due) {
  if (due > now + send_horizon) {
    throw_error(errc::invalid_argument, "A send can be scheduled at most five years ahead.");
  }
}

void require_reachable(const ConversationReference& reference) {
  if (!reference.conversation_id() || reference.conversation_id()->empty()) {
    throw_error(errc::invalid_argument, "The conversation reference has no conversation.id.");
  }
  if (!may_stand_in_path(*reference.conversation_id())) {
    throw_error(errc::invalid_argument, "The conversation reference's conversation.id is \"" +
                                            std::string(*reference.conversation_id()) +
                                            "\", which cannot be part of a URL, so nothing can be sent there.");
  }
  if (!reference.service_url() || reference.service_url()->empty()) {
    throw_error(errc::invalid_argument,
                "The conversation reference has no serviceUrl, so nothing can be sent there. The activity that it was "
                "made of had none, as is allowed with deliveryMode expectReplies or stream.");
  }
}

void address_proactive(Activity& activity, const ConversationReference& reference) {
  if (activity.type().empty()) {
    throw_error(errc::invalid_argument,
                "An activity without a type cannot be sent. Use Activity::message(...) or another factory.");
  }
  activity.apply_reference(reference, false);
}

void note_caller(Activity& activity, const ConversationReference& reference) {
  note_caller(activity, vouching_bot(reference.json().if_contains(trust_member)));
}

ScheduledSend make_activity_send(const std::string& bot_id, WallTime now, const ConversationReference& reference,
                                 WallTime due, Activity activity, const SendOptions& options) {
  auto send = make_send(bot_id, now, reference, due, options);
  send.kind = SendKind::activity;
  address_proactive(activity, reference);
  send.payload = json::serialize(activity.json());
  return send;
}

std::string stored_key(const SendOptions& options, const std::string& conversation) {
  const auto& key = options.given_key();
  if (key.empty()) {
    return {};
  }
  if (options.given_key_scope() == KeyScope::conversation) {
    return bounded_key(std::string(of_conversation) + conversation + '/' + key);
  }
  const bool looks_made =
      std::any_of(made_keys.begin(), made_keys.end(), [&](std::string_view made) { return key.starts_with(made); });
  return looks_made ? std::string(of_bot) + key : key;
}

GivenKey given_key(const std::string& stored) {
  if (stored.starts_with(of_bot)) {
    return {stored.substr(of_bot.size())};
  }
  if (stored.starts_with(of_conversation)) {
    auto rest = std::string_view(stored).substr(of_conversation.size());
    for (int parts = 3; parts > 0 && rest.find('/') != std::string_view::npos; --parts) {
      rest.remove_prefix(rest.find('/') + 1);  // bot, channel, conversation
    }
    return {std::string(rest), KeyScope::conversation};
  }
  return {stored};
}

SendDigest digest_of(const ScheduledSend& send, const ConversationReference& reference, std::string_view what,
                     std::string_view rule) {
  std::string promised;
  promised += send.kind == SendKind::activity ? 'a' : 'c';
  promised += send.at_most_once ? '1' : '-';
  promised += send.cancel_on_reply.empty() ? '-' : 'r';
  for (const std::string_view part : {rule, std::string_view(send.order_key), reference.channel_id().value_or(""),
                                      reference.conversation_id().value_or(""), reference.user_id().value_or(""),
                                      reference.bot_id().value_or(""), std::string_view(send.annotations), what}) {
    promised += std::to_string(part.size());
    promised += ':';
    promised += part;
  }
  const auto all = sha256(promised);
  SendDigest digest{};
  std::copy_n(all.begin(), digest.size(), digest.begin());
  return digest;
}

void note_trace(ScheduledSend& send, const Activity& activity) {
  if (const auto id = activity.id()) {
    note_trace(send, *id);
  }
}

void note_trace(ScheduledSend& send, std::string_view turn_id) {
  constexpr std::size_t longest = 128;
  auto annotations = Annotations::parse(send.annotations);
  annotations.trace = storable_text(turn_id, longest);
  send.annotations = annotations.to_string();
}

ScheduledSend make_continuation_send(const std::string& bot_id, WallTime now, const ConversationReference& reference,
                                     WallTime due, const std::string& name, json::value value,
                                     const SendOptions& options) {
  auto send = make_send(bot_id, now, reference, due, options);
  send.kind = SendKind::continuation;
  json::object payload;
  payload["name"] = name;
  payload["value"] = std::move(value);
  send.payload = json::serialize(payload);
  return send;
}

}  // namespace tern::detail
