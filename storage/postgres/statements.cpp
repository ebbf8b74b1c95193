#include "schema.hpp"

#include <string_view>

namespace tern::detail::pg {

namespace {

// All keys of many reads: one statement is one snapshot. LATERAL with OFFSET 0 keeps the planner to one look into the
// index for each key. Positions stand for keys, so that no key has to travel back.
constexpr std::string_view read_sql = R"(
SELECT i.n, d.etag, d.document
FROM unnest($1::bytea[]) WITH ORDINALITY AS i(key, n)
CROSS JOIN LATERAL (SELECT t.etag, t.document FROM @.documents AS t WHERE t.key = i.key OFFSET 0) AS d)";

// Many writes, each all or nothing, in one transaction and one round trip.
//
// Rows come sorted by key and each key once, so that transactions lock in the same order and none waits for another in
// a circle. A row: the key, the document (NULL removes), the operation it belongs to, and what must hold: 0 nothing, -1
// the key is absent, otherwise this eTag (-2 is none).
//
//  seen     locks the rows that exist. FOR UPDATE waits for other writers and yields the newest version.
//  judged   an operation with one row not as expected is refused whole; its neighbours are not touched by that.
//  planned  gives the eTags, to what will be written alone.
//  fresh    has no ON CONFLICT: a key that another transaction made meanwhile raises 23505, and the whole is repeated
//           with that key in sight. It inserts in key order, so that two batches do not wait for each other.
//
// The last condition divides by zero, and so undoes everything, when a row that was locked was not written. It cannot
// happen as far as we know; if it could, half an operation would be confirmed.
//
// The outcome of a row: its new eTag, 0 when removed, -1 when not as expected, -2 when refused for another row's sake.
constexpr std::string_view write_sql = R"(
WITH seen AS MATERIALIZED (
  SELECT i.key, i.document, i.op, i.n, l.etag,
    CASE i.expect WHEN 0 THEN false WHEN -1 THEN l.etag IS NOT NULL ELSE l.etag IS DISTINCT FROM i.expect END AS bad
  FROM unnest($1::bytea[], $2::text[], $3::int4[], $4::int8[]) WITH ORDINALITY AS i(key, document, op, expect, n)
  LEFT JOIN LATERAL (SELECT t.etag FROM @.documents AS t WHERE t.key = i.key FOR NO KEY UPDATE) AS l ON true
), judged AS MATERIALIZED (
  SELECT s.*, bool_or(s.bad) OVER (PARTITION BY s.op) AS refused FROM seen AS s
), planned AS MATERIALIZED (
  SELECT j.*, CASE WHEN j.refused OR j.document IS NULL THEN NULL ELSE nextval('@.etag') END AS next FROM judged AS j
), changed AS (
  UPDATE @.documents AS t SET document = p.document, etag = p.next FROM planned AS p
  WHERE t.key = p.key AND p.next IS NOT NULL AND p.etag IS NOT NULL RETURNING 1
), fresh AS (
  INSERT INTO @.documents (key, document, etag) SELECT p.key, p.document, p.next FROM planned AS p
  WHERE p.next IS NOT NULL AND p.etag IS NULL ORDER BY p.key RETURNING 1
), removed AS (
  DELETE FROM @.documents AS t USING planned AS p
  WHERE t.key = p.key AND p.document IS NULL AND NOT p.refused AND p.etag IS NOT NULL RETURNING 1
)
SELECT p.n, CASE WHEN p.bad THEN -1 WHEN p.refused THEN -2 ELSE coalesce(p.next, 0) END FROM planned AS p
WHERE 1 / CASE WHEN (SELECT count(*) FROM changed) + (SELECT count(*) FROM fresh) + (SELECT count(*) FROM removed) =
  (SELECT count(*) FROM planned AS q WHERE NOT q.refused AND (q.next IS NOT NULL OR q.etag IS NOT NULL))
  THEN 1 ELSE 0 END = 1)";

// Writes of documents that are there, as those of most turns are: without the locks and copies of the statement above
// it takes two thirds of the time. Rows come as above, with the number of rows of their operation, and are locked and
// written one after the other in key order.
//
// Only what was written is told. An operation of which nothing was written has met a conflict, or a key that is absent;
// nobody else is touched by that. One that was written in part undoes everything, with an error whose text is for the
// reader of the server's log; then the statement above does the work.
constexpr std::string_view update_sql = R"(
WITH changed AS (
  UPDATE @.documents AS t SET document = i.document, etag = nextval('@.etag')
  FROM unnest($1::bytea[], $2::text[], $3::int4[], $4::int8[], $5::int4[]) WITH ORDINALITY
    AS i(key, document, op, expect, size, n)
  WHERE t.key = i.key AND (i.expect = 0 OR i.expect = t.etag)
  RETURNING i.n, i.op, i.size, t.etag
)
SELECT c.n, c.etag FROM changed AS c WHERE coalesce((
  SELECT ('tern: ' || count(*)::text || ' writes met conflicts, all is undone and tried with care')::int4
  FROM (SELECT 1 FROM changed AS g GROUP BY g.op HAVING count(*) <> max(g.size)) AS p HAVING count(*) > 0
), 0) = 0)";

constexpr std::string_view scan_sql = R"(
SELECT encode(t.key, 'hex'), t.etag, t.document FROM @.documents AS t
WHERE t.key >= $1::bytea AND t.key < $2::bytea ORDER BY t.key LIMIT $3::int8)";

constexpr std::string_view scan_to_the_end_sql = R"(
SELECT encode(t.key, 'hex'), t.etag, t.document FROM @.documents AS t
WHERE t.key >= $1::bytea ORDER BY t.key LIMIT $2::int8)";

}  // namespace

Statements::Statements(const std::string& schema)
    : read{"tern_read", in_schema(read_sql, schema)},
      write{"tern_write", in_schema(write_sql, schema)},
      update{"tern_update", in_schema(update_sql, schema)},
      scan{"tern_scan", in_schema(scan_sql, schema)},
      scan_to_the_end{"tern_scan_to_the_end", in_schema(scan_to_the_end_sql, schema)} {}

}  // namespace tern::detail::pg
