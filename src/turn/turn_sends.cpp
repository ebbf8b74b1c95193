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

// Each search costs a refused write. After so many, a key that contains the digest ends the search.
constexpr unsigned most_searches = 8;

}  // namespace

std::string TurnSends::key_prefix(std::string_view kind) const {
  return std::string(kind) +
         conversation_key(environment_.bot_id, activity_.channel_id().value_or(""),
                          activity_.conversation_id().value_or("")) +
         '/';
}

// The key is bounded, because a stranger may choose the id of an activity.
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

// An activity that is delivered again leads to the same turn, so the position in the turn tells its sends apart. A
// continuation that runs again has the state that it has committed, and often leaves out sends that it has made
// already. So the content tells its sends apart, and the position only tells apart sends with equal content.
void TurnSends::name(Made& made) {
  made.asked = count_++;
  if (!turn_id_.empty()) {
    const auto what = stable_hash(made.send.order_key + '\n' + made.send.payload);
    made.prefix = turn_prefix() + std::to_string(what) + '/';
    set_position(made, alike_[what]++);
  } else if (!turn_prefix().empty()) {
    made.prefix = turn_prefix();
    set_position(made, made.asked);
  }
  if (searches_ > 0 && !made.prefix.empty()) {
    auto used = mine_;
    for (const auto& other : made_) {
      used.insert(other.send.idempotency_key);
    }
    choose_position(made, used);
  }
}

void TurnSends::set_position(Made& made, unsigned position) {
  made.position = position;
  made.send.idempotency_key = made.prefix + std::to_string(position);
}

SendHandle TurnSends::add(ScheduledSend send) {
  if (const auto* other = send.key_is_new ? find(send.idempotency_key) : nullptr) {
    note_known(other->send.handle);  // the turn made it while the store was asked
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

// Looks for the position at which the store has this send.
bool TurnSends::find_position(Made& made, const std::set<std::string>& used) {
  for (auto known = known_.lower_bound(made.prefix); known != known_.end() && known->first.starts_with(made.prefix);
       ++known) {
    if (known->second == made.send.digest && !used.contains(known->first)) {
      made.send.idempotency_key = known->first;
      return true;
    }
  }
  return false;
}

void TurnSends::next_position(Made& made, const std::set<std::string>& used) {
  const auto is_taken = [&] {
    const auto& key = made.send.idempotency_key;
    const auto known = known_.find(key);
    return used.contains(key) || (known != known_.end() && known->second != made.send.digest);
  };
  if (searches_ > most_searches && is_taken() && !std::exchange(made.by_digest, true)) {
    made.prefix += '~';
    append_hex(made.prefix, made.send.digest.data(), made.send.digest.size());
    made.prefix += '/';
    set_position(made, 0);
  }
  while (is_taken()) {
    set_position(made, made.position + 1);
  }
}

void TurnSends::choose_position(Made& made, const std::set<std::string>& used) {
  if (!find_position(made, used)) {
    next_position(made, used);
  }
}

void TurnSends::resolve(const std::vector<KnownSend>& refused) {
  ++searches_;
  for (const auto& [position, known] : refused) {
    auto& made = made_.at(position);
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
    if (find_position(made, used)) {
      used.insert(made.send.idempotency_key);
    } else {
      rest.push_back(&made);
    }
  }
  for (auto* made : rest) {
    next_position(*made, used);
    used.insert(made->send.idempotency_key);
  }
}

// The id of the turn for the log, at most 128 bytes, because a stranger may choose a long one.
std::string_view TurnSends::turn_name() const noexcept {
  constexpr std::size_t longest = 128;
  const auto name = !turn_id_.empty() ? std::string_view(turn_id_) : activity_.id().value_or("");
  return name.substr(0, longest);
}

void TurnSends::report(const Made& made, const SendHandle& handle, bool known) const {
  if (known) {
    environment_.known_sends.inc();
    log::info("a turn whose activity was delivered again made a send that is known; it is not stored again",
              {{"turn", turn_name()}, {"position", made.asked}, {"handle", handle.to_string()}});
  } else if (made.differs) {
    log::warn(
        "a turn whose activity was delivered again made another send than before, and both are sent; if they mean the "
        "same to the user, give the send a key (SendOptions::key)",
        {{"turn", turn_name()}, {"position", made.asked}, {"handle", handle.to_string()}});
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
