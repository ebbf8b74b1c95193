#include "turn/trust.hpp"

#include "schema/find_member.hpp"
#include "schema/service_url.hpp"
#include "storage/sha256.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tern::detail {

namespace {

using CallerKind = Identity::Kind;

constexpr std::array kind_names{std::pair{CallerKind::channel, std::string_view("channel")},
                                std::pair{CallerKind::emulator, std::string_view("emulator")},
                                std::pair{CallerKind::bot, std::string_view("bot")},
                                std::pair{CallerKind::other, std::string_view("other")}};

// An authenticator of a bot's own may give a caller any name. What is long or no plain text is stored as its digest.
std::string short_name(const std::string& name) {
  constexpr std::size_t longest = longest_channel_address;
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (is_plain && name.size() <= longest) {
    return name;
  }
  const auto digest = sha256(name);
  std::string text = "~";
  append_hex(text, digest.data(), digest.size());
  return text;
}

std::string member_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool same_tenant(const Trust& a, const Trust& b) noexcept {
  return a.tenant.empty() || b.tenant.empty() || a.tenant == b.tenant;
}

}  // namespace

Trust Trust::of(const Identity& caller) {
  Trust made;
  if (!caller.is_anonymous()) {
    made.by = caller.kind;
    made.app = short_name(std::string(app_of(caller)));
    made.tenant = short_name(caller.tenant_id);
  }
  return made;
}

Trust Trust::in(const json::object& reference) {
  const auto* member = reference.if_contains(trust_member);
  const auto* fields = member != nullptr ? member->if_object() : nullptr;
  Trust found;
  if (fields == nullptr) {
    return found;
  }
  const auto by = member_of(*fields, "by");
  const auto* known =
      std::find_if(kind_names.begin(), kind_names.end(), [&](const auto& one) { return one.second == by; });
  found.by = by.empty() ? CallerKind::anonymous : known != kind_names.end() ? known->first : CallerKind::other;
  if (found.by != CallerKind::anonymous) {
    found.app = member_of(*fields, "app");
    found.tenant = member_of(*fields, "tenant");
  }
  return found;
}

void Trust::put(json::object& reference) const {
  const auto* known =
      std::find_if(kind_names.begin(), kind_names.end(), [&](const auto& one) { return one.first == by; });
  if (known == kind_names.end()) {
    reference.erase(trust_member);
    return;
  }
  json::object fields(reference.storage());
  fields.emplace("by", known->second);
  for (const auto& [name, value] : {std::pair{"app", &app}, std::pair{"tenant", &tenant}}) {
    if (!value->empty()) {
      fields.emplace(name, *value);
    }
  }
  reference[trust_member] = std::move(fields);
}

bool Trust::is_inside() const noexcept {
  return by == CallerKind::channel && is_in_process_address(app);
}

std::string_view app_of(const Identity& caller) noexcept {
  const bool is_told_apart =
      caller.kind == CallerKind::bot || (caller.kind == CallerKind::channel && is_in_process_address(caller.app_id));
  return is_told_apart ? std::string_view(caller.app_id) : std::string_view();
}

bool may_cross(const Trust& known, const Trust& by) noexcept {
  if (known.is_inside()) {
    return by.is_inside() && by.app == known.app;
  }
  return !by.is_inside() || known.by != CallerKind::channel;
}

std::string_view vouching_bot(const json::value* trust) noexcept {
  const auto* fields = trust != nullptr ? trust->if_object() : nullptr;
  if (fields == nullptr) {
    return {};
  }
  const auto* by = fields->if_contains("by");
  const auto* app = fields->if_contains("app");
  const bool is_bot = by != nullptr && by->is_string() && by->get_string() == "bot";
  return is_bot && app != nullptr && app->is_string() ? std::string_view(app->get_string()) : std::string_view();
}

void note_caller(Activity& activity, std::string_view app) {
  if (!app.empty()) {
    activity.set_caller_id(std::string(bot_caller).append(app));
  } else if (find_member(std::as_const(activity).json(), "callerId") != nullptr) {
    activity.json().erase("callerId");
  }
}

std::string_view noted_caller(const Activity& activity) noexcept {
  const auto caller = activity.caller_id().value_or(std::string_view());
  return caller.starts_with(bot_caller) ? caller.substr(bot_caller.size()) : std::string_view();
}

bool may_move(const Trust& known, const Trust& by) noexcept {
  if (known.is_inside() || by.is_inside()) {
    return may_cross(known, by);
  }
  if (by.by == CallerKind::anonymous || known.by == CallerKind::anonymous) {
    return by.by != CallerKind::anonymous;
  }
  if (by.by == CallerKind::channel) {
    return known.by != CallerKind::channel || same_tenant(known, by);
  }
  return by.by == known.by && by.app == known.app && same_tenant(known, by);
}

}  // namespace tern::detail
