#include "runtime/reference_capture.hpp"

#include "turn/conversation_kind.hpp"
#include "turn/kept_reference.hpp"
#include "turn/keys.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <bit>
#include <initializer_list>

namespace tern::runtime {

namespace {

using detail::KeyedHasher;

// The order of members counts: the same members in another order cost a write that was not needed.
void add(KeyedHasher& hasher, const json::value& value) noexcept {
  hasher.add(static_cast<std::uint64_t>(value.kind()));
  if (const auto* object = value.if_object()) {
    hasher.add(std::uint64_t{object->size()});
    for (const auto& member : *object) {
      hasher.add(std::string_view(member.key()));
      add(hasher, member.value());
    }
  } else if (const auto* array = value.if_array()) {
    hasher.add(std::uint64_t{array->size()});
    for (const auto& item : *array) {
      add(hasher, item);
    }
  } else if (const auto* text = value.if_string()) {
    hasher.add(std::string_view(text->data(), text->size()));
  } else if (const auto* flag = value.if_bool()) {
    hasher.add(std::uint64_t{*flag});
  } else if (const auto* whole = value.if_int64()) {
    hasher.add(static_cast<std::uint64_t>(*whole));
  } else if (const auto* large = value.if_uint64()) {
    hasher.add(*large);
  } else if (const auto* real = value.if_double()) {
    hasher.add(std::bit_cast<std::uint64_t>(*real));
  }
}

void add_member(KeyedHasher& hasher, const json::object& object, std::string_view name) noexcept {
  const auto* found = object.if_contains(name);
  hasher.add(std::uint64_t{found != nullptr});
  if (found != nullptr) {
    add(hasher, *found);
  }
}

KeyedHasher key_of(std::string_view channel, std::string_view user, std::string_view conversation) noexcept {
  KeyedHasher hasher;
  for (const auto part : {channel, user, conversation}) {
    hasher.add(part);
  }
  return hasher;
}

// What `Trust` stores of a caller.
void add_caller(KeyedHasher& hasher, const Identity* caller) noexcept {
  if (caller != nullptr && !caller->is_anonymous()) {
    hasher.add(static_cast<std::uint64_t>(caller->kind));
    hasher.add({detail::app_of(*caller), std::string_view(caller->tenant_id)});
  }
}

// A digest of the key and the content, so that equal content under another key has another digest.
detail::KeyedDigest fingerprint_of(KeyedHasher key, const json::object& fields,
                                   std::initializer_list<std::string_view> names) noexcept {
  for (const auto name : names) {
    add_member(key, fields, name);
  }
  return key.digest();
}

bool bot_was_removed(const Activity& activity) {
  const auto action = activity.action().value_or("");
  if (activity.is(activity_types::installation_update)) {
    return action == "remove" || action == "remove-upgrade";
  }
  if (activity.is(activity_types::contact_relation_update)) {
    return action == "remove";
  }
  if (!activity.is(activity_types::conversation_update) || !activity.recipient_id()) {
    return false;
  }
  const auto removed = activity.members_removed();
  return std::any_of(removed.begin(), removed.end(),
                     [&](const ChannelAccount& member) { return member.id() == activity.recipient_id(); });
}

// Whether the user counts as writing in the conversation: it is where messages for this user belong. A message, its
// edit and a button do count, and so does the beginning of a conversation, in which nothing was written yet.
bool is_writing(const Activity& activity) {
  if (activity.is(activity_types::message) || activity.is(activity_types::message_update) ||
      activity.is(activity_types::invoke)) {
    return true;
  }
  const auto action = activity.action().value_or("");
  return (activity.is(activity_types::conversation_update) && !activity.members_added().empty()) ||
         (activity.is(activity_types::installation_update) && (action == "add" || action == "add-upgrade")) ||
         (activity.is(activity_types::contact_relation_update) && action == "add");
}

}  // namespace

namespace {

// The members of a stored reference that hold for the whole conversation.
std::string address_in(const std::string& reference) {
  auto parsed = parse_json(reference);
  json::object address;
  for (const std::string_view name : {std::string_view("serviceUrl"), std::string_view("conversation"),
                                      std::string_view("bot"), detail::trust_member}) {
    if (const auto* value = parsed->as_object().if_contains(name)) {
      address[name] = *value;
    }
  }
  return json::serialize(address);
}

}  // namespace

ReferenceCapture::ReferenceCapture(std::string bot_id, LastConversations& last, std::size_t longest,
                                   std::size_t capacity)
    : bot_id_(std::move(bot_id)), last_(last), longest_(longest), capacity_(std::max<std::size_t>(capacity, 2)) {}

std::optional<ReferenceCapture::Seen> ReferenceCapture::identify(const Activity& activity,
                                                                 const Identity* caller) const {
  const auto user = activity.from_id();
  const auto conversation = activity.conversation_id();
  if (!user || user->empty() || !conversation || !activity.service_url() || user == activity.recipient_id()) {
    return std::nullopt;
  }
  const auto channel = activity.channel_id().value_or("");
  const auto& fields = activity.json();
  Seen seen;
  auto key = key_of(channel, *user, *conversation);
  seen.key = key.hash();
  add_caller(key, caller);
  seen.fingerprint = fingerprint_of(key, fields, {"serviceUrl", "from", "recipient", "conversation", "locale"});
  const auto& account = fields.at("conversation").get_object();  // the activity has a conversation id
  seen.personal = detail::is_personal(account);
  if (!seen.personal) {
    auto address = key_of(channel, {}, *conversation);  // no user's id is empty
    seen.address = address.hash();
    add_member(address, account, "tenantId");
    add_caller(address, caller);
    seen.address_fingerprint = fingerprint_of(address, fields, {"serviceUrl", "recipient"});
  }
  auto last = key_of(channel, *user, seen.personal ? "personal" : "others");
  seen.user = last.hash();
  last.add(*conversation);
  seen.conversation = last.digest();
  return seen;
}

bool ReferenceCapture::knows(std::uint64_t key, const detail::KeyedDigest& fingerprint) const {
  const auto is_in = [&](const Map& map) {
    const auto found = map.find(key);
    return found != map.end() && found->second.fingerprint == fingerprint && last_.is_trusted(found->second.since);
  };
  return is_in(young_) || is_in(old_);
}

bool ReferenceCapture::has_news(const Activity& activity, const Identity* caller) const {
  const auto seen = identify(activity, caller);
  if (!seen) {
    return false;
  }
  return bot_was_removed(activity) || !knows(seen->key, seen->fingerprint) ||
         (seen->address != 0 && !knows(seen->address, seen->address_fingerprint)) ||
         (is_writing(activity) && !last_.is_last(seen->user, seen->conversation));
}

// The bot was removed from the conversation: its stored references are removed.
ReferenceCapture::Seen ReferenceCapture::forget_stored(Seen seen, const Activity& activity,
                                                       detail::UnitOfWork& work) const {
  const auto channel = activity.channel_id().value_or("");
  const auto conversation = *activity.conversation_id();
  work.forget_reference(detail::reference_key(bot_id_, channel, *activity.from_id(), conversation));
  if (seen.address != 0) {
    work.forget_reference(detail::address_key(bot_id_, channel, conversation));
  }
  // No stored reference has this fingerprint, so the next activity writes the reference again.
  seen.fingerprint = seen.address_fingerprint = {};
  seen.user = 0;
  return seen;
}

std::vector<std::string> ReferenceCapture::keys_of(const Activity& activity) const {
  const auto channel = activity.channel_id().value_or("");
  const auto user = activity.from_id().value_or("");
  const auto conversation = activity.conversation_id().value_or("");
  return {detail::reference_key(bot_id_, channel, user, conversation),
          detail::address_key(bot_id_, channel, conversation), last_key_of(activity)};
}

std::string ReferenceCapture::last_key_of(const Activity& activity) const {
  const auto& account = activity.json().at("conversation").get_object();
  return detail::last_conversation_key(bot_id_, activity.channel_id().value_or(""), activity.from_id().value_or(""),
                                       detail::is_personal(account));
}

ReferenceCapture::Judged ReferenceCapture::judge(const Activity& activity, const Identity* caller,
                                                 const StoreItems& stored, bool checks_callers) const {
  const auto trust = caller != nullptr ? detail::Trust::of(*caller) : detail::Trust();
  const auto last = last_key_of(activity);
  Judged judged;
  for (const auto& item : stored) {
    const auto document = parse_json(item.document);
    if (!document || !document->is_object()) {
      continue;
    }
    const auto& fields = document->get_object();
    const auto known = detail::Trust::in(fields);
    const auto* url = fields.if_contains("serviceUrl");
    const bool stays = known == trust && url != nullptr && url->is_string() &&
                       std::string_view(url->get_string()) == activity.service_url();
    if (stays || (checks_callers ? detail::may_move(known, trust) : detail::may_cross(known, trust))) {
      continue;
    }
    judged.disbelieved = item.key;
    judged.allowed = item.key == last && judged.allowed != Allowed::none ? Allowed::all_but_last : Allowed::none;
  }
  return judged;
}

std::optional<ReferenceCapture::Seen> ReferenceCapture::observe(const Activity& activity, detail::UnitOfWork& work,
                                                                const Identity* caller, Allowed allowed) {
  auto seen = identify(activity, caller);
  if (!seen) {
    return std::nullopt;
  }
  if (bot_was_removed(activity)) {
    return forget_stored(*seen, activity, work);
  }
  const auto channel = activity.channel_id().value_or("");
  const auto user = *activity.from_id();
  const auto conversation = *activity.conversation_id();
  const bool may_be_last = allowed == Allowed::all && is_writing(activity);
  const bool is_elsewhere = may_be_last && !last_.is_last(seen->user, seen->conversation);
  if (!may_be_last) {
    seen->user = 0;
  }
  if (is_elsewhere) {
    last_.note(seen->user, seen->conversation);
  }
  const auto trust = caller != nullptr ? detail::Trust::of(*caller) : detail::Trust();
  auto reference = detail::kept_reference(activity, trust, longest_);
  if (!reference) {
    seen->too_large = true;  // the other two documents are not written either
    return seen;
  }
  if (seen->address != 0 && !knows(seen->address, seen->address_fingerprint)) {
    work.capture_reference(detail::address_key(bot_id_, channel, conversation), address_in(*reference));
  }
  if (is_elsewhere) {
    json::object last;
    last["conversation"] = json::value(conversation);
    trust.put(last);
    work.capture_reference(detail::last_conversation_key(bot_id_, channel, user, seen->personal),
                           json::serialize(last));
  }
  if (!knows(seen->key, seen->fingerprint)) {
    work.capture_reference(detail::reference_key(bot_id_, channel, user, conversation), std::move(*reference));
  }
  return seen;
}

void ReferenceCapture::written(const Seen& seen) {
  remember(seen.key, seen.fingerprint);
  if (seen.address != 0) {
    remember(seen.address, seen.address_fingerprint);
  }
  if (seen.user != 0) {
    last_.written(seen.user, seen.conversation);
  }
}

void ReferenceCapture::lost(const Seen& seen) {
  if (seen.user != 0) {
    last_.forget(seen.user);
  }
}

void ReferenceCapture::remember(std::uint64_t key, const detail::KeyedDigest& fingerprint) {
  if (young_.size() >= capacity_ / 2) {
    old_ = std::move(young_);
    young_ = Map();
  }
  old_.erase(key);  // first: if the insertion throws, no outdated fingerprint may stay
  young_.insert_or_assign(key, Written{fingerprint, last_.now()});
}

void ReferenceCapture::forget(std::string_view channel, std::string_view user, std::string_view conversation) noexcept {
  const auto key = key_of(channel, user, conversation).hash();
  young_.erase(key);
  old_.erase(key);
}

}  // namespace tern::runtime
