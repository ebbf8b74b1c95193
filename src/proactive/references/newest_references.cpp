#include "proactive/references/newest_references.hpp"

#include "async/describe_error.hpp"
#include "async/keyed_hash.hpp"
#include "proactive/broadcast/broadcaster.hpp"
#include "proactive/references/gone_references.hpp"
#include "schema/service_url.hpp"
#include "turn/keys.hpp"
#include "turn/trust.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/conversation_reference.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/serialize.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tern::proactive {

namespace {

std::optional<json::object> parse_object(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) {
    return std::nullopt;
  }
  return std::move(parsed->as_object());
}

std::string_view text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string()) : std::string_view();
}

const json::object* object_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

std::string_view id_at(const json::object& object, std::string_view name) {
  const auto* account = object_at(object, name);
  return account != nullptr ? text_at(*account, "id") : std::string_view();
}

/// The keys of the documents about a send's conversation.
struct Known {
  FetchedSend* fetched;
  std::string of_user;          // "" without a user
  std::string of_conversation;  // "" in a personal one
};

std::optional<Known> known_of(const std::string& bot_id, FetchedSend* fetched) {
  const auto& ids = fetched->ids;
  if (!ids) {
    return std::nullopt;
  }
  Known known{fetched, {}, {}};
  if (!ids->user().empty()) {
    known.of_user = detail::reference_key(bot_id, ids->channel(), ids->user(), ids->conversation());
  }
  if (ids->user().empty() || !ids->is_personal()) {
    known.of_conversation = detail::address_key(bot_id, ids->channel(), ids->conversation());
  }
  return known;
}

// `newer` over `older`, member by member: members that an author has added stay.
json::value merged(const json::value* older, const json::value& newer) {
  if (older == nullptr || !older->is_object() || !newer.is_object()) {
    return newer;
  }
  auto both = older->as_object();
  for (const auto& member : newer.as_object()) {
    both.insert_or_assign(member.key(), member.value());
  }
  return both;
}

// True when something has changed.
bool renew(json::object& into, std::string_view name, const json::object& newest, std::string_view of) {
  const auto* newer = newest.if_contains(of);
  if (newer == nullptr) {
    return false;
  }
  auto value = merged(into.if_contains(name), *newer);
  auto& old = into[name];
  if (old == value) {
    return false;
  }
  old = std::move(value);
  return true;
}

using Items = boost::unordered_flat_map<std::string_view, const StoreItem*, detail::KeyedHash>;

const StoreItem* find(const Items& items, const std::string& key) {
  const auto found = items.find(key);
  return found != items.end() ? found->second : nullptr;
}

/// The newest stored data: of the user's own reference, and of the address by anybody's last message in the
/// conversation.
std::optional<json::object> newest_of(const Known& known, const Items& items) {
  const auto* of_user = find(items, known.of_user);
  const auto* of_conversation = find(items, known.of_conversation);
  // As it was captured, which is how a turn's own sends have it: nothing is newer.
  if (of_conversation == nullptr && (of_user == nullptr || of_user->document == known.fetched->send.reference)) {
    return std::nullopt;
  }
  auto newest = of_user != nullptr ? parse_object(of_user->document) : std::optional(json::object());
  if (!newest || is_gone(*newest)) {
    newest.emplace();
  }
  if (const auto place = of_conversation != nullptr ? parse_object(of_conversation->document) : std::nullopt) {
    for (const auto* name : {"serviceUrl", "conversation", "bot"}) {
      renew(*newest, name, *place, name);
    }
    detail::Trust::in(*place).put(*newest);
  }
  return newest;
}

void renew_activity(ScheduledSend& send, const json::object& reference, const json::object& newest) {
  auto activity = parse_object(send.payload);
  if (!activity) {
    return;
  }
  bool changed = renew(*activity, "serviceUrl", newest, "serviceUrl");
  changed = renew(*activity, "conversation", newest, "conversation") || changed;
  // Another account than that of the reference is the author's choice.
  if (id_at(*activity, "from") == id_at(reference, "bot")) {
    changed = renew(*activity, "from", newest, "bot") || changed;
  }
  if (id_at(*activity, "recipient") == id_at(newest, "user")) {
    changed = renew(*activity, "recipient", newest, "user") || changed;
  }
  if (changed) {
    send.payload = json::serialize(*activity);
  }
}

// To the address that `by` has said. A conversation in the process never moves, and none moves there: this holds for
// references too that nobody vouches for.
bool may_move_to(const detail::TurnEnvironment& environment, const json::object& reference, std::string_view address,
                 const detail::Trust& by) {
  const auto known = detail::Trust::in(reference);
  return !detail::is_in_process_address(address) && !detail::is_in_process_address(text_at(reference, "serviceUrl")) &&
         (environment.checks_callers ? detail::may_move(known, by) : detail::may_cross(known, by));
}

void renew_send(detail::TurnEnvironment& environment, const Known& known, const Items& items) {
  const auto newest = newest_of(known, items);
  const auto url = newest ? text_at(*newest, "serviceUrl") : std::string_view();
  if (url.empty() || !environment.sender.sends_to(url)) {
    return;
  }
  auto& send = known.fetched->send;
  auto reference = parse_object(send.reference);
  if (!reference) {
    return;
  }
  const auto trust = detail::Trust::in(*newest);
  if (text_at(*reference, "serviceUrl") != url && !may_move_to(environment, *reference, url, trust)) {
    return;
  }
  if (send.kind == SendKind::activity) {
    renew_activity(send, *reference, *newest);
  }
  bool changed = false;
  for (const auto* name : {"serviceUrl", "conversation", "bot", "user"}) {
    changed = renew(*reference, name, *newest, name) || changed;
  }
  if (changed) {
    trust.put(*reference);
    send.reference = json::serialize(*reference);
    known.fetched->ids = ReferenceIds::parse(send.reference);
  }
}

std::vector<Known> all_known(const std::string& bot_id, const std::vector<FetchedSend*>& sends) {
  std::vector<Known> all;
  all.reserve(sends.size());
  for (auto* send : sends) {
    if (auto known = Broadcaster::is_step(send->send) ? std::nullopt : known_of(bot_id, send)) {
      all.push_back(std::move(*known));
    }
  }
  return all;
}

// In order, each once.
std::vector<std::string> keys_of(const std::vector<Known>& all) {
  std::vector<std::string> keys;
  keys.reserve(2 * all.size());
  for (const auto& known : all) {
    for (const auto* key : {&known.of_user, &known.of_conversation}) {
      if (!key->empty()) {
        keys.push_back(*key);
      }
    }
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace

awaitable<void> bring_up_to_date(detail::TurnEnvironment& environment, std::vector<FetchedSend*> sends) {
  const auto all = all_known(environment.bot_id, sends);
  auto keys = keys_of(all);
  if (keys.empty()) {
    co_return;
  }
  StoreItems items;
  try {
    auto storage = environment.storage;
    items = co_await storage.read(std::move(keys), Deadline::after(environment.storage_timeout, environment.clock));
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    log::warn("it could not be read where conversations are by now; what is due goes where they were",
              {{"error", detail::describe(std::current_exception())}});
  }
  if (items.begin() == items.end()) {
    co_return;
  }
  Items by_key;
  for (const auto& item : items) {
    by_key.emplace(item.key, &item);
  }
  for (const auto& known : all) {
    renew_send(environment, known, by_key);
  }
}

}  // namespace tern::proactive
