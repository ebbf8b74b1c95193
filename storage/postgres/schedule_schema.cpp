#include "schedule_schema.hpp"

namespace tern::detail::pg {

// Times are nanoseconds since 1970 as the caller's clock has them, and bigint, so that a test can move that clock; only
// leases go by the database's own time. Rows of `send` are found by (slot, due, id), because an id alone cannot be
// unique over partitions; `moved` says when a send is due whose handle may say otherwise.
//
//  slot         the 64 slots: who owns each, and until when. The epoch grows with each owner.
//  owner        processes that take part, whether they hold slots or not.
//  send         pending sends, a partition for each week of `due`, made when it is first needed and dropped when it is
//               over and empty. `due` never changes with a retry, which sets `not_before`.
//               The index of conversations has no second column: a plan for (slot, due, id) that is made while a
//               partition is empty would take it for as good as the primary key, and stay in use while the partition
//               grows.
//  retry        the sends that wait for `not_before`, in the order of that.
//  moved        the sends that were rescheduled, recurred or were sent again: when they are due now.
//  reply        the sends that the next message of a user cancels.
//  inbox        what was committed into a window that the slot's owner may have loaded; the owner takes it out.
//  idempotency  the first handle for each key, for a week; and since version 3 a digest of what is promised.
//  dead         sends that were given up.
//  counter      what the counts are the sums of; each lane of each process adds to a row of its own.
//
// The functions run with the rights of the schema's owner, so that the role of the bot needs none to create tables.
const std::string_view schedule_migration = R"(
CREATE TABLE @.slot (
  id int2 PRIMARY KEY, owner text, epoch bigint NOT NULL, lease_until timestamptz
) WITH (fillfactor = 50);
INSERT INTO @.slot (id, epoch) SELECT i, 0 FROM generate_series(0, 63) AS i;
CREATE TABLE @.owner (name text PRIMARY KEY, seen timestamptz NOT NULL) WITH (fillfactor = 50);

CREATE SEQUENCE @.send_seq AS bigint;
CREATE TABLE @.send (
  due bigint NOT NULL,
  seq bigint NOT NULL,
  order_hash bigint NOT NULL,
  not_before bigint,
  expires bigint,
  id uuid NOT NULL,
  generation int4 NOT NULL,
  attempt int4 NOT NULL,
  slot int2 NOT NULL,
  kind int2 NOT NULL,
  begun int2 NOT NULL,
  at_most_once bool NOT NULL,
  order_key text NOT NULL,
  reference text NOT NULL,
  payload text NOT NULL,
  idempotency_key text NOT NULL,
  client_request_id text NOT NULL,
  cancel_on_reply text NOT NULL,
  annotations text NOT NULL,
  PRIMARY KEY (slot, due, id)
) PARTITION BY RANGE (due);
CREATE INDEX send_order ON @.send (order_hash);
CREATE TABLE @.send_past PARTITION OF @.send FOR VALUES FROM (MINVALUE) TO (1693440000000000000);

CREATE TABLE @.retry (
  not_before bigint NOT NULL, seq bigint NOT NULL, due bigint NOT NULL, order_hash bigint NOT NULL, id uuid NOT NULL,
  generation int4 NOT NULL, attempt int4 NOT NULL, slot int2 NOT NULL,
  PRIMARY KEY (slot, not_before, id)
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE TABLE @.moved (id uuid PRIMARY KEY, due bigint NOT NULL);
CREATE TABLE @.reply (
  hash bigint NOT NULL, due bigint NOT NULL, id uuid NOT NULL, slot int2 NOT NULL, PRIMARY KEY (hash, id)
);
CREATE TABLE @.inbox (
  due bigint NOT NULL, seq bigint NOT NULL, order_hash bigint NOT NULL, id uuid NOT NULL, generation int4 NOT NULL,
  attempt int4 NOT NULL, slot int2 NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX inbox_slot ON @.inbox (slot);
CREATE TABLE @.idempotency (
  key bytea PRIMARY KEY, due bigint NOT NULL, made bigint NOT NULL, id uuid NOT NULL, slot int2 NOT NULL
);
CREATE INDEX idempotency_made ON @.idempotency (made);

CREATE SEQUENCE @.dead_number AS bigint;
CREATE TABLE @.dead (
  LIKE @.send,
  number bigint PRIMARY KEY DEFAULT nextval('@.dead_number'),
  died bigint NOT NULL,
  reason text NOT NULL
);
CREATE UNIQUE INDEX dead_id ON @.dead (id);
CREATE INDEX dead_order ON @.dead (order_hash, number);
CREATE TABLE @.counter (
  lane int4 PRIMARY KEY, pending bigint NOT NULL, sent bigint NOT NULL, cancelled bigint NOT NULL,
  expired bigint NOT NULL, dead bigint NOT NULL, awaiting_reply bigint NOT NULL, kept_dead bigint NOT NULL
) WITH (fillfactor = 20);

CREATE FUNCTION @.add_send_week(week int4) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
DECLARE
  name text := 'send_w' || week;
  length CONSTANT bigint := 604800000000000;
BEGIN
  IF week < 2800 OR week > 15000 THEN
    RAISE EXCEPTION 'no week of sends has the number %', week;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('@.send_weeks', 0));
  IF to_regclass('@.' || name) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE @.%I (LIKE @.send INCLUDING DEFAULTS) WITH (autovacuum_vacuum_scale_factor = 0.01, '
    'autovacuum_vacuum_insert_scale_factor = 0.2)', name);
  EXECUTE format('ALTER TABLE @.send ATTACH PARTITION @.%I FOR VALUES FROM (%s) TO (%s)', name, week * length,
    (week + 1) * length);
END
$body$;

CREATE FUNCTION @.drop_drained_weeks(before int4) RETURNS int4
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '50ms' AS $body$
DECLARE
  dropped int4 := 0;
  part record;
  found_one bool;
BEGIN
  FOR part IN
    SELECT c.relname AS name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = '@.send'::regclass AND c.relname ~ '^send_w[0-9]+$' AND substr(c.relname, 7)::int4 < before
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM @.%I)', part.name) INTO found_one;
    CONTINUE WHEN found_one;  -- all that wait for the lock would make others wait
    BEGIN
      EXECUTE format('LOCK TABLE @.send, @.%I IN ACCESS EXCLUSIVE MODE', part.name);
      EXECUTE format('SELECT EXISTS (SELECT FROM @.%I)', part.name) INTO found_one;
      IF NOT found_one THEN
        EXECUTE format('DROP TABLE @.%I', part.name);
        dropped := dropped + 1;
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      NULL;  -- somebody is at work; there is another time
    END;
  END LOOP;
  RETURN dropped;
END
$body$;
)";

const std::string_view digest_migration = R"(
SET LOCAL lock_timeout = '2s';
ALTER TABLE @.idempotency ADD COLUMN digest uuid;
)";

}  // namespace tern::detail::pg
