#pragma once

#include "session.hpp"

#include <string>

namespace tern::detail::pg {

/// The statements of the schedule. Arrays go together by position; `n` is the position, from 1. "How each stands" are
/// int4[] generations, int4[] attempts, int4[] begun and int8[] not before, which is NULL for a send that does not
/// wait.
///
/// The rules of the schedule (`storage::ScheduleRules`) say what is stored. Three of them stand in SQL as well, each
/// beside its name: `is_key_forgotten` in `claim_keys`, `SendState::is_retry` in `load`, `is_current` in `fetch`. The
/// conformance suite holds them to the rules.
struct ScheduleStatements {
  explicit ScheduleStatements(const std::string& schema);

  // Of a transaction that writes.
  Statement lock_slots;       ///< ($1 int4[]): id, epoch, owned, expired of slots, which keep their owner until commit
  Statement find_replied;     ///< ($1 int8[] hashes): id, slot, due
  Statement locate;           ///< ($1 int4[] slots, $2 int8[] dues, $3 uuid[]): n and what a send is, locked
  Statement locate_dead;      ///< ($1 uuid[]): n and what a dead send is, locked
  Statement claim_keys;       ///< ($1 bytea[], $2 int4[], $3 int8[], $4 uuid[], $5 uuid[], $6 int8 now, $7): id
  Statement known_keys;       ///< ($1 bytea[]): n, slot, first due, id, digest, when it came, due if it was moved
  Statement keep_keys;        ///< ($1 bytea[], $2 int4[] slots, $3 int8[] due, $4 uuid[], $5 int8[] made, $6 uuid[])
  Statement keep_dead;        ///< see the source
  Statement list_keys;        ///< ($1 bytea after, $2 int8 not before, $3 int8 limit)
  Statement insert_sends;     ///< see the source: id, seq of each that was new
  Statement insert_redriven;  ///< ($1 uuid[], $2 int8[] dues, $3 to $6 how each stands): id, seq
  Statement bury;             ///< ($1 int4[], $2 int8[], $3 uuid[], $4 text[] reasons, $5 int8 now)
  Statement erase;            ///< ($1 int4[], $2 int8[], $3 uuid[])
  Statement renew;            ///< ($1 int4[], $2 int8[], $3 uuid[], $4 int8[] dues, $5 to $8 how each stands)
  Statement note_try;         ///< ($1 int4[], $2 int8[], $3 uuid[], $4 to $7 how each stands)
  Statement add_retries;      ///< ($1 int4[] slots, $2 int8[] not before, $3 int8[] seqs, $4 int8[] dues, ...)
  Statement erase_retries;    ///< ($1 int4[] slots, $2 int8[] not before, $3 uuid[])
  Statement note_moved;       ///< ($1 uuid[], $2 int8[])
  Statement erase_moved;      ///< ($1 uuid[])
  Statement add_replies;      ///< ($1 int8[] hashes, $2 int4[], $3 int8[], $4 uuid[])
  Statement erase_replies;    ///< ($1 int8[] hashes, $2 uuid[])
  Statement erase_dead;       ///< ($1 uuid[])
  Statement tell;             ///< ($1 int4[] slots, $2 int8[] dues, $3 int8[] seqs, ...): into the inbox
  Statement count;            ///< ($1 int4 lane, $2 to $8 int8): added to the lane's counts
  Statement add_week;         ///< ($1 int4)

  // Of an owner.
  Statement owners_of_slots;    ///< no parameters: names
  Statement end_leases;         ///< ($1 text[] owners): of owners that have ended
  Statement hold;               ///< ($1 text owner, $2 int4 want, $3 int8 lease in ms): id, epoch
  Statement count_owners;       ///< ($1 text owner, $2 int8 lease in ms): others that live, and the time in us
  Statement release;            ///< ($1 int4[], $2 int8[] epochs)
  Statement forget_owners;      ///< no parameters: owners without slots that were released
  Statement load;               ///< ($1 int4 slot, $2 int8 epoch, $3 int8 from, $4 int8 seq, $5 int8 until, $6 int8)
  Statement take_inbox;         ///< ($1 int4[] slots, $2 int8[] epochs, $3 int8 limit)
  Statement drop_inbox;         ///< ($1 int4[] slots)
  Statement fetch;              ///< ($1 int4[], $2 int8[], $3 uuid[], $4 int4[] generations, $5 int4[] attempts)
  Statement send_of;            ///< ($1 int4 slot, $2 int8 due, $3 uuid)
  Statement list_conversation;  ///< ($1 int8 hash, $2 text, $3 int8 due, $4 int8 seq, $5 int8 limit)
  Statement list_all;           ///< ($1 int8 due, $2 int8 seq, $3 int8 limit)
  Statement list_dead;          ///< ($1 int8 after, $2 int8 limit)
  Statement list_dead_of;       ///< ($1 int8 hash, $2 text, $3 int8 after, $4 int8 limit)
  Statement counts;             ///< no parameters
  Statement oldest;             ///< ($1 int8 from): due
  Statement count_due;          ///< ($1 int4 first slot, $2 int4 end, $3 int8 from, $4 int8 until, $5 int8 of a slot)
  Statement forget_keys;        ///< ($1 int8 made before)
  Statement forget_dead;        ///< ($1 int4 lane, $2 int8 how many are kept)
  Statement drop_weeks;         ///< ($1 int4 before)
};

}  // namespace tern::detail::pg
