#pragma once

#include "turn/environment.hpp"

#include <tern/schema/activity.hpp>
#include <tern/storage.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tern::detail {

/// The sends of a turn that are not committed yet. It gives them their keys, and finds out which of them the store
/// knows.
///
/// A send without a key of the caller gets a key that is made of the activity (`SameActivity`) and the send's position
/// in the turn. The store keeps the digest of its promise with the key. So a turn whose activity is delivered again
/// finds its own sends. (If the activity has no id, its sends have no such keys and are never known.) When the store
/// has another digest at a position, the turn promises something else than before: its sends are then searched for by
/// digest among the known positions, and a send that is not found gets the next free position. See
/// docs/architecture.md.
class TurnSends {
 public:
  TurnSends(TurnEnvironment& environment, const Activity& activity) : environment_(environment), activity_(activity) {}

  /// See `UnitOfWork`.
  void name_turn(std::string id) { turn_id_ = std::move(id); }
  SendHandle add(ScheduledSend send);
  bool drop(const SendHandle& handle) noexcept;
  std::optional<SendHandle> move(const SendHandle& handle, WallTime when);
  awaitable<std::optional<SendHandle>> find_known(std::string key);

  bool empty() const noexcept { return made_.empty(); }
  void clear() noexcept { made_.clear(); }
  std::vector<ScheduledSend> to_write() const;
  /// The write of `to_write` was refused. Chooses other keys; the caller writes again.
  /// Errors: `errc::conflict` when another turn has taken a key that the caller gave.
  void resolve(const std::vector<KnownSend>& refused);
  /// The write has succeeded: logs the sends that were known, and tells the observer.
  void committed(const std::vector<SendHandle>& handles, const std::vector<std::uint64_t>& seqs);

 private:
  struct Made {
    ScheduledSend send;
    std::string prefix;      // of its key, before the position; "" when the caller gave the key, or there is none
    unsigned position = 0;   // the position that was tried last
    unsigned asked = 0;      // the position in the turn
    bool differs = false;    // the store has another promise at its position
    bool by_digest = false;  // the digest is a part of the prefix
  };

  const Made* find(const std::string& key) const;
  std::string key_prefix(std::string_view kind) const;
  const std::string& turn_prefix();
  void name(Made& made);
  void set_position(Made& made, unsigned position);
  bool find_position(Made& made, const std::set<std::string>& used);
  void next_position(Made& made, const std::set<std::string>& used);
  void choose_position(Made& made, const std::set<std::string>& used);
  void report(const Made& made, const SendHandle& handle, bool known) const;
  void note_known(const SendHandle& handle) const;
  std::string_view turn_name() const noexcept;

  TurnEnvironment& environment_;
  const Activity& activity_;
  std::vector<Made> made_;
  unsigned count_ = 0;
  std::string turn_id_;                      // the id of a continuation; "" when the activity identifies the turn
  std::optional<std::string> turn_prefix_;   // the prefix of all keys; "" for an activity without an id
  std::map<std::uint64_t, unsigned> alike_;  // with a turn id: the number of sends with each content
  std::map<std::string, SendDigest> known_;  // keys that the store has, from refused writes
  std::set<std::string> mine_;               // keys that this turn has committed
  unsigned searches_ = 0;
};

}  // namespace tern::detail
