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

/// The sends that a turn makes, until they are committed: what key each has, and what becomes of one whose key is
/// known.
///
/// A send that was given no key has one of the activity (`SameActivity`) and its place in the turn, kept with the
/// digest of what it promises. One of an activity that has no id has none, and is never known. A turn that is delivered
/// again finds its own sends so. When the store has a place with another digest, the turn promises something else than
/// it did: its sends are then looked for by digest among the places that are known, and what is not found gets the next
/// free place. See docs/architecture.md.
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
  /// The write of `to_write` was refused. After it another write goes on.
  /// Errors: `errc::conflict`, when another turn has taken a key of the caller's.
  void resolve(const std::vector<KnownSend>& refused);
  /// The write went through: says what was known, and tells the observer.
  void committed(const std::vector<SendHandle>& handles, const std::vector<std::uint64_t>& seqs);

 private:
  struct Made {
    ScheduledSend send;
    std::string prefix;      // of its key, before the place; "" for a key of the caller's, or none
    unsigned place = 0;      // the last that was tried
    unsigned asked = 0;      // which it has in the turn
    bool differs = false;    // something else stands there
    bool by_digest = false;  // its digest is in the prefix
  };

  const Made* find(const std::string& key) const;
  std::string key_prefix(std::string_view kind) const;
  const std::string& turn_prefix();
  void name(Made& made);
  void set_place(Made& made, unsigned place);
  bool find_place(Made& made, const std::set<std::string>& used);
  void next_place(Made& made, const std::set<std::string>& used);
  void choose_place(Made& made, const std::set<std::string>& used);
  void report(const Made& made, const SendHandle& handle, bool known) const;
  void note_known(const SendHandle& handle) const;
  std::string_view turn_name() const noexcept;

  TurnEnvironment& environment_;
  const Activity& activity_;
  std::vector<Made> made_;
  unsigned places_ = 0;
  std::string turn_id_;                      // "" when the activity will do
  std::optional<std::string> turn_prefix_;   // of the keys of its sends; "" for an activity that has no id
  std::map<std::uint64_t, unsigned> alike_;  // in a turn with a name: how many sends were made of each content
  std::map<std::string, SendDigest> known_;  // keys by place that the store has, as refused writes have told
  std::set<std::string> mine_;               // those that this turn has committed
  unsigned searches_ = 0;
};

}  // namespace tern::detail
