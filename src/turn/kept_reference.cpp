#include "turn/kept_reference.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace tern::detail {

namespace {

using Names = std::array<std::string_view, 7>;

constexpr Names account_members{"id", "aadObjectId", "role", "name", "isGroup", "conversationType", "tenantId"};
constexpr std::array kept_accounts{"user", "bot", "conversation"};

// At most `most` bytes, cut after a whole character.
std::string_view beginning_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) {
    return text;
  }
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) {
    --most;
  }
  return text.substr(0, most);
}

json::object* account_in(json::object& reference, std::string_view name) {
  auto* found = reference.if_contains(name);
  return found != nullptr ? found->if_object() : nullptr;
}

void cut_name(json::object& account) {
  auto* found = account.if_contains("name");
  auto* name = found != nullptr ? found->if_string() : nullptr;
  if (name != nullptr && name->size() > longest_kept_name) {
    name->resize(beginning_of(*name, longest_kept_name).size());
  }
}

// Removes the members that Tern does not know: a bot may need them, but a send does not.
void keep_what_is_needed(json::object& account) {
  json::object kept;
  for (const auto& member : account) {
    const bool known = std::find(account_members.begin(), account_members.end(), member.key()) != account_members.end();
    if (known && !member.value().is_structured()) {
      kept.emplace(member.key(), member.value());
    }
  }
  account = std::move(kept);
}

}  // namespace

// The members have the order that they have in a send that its turn has scheduled (`TurnContext::reference`): a text
// that is equal to that of the send shows that the conversation has not moved.
std::optional<std::string> kept_reference(const Activity& activity, const Trust& trust, std::size_t most) {
  auto whole = activity.reference();
  trust.put(whole.json());
  auto reference = whole.without_activity();
  auto& fields = reference.json();
  for (const auto* name : kept_accounts) {
    if (auto* account = account_in(fields, name)) {
      cut_name(*account);
    }
  }
  auto text = json::serialize(fields);
  if (text.size() <= most) {
    return text;
  }
  for (const auto* name : kept_accounts) {
    if (auto* account = account_in(fields, name)) {
      keep_what_is_needed(*account);
    }
  }
  text = json::serialize(fields);
  return text.size() <= most ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace tern::detail
