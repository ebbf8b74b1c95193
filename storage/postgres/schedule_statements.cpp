#include "schedule_statements.hpp"

#include "schema.hpp"

#include <string_view>

namespace tern::detail::pg {

namespace {

// As in the statements of documents: LATERAL keeps the planner to one look into the index for each row, and at run time
// to the one partition that its `due` lies in.

// KEY SHARE lets a heartbeat renew the lease, and keeps others from taking the slot over before this has committed.
constexpr std::string_view lock_slots_sql = R"(
SELECT s.id, s.epoch, s.owner IS NOT NULL, s.lease_until IS NULL OR s.lease_until < clock_timestamp()
FROM @.slot AS s WHERE s.id = ANY($1::int4[]) ORDER BY s.id FOR KEY SHARE)";

constexpr std::string_view find_replied_sql = R"(
SELECT r.id, r.slot, r.due FROM @.reply AS r WHERE r.hash = ANY($1::int8[]))";

constexpr std::string_view locate_sql = R"(
SELECT i.n, t.due, t.seq, t.generation, t.attempt, t.begun, t.not_before, t.order_hash, t.cancel_on_reply,
  t.order_key
FROM unnest($1::int4[], $2::int8[], $3::uuid[]) WITH ORDINALITY AS i(slot, due, id, n)
LEFT JOIN LATERAL (SELECT k.due FROM @.moved AS k WHERE k.id = i.id OFFSET 0) AS m ON true
CROSS JOIN LATERAL (
  SELECT * FROM @.send AS s WHERE s.slot = i.slot::int2 AND s.due = coalesce(m.due, i.due) AND s.id = i.id FOR UPDATE
) AS t)";

constexpr std::string_view locate_dead_sql = R"(
SELECT i.n, d.slot, d.generation, d.order_hash, d.cancel_on_reply, d.order_key
FROM unnest($1::uuid[]) WITH ORDINALITY AS i(id, n)
CROSS JOIN LATERAL (SELECT * FROM @.dead AS t WHERE t.id = i.id FOR UPDATE) AS d)";

// A key is taken by whoever commits first; one that is old enough to be forgotten is taken anew. The rule is
// `is_key_forgotten`: $7 is now less `idempotency_kept`.
constexpr std::string_view claim_keys_sql = R"(
INSERT INTO @.idempotency AS t (key, slot, due, id, made, digest)
SELECT i.key, i.slot, i.due, i.id, $6::int8, i.digest
FROM unnest($1::bytea[], $2::int4[], $3::int8[], $4::uuid[], $5::uuid[]) AS i(key, slot, due, id, digest)
ORDER BY i.key
ON CONFLICT (key) DO UPDATE SET slot = excluded.slot, due = excluded.due, id = excluded.id, made = excluded.made,
  digest = excluded.digest
WHERE t.made < $7::int8
RETURNING t.id)";

// `moved` has only sends that are pending.
constexpr std::string_view known_keys_sql = R"(
SELECT i.n, t.slot, t.due, t.id, t.digest, t.made, m.due FROM unnest($1::bytea[]) WITH ORDINALITY AS i(key, n)
CROSS JOIN LATERAL (SELECT * FROM @.idempotency AS k WHERE k.key = i.key OFFSET 0) AS t
LEFT JOIN LATERAL (SELECT v.due FROM @.moved AS v WHERE v.id = t.id OFFSET 0) AS m ON true)";

// In byte order, as `claim_keys` takes them.
constexpr std::string_view keep_keys_sql = R"(
INSERT INTO @.idempotency AS t (key, slot, due, id, made, digest)
SELECT i.key, i.slot, i.due, i.id, i.made, i.digest
FROM unnest($1::bytea[], $2::int4[], $3::int8[], $4::uuid[], $5::int8[], $6::uuid[])
  AS i(key, slot, due, id, made, digest)
ORDER BY i.key
ON CONFLICT (key) DO UPDATE SET slot = excluded.slot, due = excluded.due, id = excluded.id, made = excluded.made,
  digest = excluded.digest)";

// The first columns are those of `known_keys`.
constexpr std::string_view list_keys_sql = R"(
SELECT 0::int8, t.slot, t.due, t.id, t.digest, t.made, NULL::int8, encode(t.key, 'hex') FROM @.idempotency AS t
WHERE t.key > $1::bytea AND t.made >= $2::int8 ORDER BY t.key LIMIT $3::int8)";

constexpr std::string_view insert_sends_sql = R"(
INSERT INTO @.send (slot, due, id, seq, generation, attempt, begun, not_before, kind, at_most_once, expires, order_hash,
  order_key, reference, payload, idempotency_key, client_request_id, cancel_on_reply, annotations)
SELECT i.slot, i.due, i.id, nextval('@.send_seq'), i.generation, i.attempt, i.begun, i.not_before, i.kind & 1,
  i.kind & 2 <> 0, i.expires, i.order_hash, i.order_key, i.reference, i.payload, i.idempotency_key,
  i.client_request_id, i.cancel_on_reply, i.annotations
FROM unnest($1::int4[], $2::int8[], $3::uuid[], $4::int4[], $5::int4[], $6::int4[], $7::int8[], $8::int4[], $9::int8[],
  $10::int8[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
  AS i(slot, due, id, generation, attempt, begun, not_before, kind, expires, order_hash, order_key, reference, payload,
  idempotency_key, client_request_id, cancel_on_reply, annotations)
ON CONFLICT DO NOTHING
RETURNING id, seq)";

constexpr std::string_view keep_dead_sql = R"(
INSERT INTO @.dead (slot, due, id, seq, generation, attempt, begun, not_before, kind, at_most_once, expires, order_hash,
  order_key, reference, payload, idempotency_key, client_request_id, cancel_on_reply, annotations, number, died, reason)
SELECT i.slot, i.due, i.id, nextval('@.send_seq'), i.generation, i.attempt, i.begun, i.not_before, i.kind & 1,
  i.kind & 2 <> 0, i.expires, i.order_hash, i.order_key, i.reference, i.payload, i.idempotency_key,
  i.client_request_id, i.cancel_on_reply, i.annotations, nextval('@.dead_number'), i.died, i.reason
FROM unnest($1::int4[], $2::int8[], $3::uuid[], $4::int4[], $5::int4[], $6::int4[], $7::int8[], $8::int4[], $9::int8[],
  $10::int8[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::int8[],
  $19::text[]) WITH ORDINALITY
  AS i(slot, due, id, generation, attempt, begun, not_before, kind, expires, order_hash, order_key, reference, payload,
  idempotency_key, client_request_id, cancel_on_reply, annotations, died, reason, n)
ORDER BY i.n)";

constexpr std::string_view insert_redriven_sql = R"(
WITH i AS (
  SELECT * FROM unnest($1::uuid[], $2::int8[], $3::int4[], $4::int4[], $5::int4[], $6::int8[])
    AS u(id, due, generation, attempt, begun, not_before)
),
gone AS (
  DELETE FROM @.dead AS d USING i WHERE d.id = i.id RETURNING d.*, i.due AS new_due, i.generation AS new_generation,
    i.attempt AS new_attempt, i.begun AS new_begun, i.not_before AS new_not_before
)
INSERT INTO @.send (slot, due, id, seq, generation, attempt, begun, not_before, kind, at_most_once, expires, order_hash,
  order_key, reference, payload, idempotency_key, client_request_id, cancel_on_reply, annotations)
SELECT slot, new_due, id, nextval('@.send_seq'), new_generation, new_attempt, new_begun, new_not_before, kind,
  at_most_once, expires, order_hash, order_key, reference, payload, idempotency_key, client_request_id, cancel_on_reply,
  annotations
FROM gone
RETURNING id, seq)";

// The columns of `dead` are those of `send`, in their order, and three more.
constexpr std::string_view bury_sql = R"(
INSERT INTO @.dead SELECT t.*, nextval('@.dead_number'), $5::int8, i.reason
FROM unnest($1::int4[], $2::int8[], $3::uuid[], $4::text[]) WITH ORDINALITY AS i(slot, due, id, reason, n)
CROSS JOIN LATERAL (
  SELECT * FROM @.send AS s WHERE s.slot = i.slot::int2 AND s.due = i.due AND s.id = i.id OFFSET 0
) AS t ORDER BY i.n)";

constexpr std::string_view erase_sql = R"(
DELETE FROM @.send AS t USING unnest($1::int4[], $2::int8[], $3::uuid[]) AS i(slot, due, id)
WHERE t.slot = i.slot::int2 AND t.due = i.due AND t.id = i.id)";

constexpr std::string_view renew_sql = R"(
UPDATE @.send AS t SET due = i.next, generation = i.generation, attempt = i.attempt, begun = i.begun,
  not_before = i.not_before
FROM unnest($1::int4[], $2::int8[], $3::uuid[], $4::int8[], $5::int4[], $6::int4[], $7::int4[], $8::int8[])
  AS i(slot, due, id, next, generation, attempt, begun, not_before)
WHERE t.slot = i.slot::int2 AND t.due = i.due AND t.id = i.id)";

constexpr std::string_view note_try_sql = R"(
UPDATE @.send AS t SET attempt = i.attempt, begun = i.begun, not_before = i.not_before
FROM unnest($1::int4[], $2::int8[], $3::uuid[], $4::int4[], $5::int4[], $6::int4[], $7::int8[])
  AS i(slot, due, id, generation, attempt, begun, not_before)
WHERE t.slot = i.slot::int2 AND t.due = i.due AND t.id = i.id)";

constexpr std::string_view add_retries_sql = R"(
INSERT INTO @.retry (slot, not_before, seq, due, id, order_hash, generation, attempt)
SELECT * FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::int8[], $5::uuid[], $6::int8[], $7::int4[], $8::int4[])
ON CONFLICT DO NOTHING)";

constexpr std::string_view erase_retries_sql = R"(
DELETE FROM @.retry AS t USING unnest($1::int4[], $2::int8[], $3::uuid[]) AS i(slot, not_before, id)
WHERE t.slot = i.slot::int2 AND t.not_before = i.not_before AND t.id = i.id)";

constexpr std::string_view note_moved_sql = R"(
INSERT INTO @.moved (id, due) SELECT * FROM unnest($1::uuid[], $2::int8[])
ON CONFLICT (id) DO UPDATE SET due = excluded.due)";

constexpr std::string_view erase_moved_sql = R"(DELETE FROM @.moved WHERE id = ANY($1::uuid[]))";

constexpr std::string_view add_replies_sql = R"(
INSERT INTO @.reply (hash, slot, due, id) SELECT * FROM unnest($1::int8[], $2::int4[], $3::int8[], $4::uuid[])
ON CONFLICT DO NOTHING)";

constexpr std::string_view erase_replies_sql = R"(
DELETE FROM @.reply AS t USING unnest($1::int8[], $2::uuid[]) AS i(hash, id) WHERE t.hash = i.hash AND t.id = i.id)";

constexpr std::string_view erase_dead_sql = R"(DELETE FROM @.dead WHERE id = ANY($1::uuid[]))";

constexpr std::string_view tell_sql = R"(
INSERT INTO @.inbox (slot, due, seq, id, order_hash, generation, attempt)
SELECT * FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::uuid[], $5::int8[], $6::int4[], $7::int4[]))";

constexpr std::string_view count_sql = R"(
INSERT INTO @.counter AS t (lane, pending, sent, cancelled, expired, dead, awaiting_reply, kept_dead)
VALUES ($1::int4, $2::int8, $3::int8, $4::int8, $5::int8, $6::int8, $7::int8, $8::int8)
ON CONFLICT (lane) DO UPDATE SET pending = t.pending + excluded.pending, sent = t.sent + excluded.sent,
  cancelled = t.cancelled + excluded.cancelled, expired = t.expired + excluded.expired, dead = t.dead + excluded.dead,
  awaiting_reply = t.awaiting_reply + excluded.awaiting_reply, kept_dead = t.kept_dead + excluded.kept_dead)";

constexpr std::string_view add_week_sql = "SELECT @.add_send_week($1::int4)";

constexpr std::string_view owners_of_slots_sql = R"(
SELECT DISTINCT owner FROM @.slot WHERE owner IS NOT NULL)";

constexpr std::string_view end_leases_sql = R"(
WITH ended AS (
  UPDATE @.slot SET owner = NULL, lease_until = NULL WHERE owner = ANY($1::text[])
)
DELETE FROM @.owner WHERE name = ANY($1::text[]))";

// Held leases are renewed, even an ended lease that nobody has taken; then free and expired slots are taken.
constexpr std::string_view hold_sql = R"(
WITH me AS (
  INSERT INTO @.owner (name, seen) VALUES ($1::text, clock_timestamp())
  ON CONFLICT (name) DO UPDATE SET seen = clock_timestamp()
), until AS (SELECT clock_timestamp() + $3::int8 * interval '1 millisecond' AS t
), kept AS (
  UPDATE @.slot AS s SET lease_until = until.t FROM until WHERE s.owner = $1::text RETURNING s.id, s.epoch
), free AS (
  SELECT s.id FROM @.slot AS s
  WHERE s.owner IS DISTINCT FROM $1::text AND (s.lease_until IS NULL OR s.lease_until < clock_timestamp())
  ORDER BY s.id LIMIT greatest(0, $2::int4 - (SELECT count(*) FROM kept)) FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE @.slot AS s SET owner = $1::text, epoch = s.epoch + 1, lease_until = until.t FROM free, until
  WHERE s.id = free.id RETURNING s.id, s.epoch
)
SELECT id, epoch FROM kept UNION ALL SELECT id, epoch FROM taken ORDER BY id)";

constexpr std::string_view count_owners_sql = R"(
SELECT count(*), (extract(epoch FROM clock_timestamp()) * 1000000)::int8 FROM @.owner
WHERE name <> $1::text AND seen > clock_timestamp() - $2::int8 * interval '1 millisecond')";

constexpr std::string_view release_sql = R"(
WITH given AS (
  UPDATE @.slot AS s SET owner = NULL, lease_until = NULL
  FROM (SELECT t.id, t.owner FROM @.slot AS t, unnest($1::int4[], $2::int8[]) AS i(id, epoch)
        WHERE t.id = i.id AND t.epoch = i.epoch AND t.owner IS NOT NULL ORDER BY t.id FOR UPDATE OF t) AS o
  WHERE s.id = o.id RETURNING o.id, o.owner
)
DELETE FROM @.owner AS w WHERE w.name IN (SELECT g.owner FROM given AS g)
  AND NOT EXISTS (SELECT FROM @.slot AS s WHERE s.owner = w.name AND s.id NOT IN (SELECT g.id FROM given AS g)))";

constexpr std::string_view forget_owners_sql = R"(
DELETE FROM @.owner WHERE seen < clock_timestamp() - interval '1 hour')";

// A send that waits for a retry (`SendState::is_retry`) is the one whose `not_before` is not NULL; it has a row in
// `retry`, which says when it is to be sent.
//
// WITH TIES, and sorted once more: sends due at the same nanosecond go by `seq`, which no index has. The order key
// comes along, for the process makes a hash of its own of it.
constexpr std::string_view load_sql = R"(
SELECT x.at, x.seq, x.order_key, x.id, x.generation, x.attempt, x.due FROM (
  (SELECT t.due AS at, t.seq, t.order_key, t.id, t.generation, t.attempt, t.due FROM @.send AS t
   WHERE t.slot = $1::int4::int2 AND t.due >= $3::int8 AND t.due < $5::int8 AND (t.due > $3::int8 OR t.seq > $4::int8)
     AND t.not_before IS NULL
   ORDER BY t.due FETCH FIRST ($6::int8) ROWS WITH TIES)
  UNION ALL
  (SELECT r.not_before, r.seq, t.order_key, r.id, r.generation, r.attempt, r.due
   FROM (SELECT * FROM @.retry AS w
         WHERE w.slot = $1::int4::int2 AND w.not_before >= $3::int8 AND w.not_before < $5::int8
           AND (w.not_before > $3::int8 OR w.seq > $4::int8)
         ORDER BY w.not_before FETCH FIRST ($6::int8) ROWS WITH TIES) AS r
   CROSS JOIN LATERAL (
     SELECT s.order_key FROM @.send AS s WHERE s.slot = r.slot AND s.due = r.due AND s.id = r.id OFFSET 0
   ) AS t)
) AS x
WHERE EXISTS (SELECT FROM @.slot AS s WHERE s.id = $1::int4::int2 AND s.epoch = $2::int8 AND s.owner IS NOT NULL)
ORDER BY x.at, x.seq LIMIT $6::int8)";

// A row without an id tells something else: with `seq` 0 that slots were given back, with 1 that more rows may wait.
// The order key is in `send`; for a send that has to wait first, `retry` says where. A send that was moved meanwhile is
// not there, and comes with a row of its own.
//
// The connection that runs this renews the leases as well, so it takes a bounded number of rows, slot after slot in
// their order. A row of the inbox is written once and never changed, so its `ctid` stays the same.
//
// `first` is more than a way to pass over slots that have nothing. For one row the server reads the index itself, and
// marks the entries there whose rows are gone. For many rows it makes a bitmap, which marks nothing: each call would
// look at all rows that were taken since the last vacuum, 95 ms for 100,000 of them.
constexpr std::string_view take_inbox_sql = R"(
WITH late AS (
  DELETE FROM @.inbox AS t WHERE t.ctid = ANY(ARRAY(
    SELECT o.ctid FROM (
      SELECT s.id FROM unnest($1::int4[], $2::int8[]) AS i(slot, epoch)
      JOIN @.slot AS s ON s.id = i.slot::int2 AND s.epoch = i.epoch AND s.owner IS NOT NULL
      CROSS JOIN LATERAL (SELECT FROM @.inbox AS f WHERE f.slot = s.id LIMIT 1) AS first ORDER BY s.id
    ) AS h CROSS JOIN LATERAL (SELECT w.ctid FROM @.inbox AS w WHERE w.slot = h.id LIMIT $3::int8) AS o
    LIMIT $3::int8))
  RETURNING t.due, t.seq, t.id, t.generation, t.attempt, t.slot
)
SELECT l.due, l.seq, k.order_key, l.id, l.generation, l.attempt, l.slot FROM late AS l
LEFT JOIN LATERAL (
  SELECT w.due FROM @.retry AS w WHERE w.slot = l.slot AND w.not_before = l.due AND w.id = l.id OFFSET 0
) AS r ON true
CROSS JOIN LATERAL (
  SELECT s.order_key FROM @.send AS s WHERE s.slot = l.slot AND s.due = coalesce(r.due, l.due) AND s.id = l.id OFFSET 0
) AS k
UNION ALL SELECT 0, 0, '', NULL, 0, 0, 0 WHERE EXISTS (SELECT FROM @.slot WHERE owner IS NULL)
UNION ALL SELECT 0, 1, '', NULL, 0, 0, 0 WHERE (SELECT count(*) FROM late) >= $3::int8)";

// Bounded, because the leases of the owner run meanwhile.
constexpr std::string_view drop_inbox_sql = R"(
DELETE FROM @.inbox AS t WHERE t.ctid = ANY(ARRAY(
  SELECT w.ctid FROM @.inbox AS w WHERE w.slot = ANY($1::int4[]) LIMIT 200000)))";

// A macro, because literals are joined by the preprocessor alone.
#define TERN_SEND_COLUMNS                                                                                      \
  "t.slot, t.due, t.id, t.seq, t.generation, t.attempt, t.begun, t.not_before, t.kind, t.at_most_once::int4, " \
  "t.expires, t.order_key, t.reference, t.payload, t.idempotency_key, t.client_request_id, "                   \
  "t.cancel_on_reply, t.annotations"

// The rule for what an entry still names is `ScheduleRules::is_current`.
//
// KEY SHARE waits for a transaction that is about to remove or move a send, and then finds what it left: so that a
// cancellation that was decided before this cannot be confirmed once the send has begun.
constexpr std::string_view fetch_sql = "SELECT " TERN_SEND_COLUMNS R"(, i.n
FROM unnest($1::int4[], $2::int8[], $3::uuid[], $4::int4[], $5::int4[]) WITH ORDINALITY
  AS i(slot, due, id, generation, attempt, n)
CROSS JOIN LATERAL (
  SELECT * FROM @.send AS s WHERE s.slot = i.slot::int2 AND s.due = i.due AND s.id = i.id
    AND s.generation = i.generation AND least(s.attempt, 65535) = i.attempt FOR KEY SHARE
) AS t)";

constexpr std::string_view send_of_sql = "SELECT " TERN_SEND_COLUMNS R"(
FROM @.send AS t WHERE t.slot = $1::int4::int2 AND t.id = $3::uuid
  AND t.due = coalesce((SELECT m.due FROM @.moved AS m WHERE m.id = $3::uuid), $2::int8))";

constexpr std::string_view list_conversation_sql = "SELECT " TERN_SEND_COLUMNS R"(
FROM (SELECT * FROM @.send AS s
      WHERE s.order_hash = $1::int8 AND s.order_key = $2::text AND s.due >= $3::int8
        AND (s.due > $3::int8 OR s.seq > $4::int8)
      ORDER BY s.due FETCH FIRST ($5::int8) ROWS WITH TIES) AS t
ORDER BY t.due, t.seq LIMIT $5::int8)";

constexpr std::string_view list_all_sql = "SELECT " TERN_SEND_COLUMNS R"(
FROM (SELECT f.* FROM generate_series(0, 63) AS n CROSS JOIN LATERAL (
        SELECT s.slot, s.due, s.id, s.seq FROM @.send AS s
        WHERE s.slot = n::int2 AND s.due >= $1::int8 AND (s.due > $1::int8 OR s.seq > $2::int8)
        ORDER BY s.due FETCH FIRST ($3::int8) ROWS WITH TIES) AS f
      ORDER BY f.due, f.seq LIMIT $3::int8) AS o
CROSS JOIN LATERAL (SELECT * FROM @.send AS s WHERE s.slot = o.slot AND s.due = o.due AND s.id = o.id OFFSET 0) AS t
ORDER BY t.due, t.seq)";

constexpr std::string_view list_dead_sql = "SELECT " TERN_SEND_COLUMNS R"(, t.number, t.died, t.reason
FROM @.dead AS t WHERE t.number > $1::int8 ORDER BY t.number LIMIT $2::int8)";

constexpr std::string_view list_dead_of_sql = "SELECT " TERN_SEND_COLUMNS R"(, t.number, t.died, t.reason
FROM @.dead AS t WHERE t.order_hash = $1::int8 AND t.order_key = $2::text AND t.number > $3::int8
ORDER BY t.number LIMIT $4::int8)";

constexpr std::string_view counts_sql = R"(
SELECT coalesce(sum(pending), 0)::int8, coalesce(sum(sent), 0)::int8, coalesce(sum(cancelled), 0)::int8,
  coalesce(sum(expired), 0)::int8, coalesce(sum(dead), 0)::int8, coalesce(sum(awaiting_reply), 0)::int8,
  coalesce(sum(kept_dead), 0)::int8
FROM @.counter)";

constexpr std::string_view oldest_sql = R"(
SELECT min(f.due) FROM generate_series(0, 63) AS n
CROSS JOIN LATERAL (
  SELECT t.due FROM @.send AS t WHERE t.slot = n::int2 AND t.due >= $1::int8 ORDER BY t.due LIMIT 1
) AS f)";

constexpr std::string_view count_due_sql = R"(
SELECT coalesce(sum(f.n), 0)::int8 FROM generate_series($1::int4, $2::int4 - 1) AS s
CROSS JOIN LATERAL (
  SELECT count(*) AS n FROM (
    SELECT FROM @.send AS t WHERE t.slot = s::int2 AND t.due >= $3::int8 AND t.due < $4::int8 LIMIT $5::int8
  ) AS d
) AS f)";

constexpr std::string_view forget_keys_sql = R"(
DELETE FROM @.idempotency WHERE key IN (
  SELECT t.key FROM @.idempotency AS t WHERE t.made < $1::int8 ORDER BY t.made LIMIT 10000 FOR UPDATE SKIP LOCKED))";

constexpr std::string_view forget_dead_sql = R"(
WITH gone AS (
  DELETE FROM @.dead WHERE number <= (SELECT t.number FROM @.dead AS t ORDER BY t.number DESC OFFSET $2::int8 LIMIT 1)
  RETURNING 1
)
INSERT INTO @.counter AS t (lane, pending, sent, cancelled, expired, dead, awaiting_reply, kept_dead)
SELECT $1::int4, 0, 0, 0, 0, 0, 0, -count(*) FROM gone HAVING count(*) > 0
ON CONFLICT (lane) DO UPDATE SET kept_dead = t.kept_dead + excluded.kept_dead)";

constexpr std::string_view drop_weeks_sql = "SELECT @.drop_drained_weeks($1::int4)";

#undef TERN_SEND_COLUMNS

}  // namespace

ScheduleStatements::ScheduleStatements(const std::string& schema)
    : lock_slots{"tern_lock_slots", in_schema(lock_slots_sql, schema)},
      find_replied{"tern_find_replied", in_schema(find_replied_sql, schema)},
      locate{"tern_locate", in_schema(locate_sql, schema)},
      locate_dead{"tern_locate_dead", in_schema(locate_dead_sql, schema)},
      claim_keys{"tern_claim_keys", in_schema(claim_keys_sql, schema)},
      known_keys{"tern_known_keys", in_schema(known_keys_sql, schema)},
      keep_keys{"tern_keep_keys", in_schema(keep_keys_sql, schema)},
      keep_dead{"tern_keep_dead", in_schema(keep_dead_sql, schema)},
      list_keys{"tern_list_keys", in_schema(list_keys_sql, schema)},
      insert_sends{"tern_insert_sends", in_schema(insert_sends_sql, schema)},
      insert_redriven{"tern_insert_redriven", in_schema(insert_redriven_sql, schema)},
      bury{"tern_bury", in_schema(bury_sql, schema)},
      erase{"tern_erase", in_schema(erase_sql, schema)},
      renew{"tern_renew", in_schema(renew_sql, schema)},
      note_try{"tern_note_try", in_schema(note_try_sql, schema)},
      add_retries{"tern_add_retries", in_schema(add_retries_sql, schema)},
      erase_retries{"tern_erase_retries", in_schema(erase_retries_sql, schema)},
      note_moved{"tern_note_moved", in_schema(note_moved_sql, schema)},
      erase_moved{"tern_erase_moved", in_schema(erase_moved_sql, schema)},
      add_replies{"tern_add_replies", in_schema(add_replies_sql, schema)},
      erase_replies{"tern_erase_replies", in_schema(erase_replies_sql, schema)},
      erase_dead{"tern_erase_dead", in_schema(erase_dead_sql, schema)},
      tell{"tern_tell", in_schema(tell_sql, schema)},
      count{"tern_count", in_schema(count_sql, schema)},
      add_week{"tern_add_week", in_schema(add_week_sql, schema)},
      owners_of_slots{"tern_owners_of_slots", in_schema(owners_of_slots_sql, schema)},
      end_leases{"tern_end_leases", in_schema(end_leases_sql, schema)},
      hold{"tern_hold", in_schema(hold_sql, schema)},
      count_owners{"tern_count_owners", in_schema(count_owners_sql, schema)},
      release{"tern_release", in_schema(release_sql, schema)},
      forget_owners{"tern_forget_owners", in_schema(forget_owners_sql, schema)},
      load{"tern_load", in_schema(load_sql, schema)},
      take_inbox{"tern_take_inbox", in_schema(take_inbox_sql, schema)},
      drop_inbox{"tern_drop_inbox", in_schema(drop_inbox_sql, schema)},
      fetch{"tern_fetch", in_schema(fetch_sql, schema)},
      send_of{"tern_send_of", in_schema(send_of_sql, schema)},
      list_conversation{"tern_list_conversation", in_schema(list_conversation_sql, schema)},
      list_all{"tern_list_all", in_schema(list_all_sql, schema)},
      list_dead{"tern_list_dead", in_schema(list_dead_sql, schema)},
      list_dead_of{"tern_list_dead_of", in_schema(list_dead_of_sql, schema)},
      counts{"tern_counts", in_schema(counts_sql, schema)},
      oldest{"tern_oldest", in_schema(oldest_sql, schema)},
      count_due{"tern_count_due", in_schema(count_due_sql, schema)},
      forget_keys{"tern_forget_keys", in_schema(forget_keys_sql, schema)},
      forget_dead{"tern_forget_dead", in_schema(forget_dead_sql, schema)},
      drop_weeks{"tern_drop_weeks", in_schema(drop_weeks_sql, schema)} {}

}  // namespace tern::detail::pg
