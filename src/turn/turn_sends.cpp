#include "turn/turn_sends.hpp"

#include "storage/sha256.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"
#include "turn/same_activity.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::detail {

namespace {

// Each is a write that is refused. Then a key of the digest ends the search.
constexpr unsigned most_searches = 8;

}  // namespace

std::string TurnSends::key_prefix(std::string_view kind) const {
  return std::string(kind) +
         conversation_key(environment_.bot_id, activity_.channel_id().value_or(""),
                          activity_.conversation_id().value_or("")) +
         '/';
}

// Bounded as keys of documents are: a stranger may choose the id of an activity.
const std::string& TurnSends::turn_prefix() {
  if (!turn_prefix_) {
    turn_prefix_.emplace();
    if (!turn_id_.empty()) {
      auto key = key_prefix("continuation/");
      append_key_part(key, turn_id_);
      *turn_prefix_ = bounded_key(std::move(key)) + '/';
    } else if (const auto same = same_activity(activity_)) {
      auto key = key_prefix("turn/");
      same->append_to(key);
      *turn_prefix_ = bounded_key(std::move(key)) + '/';
    }
  }
  return *turn_prefix_;
}

// What a channel delivers again is the same turn, so that the place in it tells the sends apart. A continuation runs
// again with the state that it has committed, and often leaves out what it knows to be done: there what is sent tells
// them apart, and the place only what is alike.
void TurnSends::name(Made& made) {
  made.asked = places_++;
  if (!turn_id_.empty()) {
    const auto what = stable_hash(made.send.order_key + '\n' + made.send.payload);
    made.prefix = turn_prefix() + std::to_string(what) + '/';
    set_place(made, alike_[what]++);
  } else if (!turn_prefix().empty()) {
    made.prefix = turn_prefix();
    set_place(made, made.asked);
  }
  if (searches_ > 0 && !made.prefix.empty()) {
    auto used = mine_;
    for (const auto& other : made_) {
      used.insert(other.send.idempotency_key);
    }
    choose_place(made, used);
  }
}

void TurnSends::set_place(Made& made, unsigned place) {
  made.place = place;
  made.send.idempotency_key = made.prefix + std::to_string(place);
}

SendHandle TurnSends::add(ScheduledSend send) {
  if (const auto* other = send.key_is_new ? find(send.idempotency_key) : nullptr) {
    note_known(other->send.handle);  // it came while this one was looked for
    return other->send.handle;
  }
  Made made;
  made.send = std::move(send);
  if (!turn_id_.empty()) {
    note_trace(made.send, turn_id_);
  }
  if (made.send.idempotency_key.empty()) {
    name(made);
  }
  made_.push_back(std::move(made));
  return made_.back().send.handle;
}

const TurnSends::Made* TurnSends::find(const std::string& key) const {
  const auto made =
      std::find_if(made_.begin(), made_.end(), [&](const Made& each) { return each.send.idempotency_key == key; });
  return made != made_.end() ? &*made : nullptr;
}

bool TurnSends::drop(const SendHandle& handle) noexcept {
  return std::erase_if(made_, [&](const Made& made) { return made.send.handle == handle; }) > 0;
}

std::optional<SendHandle> TurnSends::move(const SendHandle& handle, WallTime when) {
  const auto made =
      std::find_if(made_.begin(), made_.end(), [&](const Made& each) { return each.send.handle == handle; });
  if (made == made_.end()) {
    return std::nullopt;
  }
  auto& due = made->send.handle.due;
  due = std::chrono::ceil<std::chrono::microseconds>(std::max(when, environment_.clock.wall_now()));
  return made->send.handle;
}

awaitable<std::optional<SendHandle>> TurnSends::find_known(std::string key) {
  std::optional<SendHandle> found;
  if (const auto* made = find(key)) {
    found = made->send.handle;
  } else {
    SendQuery query;
    query.idempotency_key = std::move(key);
    const auto by = Deadline::after(environment_.storage_timeout, environment_.clock);
    const auto page = co_await environment_.storage.list_sends(std::move(query), by);
    if (page.known) {
      found = page.known->handle;
    }
  }
  if (found) {
    note_known(*found);
  }
  co_return found;
}

void TurnSends::note_known(const SendHandle& handle) const {
  environment_.known_sends.inc();
  log::info("a turn asked for a send whose key is known; nothing is stored",
            {{"turn", turn_name()}, {"handle", handle.to_string()}});
}

std::vector<ScheduledSend> TurnSends::to_write() const {
  std::vector<ScheduledSend> sends;
  sends.reserve(made_.size());
  for (const auto& made : made_) {
    sends.push_back(made.send);
  }
  return sends;
}

// The place at which the store has this very send.
bool TurnSends::find_place(Made& made, const std::set<std::string>& used) {
  for (auto known = known_.lower_bound(made.prefix); known != known_.end() && known->first.starts_with(made.prefix);
       ++known) {
    if (known->second == made.send.digest && !used.contains(known->first)) {
      made.send.idempotency_key = known->first;
      return true;
    }
  }
  return false;
}

void TurnSends::next_place(Made& made, const std::set<std::string>& used) {
  const auto is_taken = [&] {
    const auto& key = made.send.idempotency_key;
    const auto known = known_.find(key);
    return used.contains(key) || (known != known_.end() && known->second != made.send.digest);
  };
  if (searches_ > most_searches && is_taken() && !std::exchange(made.by_digest, true)) {
    made.prefix += '~';
    append_hex(made.prefix, made.send.digest.data(), made.send.digest.size());
    made.prefix += '/';
    set_place(made, 0);
  }
  while (is_taken()) {
    set_place(made, made.place + 1);
  }
}

void TurnSends::choose_place(Made& made, const std::set<std::string>& used) {
  if (!find_place(made, used)) {
    next_place(made, used);
  }
}

void TurnSends::resolve(const std::vector<KnownSend>& refused) {
  ++searches_;
  for (const auto& [place, known] : refused) {
    auto& made = made_.at(place);
    if (made.prefix.empty()) {
      throw_error(errc::conflict, "Another turn has scheduled a send with the key \"" +
                                      given_key(made.send.idempotency_key).key +
                                      "\" since this one looked for it; nothing of this turn was written. When the "
                                      "activity is delivered again, the turn finds that send.");
    }
    known_[made.send.idempotency_key] = known.digest;
    made.differs = true;
  }
  auto used = mine_;
  std::vector<Made*> rest;
  for (auto& made : made_) {
    if (made.prefix.empty()) {
      continue;
    }
    if (find_place(made, used)) {
      used.insert(made.send.idempotency_key);
    } else {
      rest.push_back(&made);
    }
  }
  for (auto* made : rest) {
    next_place(*made, used);
    used.insert(made->send.idempotency_key);
  }
}

// For the log, where a stranger's id of any length has no place.
std::string_view TurnSends::turn_name() const noexcept {
  constexpr std::size_t longest = 128;
  const auto name = !turn_id_.empty() ? std::string_view(turn_id_) : activity_.id().value_or("");
  return name.substr(0, longest);
}

void TurnSends::report(const Made& made, const SendHandle& handle, bool known) const {
  if (known) {
    environment_.known_sends.inc();
    log::info("a turn that was delivered again made a send that is known; it is not stored again",
              {{"turn", turn_name()}, {"place", made.asked}, {"handle", handle.to_string()}});
  } else if (made.differs) {
    log::warn(
        "a turn that was delivered again promised something else than before, and both are sent; when they are "
        "the same to the user, give the send a key (SendOptions::key)",
        {{"turn", turn_name()}, {"place", made.asked}, {"handle", handle.to_string()}});
  }
}

void TurnSends::committed(const std::vector<SendHandle>& handles, const std::vector<std::uint64_t>& seqs) {
  auto made = std::exchange(made_, {});
  std::vector<ScheduledSend> sends;
  sends.reserve(made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (!made[i].prefix.empty()) {
      mine_.insert(made[i].send.idempotency_key);
      report(made[i], handles.at(i), seqs.at(i) == 0);
    }
    sends.push_back(std::move(made[i].send));
  }
  if (environment_.observer != nullptr) {
    environment_.observer->on_scheduled(sends, seqs);
  }
}

}  // namespace tern::detail
