#include "runtime/reference_capture.hpp"

#include "turn/conversation_kind.hpp"
#include "turn/kept_reference.hpp"
#include "turn/keys.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <functional>

namespace tern::runtime {

namespace {

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) {
  return (seed ^ value) * 0x9E3779B97F4A7C15ULL + (seed >> 29);
}

std::uint64_t hash_member(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr ? std::hash<json::value>{}(*found) : 0;
}

std::uint64_t key_of(std::string_view channel, std::string_view user, std::string_view conversation) noexcept {
  const std::hash<std::string_view> hash;
  return mix(mix(hash(channel), hash(user)), hash(conversation));
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

}  // namespace

namespace {

// What a reference that is kept says of the conversation as a whole.
std::string place_in(const std::string& reference) {
  auto parsed = parse_json(reference);
  json::object place;
  for (const auto* name : {"serviceUrl", "conversation", "bot"}) {
    if (const auto* value = parsed->as_object().if_contains(name)) {
      place[name] = *value;
    }
  }
  return json::serialize(place);
}

}  // namespace

ReferenceCapture::ReferenceCapture(std::string bot_id, LastConversations& last, std::size_t longest,
                                   std::size_t capacity)
    : bot_id_(std::move(bot_id)), last_(last), longest_(longest), capacity_(std::max<std::size_t>(capacity, 2)) {}

std::optional<ReferenceCapture::Seen> ReferenceCapture::identify(const Activity& activity) const {
  const auto user = activity.from_id();
  const auto conversation = activity.conversation_id();
  if (!user || user->empty() || !conversation || !activity.service_url() || user == activity.recipient_id()) {
    return std::nullopt;
  }
  const auto channel = activity.channel_id().value_or("");
  const auto& fields = activity.json();
  const auto url = hash_member(fields, "serviceUrl");
  const auto bot = hash_member(fields, "recipient");
  Seen seen;
  seen.key = key_of(channel, *user, *conversation);
  for (const auto part :
       {url, hash_member(fields, "from"), bot, hash_member(fields, "conversation"), hash_member(fields, "locale")}) {
    seen.fingerprint = mix(seen.fingerprint, part);
  }
  const auto& account = fields.at("conversation").get_object();  // its id is there
  seen.personal = detail::is_personal(account);
  if (!seen.personal) {
    seen.place = key_of(channel, {}, *conversation);  // no user's id is empty
    seen.place_fingerprint = mix(mix(url, bot), hash_member(account, "tenantId"));
  }
  const std::hash<std::string_view> hash;
  seen.conversation = hash(*conversation);
  seen.user = key_of(channel, *user, seen.personal ? "personal" : "others");
  return seen;
}

bool ReferenceCapture::knows(std::uint64_t key, std::uint64_t fingerprint) const {
  const auto is_in = [&](const Map& map) {
    const auto found = map.find(key);
    return found != map.end() && found->second == fingerprint;
  };
  return is_in(young_) || is_in(old_);
}

bool ReferenceCapture::has_news(const Activity& activity) const {
  const auto seen = identify(activity);
  if (!seen) {
    return false;
  }
  return bot_was_removed(activity) || !knows(seen->key, seen->fingerprint) ||
         (seen->place != 0 && !knows(seen->place, seen->place_fingerprint)) ||
         !last_.is_last(seen->user, seen->conversation);
}

std::optional<ReferenceCapture::Seen> ReferenceCapture::observe(const Activity& activity, detail::UnitOfWork& work) {
  auto seen = identify(activity);
  if (!seen) {
    return std::nullopt;
  }
  const auto channel = activity.channel_id().value_or("");
  const auto user = *activity.from_id();
  const auto conversation = *activity.conversation_id();
  auto key = detail::reference_key(bot_id_, channel, user, conversation);
  if (bot_was_removed(activity)) {
    work.forget_reference(std::move(key));
    if (seen->place != 0) {
      work.forget_reference(detail::address_key(bot_id_, channel, conversation));
    }
    // Never the fingerprint of what is there: the next activity writes it again.
    seen->fingerprint = seen->place_fingerprint = 0;
    seen->user = 0;
    return seen;
  }
  const bool is_elsewhere = !last_.is_last(seen->user, seen->conversation);
  if (is_elsewhere) {
    last_.note(seen->user, seen->conversation);
  }
  auto reference = detail::kept_reference(activity, longest_);
  if (!reference) {
    seen->too_large = true;  // and so are its parts
    return seen;
  }
  if (seen->place != 0 && !knows(seen->place, seen->place_fingerprint)) {
    work.capture_reference(detail::address_key(bot_id_, channel, conversation), place_in(*reference));
  }
  if (is_elsewhere) {
    json::object last;
    last["conversation"] = json::value(conversation);
    work.capture_reference(detail::last_conversation_key(bot_id_, channel, user, seen->personal),
                           json::serialize(last));
  }
  if (!knows(seen->key, seen->fingerprint)) {
    work.capture_reference(std::move(key), std::move(*reference));
  }
  return seen;
}

void ReferenceCapture::written(const Seen& seen) {
  remember(seen.key, seen.fingerprint);
  if (seen.place != 0) {
    remember(seen.place, seen.place_fingerprint);
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

void ReferenceCapture::remember(std::uint64_t key, std::uint64_t fingerprint) {
  if (young_.size() >= capacity_ / 2) {
    old_ = std::move(young_);
    young_ = Map();
  }
  old_.erase(key);  // first: without room in the young it is forgotten, and not taken for what it was before
  young_.insert_or_assign(key, fingerprint);
}

void ReferenceCapture::forget(std::string_view channel, std::string_view user, std::string_view conversation) noexcept {
  const auto key = key_of(channel, user, conversation);
  young_.erase(key);
  old_.erase(key);
}

}  // namespace tern::runtime
