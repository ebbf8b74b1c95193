#include "turn/unit_of_work.hpp"

#include "turn/keys.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace tern::detail {

namespace {

constexpr int max_replays = 16;

/// Keeps a flag set for its lifetime.
class UnderWay {
 public:
  explicit UnderWay(bool& flag) : flag_(flag) { flag_ = true; }
  ~UnderWay() { flag_ = false; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  bool& flag_;
};

}  // namespace

UnitOfWork::UnitOfWork(TurnEnvironment& environment, const Activity& activity)
    : environment_(environment),
      activity_(activity),
      channel_(activity.channel_id().value_or("")),
      conversation_(activity.conversation_id().value_or("")),
      user_(activity.from_id()),
      sends_(environment, activity) {}

void UnitOfWork::require_open() const {
  if (closed_) [[unlikely]] {
    throw_turn_ended(activity_.id().value_or(""));
  }
}

UnitOfWork::Document& UnitOfWork::document(StateScope scope) {
  require_open();
  auto& found = documents_[static_cast<std::size_t>(scope)];
  if (!found.exists) {
    throw_error(errc::invalid_argument,
                "The activity has no `from.id`, so there is no user whose state could be read. Check "
                "activity().from_id() before using UserState or PrivateConversationState.");
  }
  return found;
}

void UnitOfWork::take(Document& into, StoreItem* item) {
  into.content = {};
  into.stored.emplace();
  into.etag.clear();
  if (item == nullptr) {
    return;
  }
  auto parsed = parse_json(item->document);
  if (!parsed || !parsed->is_object()) {
    throw_error(errc::storage_unavailable, "The document " + into.key +
                                               " is not a JSON object. It was written by something else; repair or "
                                               "remove it.");
  }
  into.content = std::move(parsed->as_object());
  into.stored = std::move(item->document);
  into.etag = std::move(item->etag);
}

// Reads all documents of the turn at once. Few bots use private state, so it is included only when a turn of this shard
// has used it before. The first turn that uses it reads twice.
awaitable<void> UnitOfWork::ensure_loaded(StateScope scope) {
  const auto add = [this](StateScope which) {
    auto& entry = documents_[static_cast<std::size_t>(which)];
    entry.exists = true;
    entry.stale = true;
  };
  const bool has_user = user_.has_value();
  if (!loaded_) {
    add(StateScope::conversation);
    if (has_user) {
      add(StateScope::user);
    }
  }
  const bool wants_private = scope == StateScope::private_conversation;
  environment_.reads_private_state = environment_.reads_private_state || wants_private;
  if (has_user && (loaded_ ? wants_private : environment_.reads_private_state)) {
    add(StateScope::private_conversation);
  }
  return read_stale();
}

std::string UnitOfWork::key_of(StateScope scope) const {
  const auto& bot = environment_.bot_id;
  const auto user = user_.value_or("");
  switch (scope) {
    case StateScope::conversation:
      return conversation_state_key(bot, channel_, conversation_);
    case StateScope::user:
      return user_state_key(bot, channel_, user);
    case StateScope::private_conversation:
      return private_state_key(bot, channel_, conversation_, user);
  }
  return {};
}

void UnitOfWork::name_documents() {
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    auto& entry = documents_[i];
    if (entry.exists && entry.key.empty()) {
      entry.key = key_of(static_cast<StateScope>(i));
    }
  }
}

awaitable<void> UnitOfWork::read_stale() {
  name_documents();
  std::vector<std::string> keys;
  keys.reserve(documents_.size());
  for (const auto& entry : documents_) {
    if (entry.stale) {
      keys.push_back(entry.key);
    }
  }
  const auto by = Deadline::after(environment_.storage_timeout, environment_.clock);
  auto items = co_await environment_.storage.read(std::move(keys), by);
  for (auto& entry : documents_) {
    if (std::exchange(entry.stale, false)) {
      take(entry, items.find(entry.key));
    }
  }
  loaded_ = true;
}

awaitable<const json::value*> UnitOfWork::get(StateScope scope, std::string name) {
  if (!is_loaded(scope)) {
    co_await ensure_loaded(scope);
  }
  co_return document(scope).content.if_contains(name);
}

awaitable<void> UnitOfWork::set(StateScope scope, std::string name, json::value value, KeepUnknown keep) {
  if (!is_loaded(scope)) {
    co_await ensure_loaded(scope);
  }
  auto& entry = document(scope);
  auto& member = entry.content[name];
  member = keep != nullptr && !member.is_null() ? keep(std::move(value), member) : std::move(value);
  entry.touched = true;
  entry.removed = false;
  entry.replayable = false;
}

awaitable<void> UnitOfWork::erase(StateScope scope, std::string name) {
  if (!is_loaded(scope)) {
    co_await ensure_loaded(scope);
  }
  auto& entry = document(scope);
  entry.content.erase(name);
  entry.touched = true;
  entry.replayable = false;
}

awaitable<void> UnitOfWork::update(StateScope scope, std::function<void(json::object&)> change) {
  if (!is_loaded(scope)) {
    co_await ensure_loaded(scope);
  }
  auto& entry = document(scope);
  apply(scope, change);
  entry.touched = true;
  entry.removed = false;
  entry.replays.push_back(std::move(change));
}

awaitable<void> UnitOfWork::clear(StateScope scope) {
  if (!is_loaded(scope)) {
    co_await ensure_loaded(scope);
  }
  auto& entry = document(scope);
  entry.content.clear();
  entry.touched = true;
  entry.removed = false;
  entry.replayable = false;
}

awaitable<void> UnitOfWork::remove(StateScope scope) {
  if (!is_loaded(scope)) {
    co_await ensure_loaded(scope);
  }
  auto& entry = document(scope);
  entry.content.clear();
  entry.touched = true;
  entry.removed = true;
  entry.replayable = false;
}

void UnitOfWork::capture_reference(std::string key, std::string document_text) {
  reference_upserts_.emplace_back(std::move(key), std::move(document_text));
  reference_upserts_.back().spare = true;
}

void UnitOfWork::forget_reference(std::string key) {
  reference_removals_.emplace_back(std::move(key));
}

bool UnitOfWork::has_changes() const noexcept {
  const auto touched = [](const Document& entry) { return entry.touched; };
  return references_pending() || !sends_.empty() || std::any_of(documents_.begin(), documents_.end(), touched);
}

StoreChanges UnitOfWork::collect_changes(After after) {
  StoreChanges changes;
  name_documents();
  const auto touched =
      std::count_if(documents_.begin(), documents_.end(), [](const Document& entry) { return entry.touched; });
  changes.upserts.reserve(static_cast<std::size_t>(touched) + reference_upserts_.size());
  for (auto& entry : documents_) {
    entry.written.reset();
    if (!entry.touched) {
      continue;
    }
    if (entry.removed) {
      if (!entry.etag.empty()) {
        changes.removals.emplace_back(std::exchange(entry.key, {}), Expect::etag(entry.etag));
      }
      continue;
    }
    auto text = json::serialize(entry.content);
    if (text == entry.stored) {
      continue;
    }
    if (after == After::turn_goes_on) {
      entry.next_text = text;
    } else {
      entry.stored.reset();
    }
    entry.written = changes.upserts.size();
    changes.upserts.emplace_back(std::exchange(entry.key, {}), std::move(text),
                                 entry.etag.empty() ? Expect::absent() : Expect::etag(entry.etag));
  }
  for (const auto& upsert : reference_upserts_) {
    changes.upserts.push_back(upsert);
  }
  changes.removals.insert(changes.removals.end(), reference_removals_.begin(), reference_removals_.end());
  changes.sends = sends_.to_write();
  if (environment_.observer != nullptr && !changes.sends.empty()) {
    environment_.observer->hint_at_awaited_replies(changes);
  }
  return changes;
}

bool UnitOfWork::can_replay(const std::vector<std::string>& keys) const noexcept {
  return std::all_of(keys.begin(), keys.end(), [&](const std::string& key) {
    const auto found =
        std::find_if(documents_.begin(), documents_.end(), [&](const Document& entry) { return entry.key == key; });
    return found != documents_.end() && found->replayable;
  });
}

void UnitOfWork::settle(const StoreReceipt& receipt) {
  for (auto& entry : documents_) {
    if (entry.written) {
      entry.etag = receipt.etags[*entry.written];
      entry.written.reset();
      if (entry.stored) {
        entry.stored = std::exchange(entry.next_text, {});
      }
    }
    if (entry.touched && entry.removed) {
      entry.stored.emplace();
      entry.etag.clear();
    }
    entry.touched = false;
    entry.removed = false;
    entry.replayable = true;
    entry.replays.clear();
  }
  const auto first = receipt.etags.size() - std::min(receipt.etags.size(), reference_upserts_.size());
  if (std::any_of(receipt.etags.begin() + static_cast<std::ptrdiff_t>(first), receipt.etags.end(),
                  [](const std::string& etag) { return etag.empty(); })) {
    lose_reference("The store is nearly full, and keeps the rest of its space for the state of turns.");
  }
  reference_upserts_.clear();
  reference_removals_.clear();
}

bool UnitOfWork::is_only_reference(const StoreChanges& changes) const noexcept {
  return !reference_upserts_.empty() && changes.upserts.size() == reference_upserts_.size() &&
         changes.removals.empty() && changes.sends.empty();
}

// The log gets at most one line a minute, because strangers decide how many references there are.
void UnitOfWork::lose_reference(std::string_view why) {
  constexpr std::chrono::minutes between{1};
  reference_upserts_.clear();
  reference_lost_ = true;
  environment_.lost_references.inc();
  const auto now = environment_.clock.now();
  if (now >= environment_.tell_lost_reference_at) {
    environment_.tell_lost_reference_at = now + between;
    log::warn("conversation references are not stored; the log says so once a minute at most, and a metric counts them",
              {{"why", why}, {"metric", "tern_references_lost_total"}});
  }
}

void UnitOfWork::apply(StateScope scope, const std::function<void(json::object&)>& change) {
  try {
    change(document(scope).content);
  } catch (const StateMismatch& mismatch) {
    throw_state_mismatch(scope, mismatch);
  }
}

void UnitOfWork::throw_state_mismatch(StateScope scope, const StateMismatch& mismatch) const {
  constexpr std::array names{"conversation", "user", "private conversation"};
  throw_error(errc::state_mismatch, "In the " + std::string(names[static_cast<std::size_t>(scope)]) +
                                        " state, document " + key_of(scope) + ", " + mismatch.path() + ' ' +
                                        mismatch.what() +
                                        ". A member whose type changes needs a new name; see docs/state.md.");
}

void UnitOfWork::replay(const std::vector<std::string>& keys) {
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    const auto& entry = documents_[i];
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) {
      for (const auto& change : entry.replays) {
        apply(static_cast<StateScope>(i), change);
      }
    }
  }
}

// Another writer has changed documents since they were read. Changes that came through `update` are applied again to
// the new documents.
awaitable<void> UnitOfWork::resolve(std::vector<std::string> keys, int attempt) {
  name_documents();
  if (attempt >= max_replays || !can_replay(keys)) {
    throw_error(errc::conflict, "Another writer changed " + (keys.empty() ? std::string("a document") : keys[0]) +
                                    " after this turn had read it; nothing of the turn was written. Use "
                                    "StateProperty::update for changes that may be applied again.");
  }
  for (auto& entry : documents_) {
    entry.stale = std::find(keys.begin(), keys.end(), entry.key) != keys.end();
  }
  co_await read_stale();
  replay(keys);
}

// Long: one coroutine frame for the whole commit, because very many turns may wait in it.
awaitable<void> UnitOfWork::commit(After after) {
  require_open();
  if (!has_changes()) {
    co_return;
  }
  const UnderWay under_way(committing_);
  StoreReceipt receipt;
  for (int attempt = 0;;) {
    auto changes = collect_changes(after);
    if (changes.empty()) {
      settle({});
      break;
    }
    const bool only_reference = is_only_reference(changes);
    const bool hints = !changes.hints.empty();
    const auto by = Deadline::after(environment_.storage_timeout, environment_.clock);
    boost::system::result<StoreReceipt, StoreConflict> written = StoreReceipt();
    try {
      written = co_await environment_.storage.write(std::move(changes), by);
    } catch (const system_error& e) {
      if (!only_reference || e.code() == asio::error::operation_aborted) {
        throw;
      }
      lose_reference(e.what());
      co_return;
    }
    if (written.has_value()) {
      if (hints) {
        environment_.observer->on_hinted_at_awaited_replies();
      }
      settle(*written);
      receipt = std::move(*written);
      break;
    }
    auto conflict = written.error();
    if (!conflict.sends.empty()) {
      sends_.resolve(conflict.sends);
      continue;
    }
    co_await resolve(std::move(conflict.keys), attempt++);
  }
  if (!sends_.empty()) {
    sends_.committed(receipt.handles, receipt.seqs);
  }
}

void UnitOfWork::discard() noexcept {
  for (auto& entry : documents_) {
    entry = Document{};
  }
  loaded_ = false;
  sends_.clear();
}

}  // namespace tern::detail
