#include "runtime/reference_capture.hpp"

#include "turn/kept_reference.hpp"
#include "turn/keys.hpp"
#include "turn/unit_of_work.hpp"

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

ReferenceCapture::ReferenceCapture(std::string bot_id, std::size_t longest, std::size_t capacity)
    : bot_id_(std::move(bot_id)), longest_(longest), capacity_(std::max<std::size_t>(capacity, 2)) {}

std::optional<ReferenceCapture::Seen> ReferenceCapture::identify(const Activity& activity) const {
  const auto user = activity.from_id();
  const auto conversation = activity.conversation_id();
  if (!user || user->empty() || !conversation || !activity.service_url() || user == activity.recipient_id()) {
    return std::nullopt;
  }
  Seen seen;
  seen.key = key_of(activity.channel_id().value_or(""), *user, *conversation);
  const auto& fields = activity.json();
  for (const auto* name : {"serviceUrl", "from", "recipient", "conversation", "locale"}) {
    seen.fingerprint = mix(seen.fingerprint, hash_member(fields, name));
  }
  return seen;
}

bool ReferenceCapture::has_news(const Activity& activity) const {
  const auto seen = identify(activity);
  if (!seen) {
    return false;
  }
  if (bot_was_removed(activity)) {
    return true;
  }
  const auto known = [&](const Map& map) {
    const auto found = map.find(seen->key);
    return found != map.end() && found->second == seen->fingerprint;
  };
  return !known(young_) && !known(old_);
}

std::optional<ReferenceCapture::Seen> ReferenceCapture::observe(const Activity& activity, detail::UnitOfWork& work) {
  auto seen = identify(activity);
  if (!seen) {
    return std::nullopt;
  }
  auto key = detail::reference_key(bot_id_, activity.channel_id().value_or(""), *activity.from_id(),
                                   *activity.conversation_id());
  if (bot_was_removed(activity)) {
    work.forget_reference(std::move(key));
    seen->fingerprint = 0;  // never the fingerprint of a reference that is there: the next activity writes it again
    return seen;
  }
  if (auto reference = detail::kept_reference(activity, longest_)) {
    work.capture_reference(std::move(key), std::move(*reference));
  } else {
    seen->too_large = true;
  }
  return seen;
}

void ReferenceCapture::written(const Seen& seen) {
  if (young_.size() >= capacity_ / 2) {
    old_ = std::move(young_);
    young_ = Map();
  }
  old_.erase(seen.key);  // first: without room in the young it is forgotten, and not taken for what it was before
  young_.insert_or_assign(seen.key, seen.fingerprint);
}

void ReferenceCapture::forget(std::string_view channel, std::string_view user, std::string_view conversation) noexcept {
  const auto key = key_of(channel, user, conversation);
  young_.erase(key);
  old_.erase(key);
}

}  // namespace tern::runtime
