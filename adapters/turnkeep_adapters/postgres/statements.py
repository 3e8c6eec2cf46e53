"""The statements: everything that the store ever says to the server, named after the port's verbs.

Each is one statement on an autocommit connection, so each is one transaction; the functions behind
them are in the migrations, with their plans pinned.
"""

from __future__ import annotations

from typing import Final, LiteralString

# One statement reads one snapshot: no two cells of two moments.
LOAD: Final[LiteralString] = (
    "SELECT now_us, key, body, state, due_us, sort, revision, written_by"
    " FROM turnkeep.load_v1(%s::bytea[])"
)

# One transaction judges and writes; it is committed when the server is ready for the next.
COMMIT: Final[LiteralString] = (
    "SELECT n, answer, value FROM turnkeep.commit_v1(%s::json, %s::boolean, %s::integer)"
)

# The same for one commit of one cell that is there, which needs less.
COMMIT_PUT: Final[LiteralString] = (
    "SELECT n, answer, value FROM turnkeep.commit_put_v1(%s::bytea, %s::timestamptz, %s::bytea,"
    " %s::bytea, %s::text, %s::timestamptz, %s::text, %s::bytea, %s::text, %s::timestamptz,"
    " %s::bytea, %s::boolean, %s::integer)"
)

# One statement reads one snapshot; so do the other scans.
SCAN_DUE: Final[LiteralString] = (
    "SELECT now_us, key, body, state, due_us, sort, revision, written_by"
    " FROM turnkeep.scan_due_v1(%s::text, %s::text, %s::timestamptz, %s::timestamptz, %s::bytea,"
    " %s::integer)"
)

# One snapshot for all states, so that a cell that moves from one to another is seen once.
SCAN_DUE_STATES: Final[LiteralString] = (
    "SELECT now_us, key, body, state, due_us, sort, revision, written_by"
    " FROM turnkeep.scan_due_states_v1(%s::text, %s::text[], %s::timestamptz, %s::timestamptz,"
    " %s::bytea, %s::integer)"
)

# One snapshot.
SCAN_OWNER: Final[LiteralString] = (
    "SELECT now_us, key, body, state, due_us, sort, revision, written_by"
    " FROM turnkeep.scan_owner_v1(%s::bytea, %s::text, %s::bytea, %s::bytea, %s::text, %s::bytea,"
    " %s::integer)"
)

# One snapshot.
SCAN_SCOPE: Final[LiteralString] = (
    "SELECT now_us, key, body, state, due_us, sort, revision, written_by"
    " FROM turnkeep.scan_scope_v1(%s::bytea, %s::text, %s::bytea, %s::integer)"
)

# One snapshot.
SCAN_KEYS: Final[LiteralString] = (
    "SELECT now_us, key, body, state, due_us, sort, revision, written_by"
    " FROM turnkeep.scan_keys_v1(%s::bytea, %s::bytea, %s::bytea, %s::integer)"
)

# One snapshot for the floor, the horizon and the events: none is trimmed in between.
EVENTS: Final[LiteralString] = (
    "SELECT what, epoch, xid, seq, commit_id, key, kind, at_us, body"
    " FROM turnkeep.events_v1(%s::integer, %s::bigint, %s::integer, %s::bytea, %s::bytea[],"
    " %s::bytea, %s::integer, %s::integer)"
)

# The floor's row is locked, judged and raised in one transaction.
TRIM: Final[LiteralString] = (
    "SELECT what, epoch, xid, seq, tag"
    " FROM turnkeep.trim_v1(%s::integer, %s::bigint, %s::integer, %s::bytea)"
)

# Deletes only what no reader can see: any number of batches, or none, looks the same.
TRIM_BATCH: Final[LiteralString] = "SELECT turnkeep.trim_batch_v1(%s::integer)"

# Two statements in one function, in that order; the function says why.
PULSE: Final[LiteralString] = "SELECT last, running FROM turnkeep.pulse_v1()"

# Outside every commit: notifying makes commits wait for each other.
NOTIFY: Final[LiteralString] = "SELECT pg_notify('turnkeep', %s::text)"

# A session's own registration; committed at once.
LISTEN: Final[LiteralString] = "LISTEN turnkeep"

# One row of one table.
VERSION: Final[LiteralString] = "SELECT max(number) FROM turnkeep.migration"

# One snapshot of one row, and the server's own name.
IDENTITY: Final[LiteralString] = (
    "SELECT store_id, epoch, stored, present, encoding FROM turnkeep.identity_v1()"
)

# One transaction for all of a migration's steps: this lock is held until it ends.
MIGRATION_LOCK: Final[LiteralString] = "SELECT pg_advisory_xact_lock(8390045700104577381)"

# A plain question about the catalogue.
MIGRATION_TABLE: Final[LiteralString] = "SELECT to_regclass('turnkeep.migration') IS NOT NULL"

# Created within the migration's transaction, under its lock.
MIGRATION_SCHEMA: Final[LiteralString] = "CREATE SCHEMA IF NOT EXISTS turnkeep"

# One snapshot.
MIGRATION_STEPS: Final[LiteralString] = "SELECT number, digest FROM turnkeep.migration ORDER BY 1"

# Written with the step that it records.
MIGRATION_STEP: Final[LiteralString] = (
    "INSERT INTO turnkeep.migration (number, name, digest) VALUES (%s, %s, %s)"
)

# The row is locked, compared and changed in one transaction.
ADOPT: Final[LiteralString] = "SELECT before, after FROM turnkeep.adopt_v1()"

# One snapshot of the server's activity; prepared transactions hold the horizon as well.
OLDEST_WRITER: Final[LiteralString] = (
    "SELECT pid, age_seconds FROM ("
    " SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::float8 AS age_seconds,"
    " age(backend_xid) AS xid_age FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
    " UNION ALL"
    " SELECT NULL, extract(epoch FROM clock_timestamp() - prepared)::float8, age(transaction)"
    " FROM pg_prepared_xacts"
    ") AS writers WHERE pid IS DISTINCT FROM pg_backend_pid() ORDER BY xid_age DESC LIMIT 1"
)

# What the server was told to do, as this session sees it.
SERVER_SETTINGS: Final[LiteralString] = (
    "SELECT current_setting('server_version'), current_setting('fsync') = 'on',"
    " current_setting('synchronous_commit'), current_setting('default_transaction_isolation'),"
    " extract(epoch FROM current_setting('statement_timeout')::interval)::float8"
)

# One snapshot for everything that is read until the end; it can write nothing.
SNAPSHOT_BEGIN: Final[LiteralString] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# For this transaction alone: copying a large store takes longer than any statement should.
SNAPSHOT_PATIENCE: Final[tuple[LiteralString, ...]] = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)

# The first question: the moment of the snapshot.
SNAPSHOT_COUNTS: Final[LiteralString] = (
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,"
    " (SELECT count(*) FROM turnkeep.cell),"
    " (SELECT count(*) FROM turnkeep.event e, turnkeep.meta m WHERE ROW(e.epoch, e.xid, e.seq)"
    " > ROW(m.floor_epoch, m.floor_xid, m.floor_seq))"
)

# Within the snapshot; numbers of the sequence come first in revisions, so bytes sort as they do.
SNAPSHOT_CELLS: Final[LiteralString] = (
    "DECLARE turnkeep_cells NO SCROLL CURSOR FOR"
    " SELECT c.key, c.body, c.state, (extract(epoch FROM c.due_at) * 1000000)::bigint, c.sort,"
    " c.revision, c.written_by, s.cells, e.commit_id IS NOT NULL"
    " FROM turnkeep.cell c"
    " JOIN (SELECT written_by, count(*) AS cells FROM turnkeep.cell GROUP BY written_by) s"
    " USING (written_by)"
    " LEFT JOIN (SELECT DISTINCT e.commit_id FROM turnkeep.event e, turnkeep.meta m"
    " WHERE ROW(e.epoch, e.xid, e.seq) > ROW(m.floor_epoch, m.floor_xid, m.floor_seq)) e"
    " ON e.commit_id = c.written_by"
    " ORDER BY c.revision"
)
SNAPSHOT_CELLS_NEXT: Final[LiteralString] = "FETCH 100 FROM turnkeep_cells"

# Within the snapshot.
SNAPSHOT_EVENTS: Final[LiteralString] = (
    "DECLARE turnkeep_events NO SCROLL CURSOR FOR"
    " SELECT e.commit_id, e.key, e.kind, (extract(epoch FROM e.at) * 1000000)::bigint, e.body,"
    " coalesce(s.cells, 0)"
    " FROM turnkeep.meta m, turnkeep.event e"
    " LEFT JOIN (SELECT written_by, count(*) AS cells FROM turnkeep.cell GROUP BY written_by) s"
    " ON s.written_by = e.commit_id"
    " WHERE ROW(e.epoch, e.xid, e.seq) > ROW(m.floor_epoch, m.floor_xid, m.floor_seq)"
    " ORDER BY e.epoch, e.xid, e.seq"
)
SNAPSHOT_EVENTS_NEXT: Final[LiteralString] = "FETCH 500 FROM turnkeep_events"

# Nothing was written, so nothing can be lost by it.
SNAPSHOT_END: Final[LiteralString] = "ROLLBACK"
