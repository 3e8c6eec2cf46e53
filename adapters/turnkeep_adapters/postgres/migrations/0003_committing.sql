-- What a call of commit_v1 is made of, one element of its JSON array for each:
-- what = 'commit' (at: valid_until), 'put', 'delete', 'check' or 'event'; n numbers the commits.
CREATE TYPE turnkeep.row_v1 AS (
    n integer, what text, commit_id bytea, key bytea, expect bytea, owner_bytes integer,
    scope_bytes integer, collection text, state text, due_at timestamptz, sort text, kind text,
    at timestamptz, body bytea
);

-- Judges and applies independent commits, each by itself; no two name one key, unless both only
-- check it. Answers 'taken' (a lock; only without p_wait), 'late', 'stale' (a row for each stale
-- key) or 'committed' (and then 'revision', a row for each put, in order).
--
-- Locks are taken on digests, ascending, so that commits never wait for each other in a circle;
-- absence can be locked, checks share, and who loses has written nothing. A call that does not wait
-- cannot be part of a circle.
CREATE FUNCTION turnkeep.commit_v1(p_rows json, p_wait boolean, p_lock_ms integer)
RETURNS TABLE (n integer, answer text, value bytea)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_rows row_v1[];
    v_out integer[] := '{}';
    v_lost integer[];
    v_revisions bytea[];
    v_now timestamptz;
    v_inserts integer;
    v_updates integer;
    v_deletes integer;
    v_events integer;
    v_done integer;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- A check would compare with what was true when the transaction began.
        RAISE EXCEPTION 'commits need read committed' USING ERRCODE = 'TK001';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    v_rows := ARRAY(SELECT r FROM json_populate_recordset(NULL::row_v1, p_rows) r);

    IF p_wait THEN
        PERFORM set_config('lock_timeout', p_lock_ms::text, true);
        PERFORM CASE WHEN l.shared THEN pg_advisory_xact_lock_shared(l.digest)
                     ELSE pg_advisory_xact_lock(l.digest) END
        FROM (
            SELECT hashtextextended(encode(r.key, 'hex') COLLATE "C", 7310868735420919408) AS digest,
                   bool_and(r.what = 'check') AS shared
            FROM unnest(v_rows) r
            WHERE r.what IN ('put', 'delete', 'check')
            GROUP BY 1 ORDER BY 1 OFFSET 0
        ) l;
    ELSE
        v_out := ARRAY(
            SELECT DISTINCT l.n
            FROM (
                SELECT r.n, r.what = 'check' AS shared,
                       hashtextextended(encode(r.key, 'hex') COLLATE "C", 7310868735420919408)
                           AS digest
                FROM unnest(v_rows) r
                WHERE r.what IN ('put', 'delete', 'check')
                OFFSET 0
            ) l
            WHERE NOT CASE WHEN l.shared THEN pg_try_advisory_xact_lock_shared(l.digest)
                           ELSE pg_try_advisory_xact_lock(l.digest) END);
        IF v_out <> '{}' THEN
            RETURN QUERY SELECT t.n, 'taken', NULL::bytea FROM unnest(v_out) AS t (n);
            v_rows := ARRAY(SELECT r FROM unnest(v_rows) r WHERE r.n <> ALL (v_out));
        END IF;
    END IF;

    -- From here on each statement sees all that was committed before the locks were taken.
    v_now := clock_timestamp();
    v_lost := ARRAY(SELECT r.n FROM unnest(v_rows) r WHERE r.what = 'commit' AND r.at <= v_now);
    IF v_lost <> '{}' THEN
        RETURN QUERY SELECT t.n, 'late', NULL::bytea FROM unnest(v_lost) AS t (n);
        v_rows := ARRAY(SELECT r FROM unnest(v_rows) r WHERE r.n <> ALL (v_lost));
    END IF;

    SELECT array_agg(s.n), array_agg(s.key) INTO v_lost, v_revisions
    FROM (
        SELECT r.n, r.key
        FROM unnest(v_rows) r LEFT JOIN cell c ON c.key = r.key
        WHERE r.what IN ('put', 'delete', 'check') AND c.revision IS DISTINCT FROM r.expect
    ) s;
    IF v_lost IS NOT NULL THEN
        RETURN QUERY SELECT t.n, 'stale', t.key FROM unnest(v_lost, v_revisions) AS t (n, key);
        v_rows := ARRAY(SELECT r FROM unnest(v_rows) r WHERE r.n <> ALL (v_lost));
    END IF;

    SELECT count(*) FILTER (WHERE r.what = 'put' AND r.expect IS NULL),
           count(*) FILTER (WHERE r.what = 'put' AND r.expect IS NOT NULL),
           count(*) FILTER (WHERE r.what = 'delete'),
           count(*) FILTER (WHERE r.what = 'event')
    INTO v_inserts, v_updates, v_deletes, v_events
    FROM unnest(v_rows) r;
    IF v_inserts + v_updates + v_deletes = 0 THEN
        RETURN;
    END IF;

    -- The transaction id comes first: who sees a number of the sequence sees who is to use it.
    PERFORM pg_current_xact_id();
    v_revisions := ARRAY(
        SELECT CASE WHEN r.what IN ('put', 'delete')
                    THEN int8send(nextval('turnkeep.revision')) || substring(r.commit_id FOR 8) END
        FROM unnest(v_rows) r);
    IF v_inserts > 0 THEN
        INSERT INTO cell (key, owner, scope, id, collection, state, due_at, sort, revision,
                          written_by, body)
        SELECT r.key, substring(r.key FOR r.owner_bytes), substring(r.key FOR r.scope_bytes),
               substring(r.key FROM r.scope_bytes + 1), r.collection, r.state, r.due_at, r.sort,
               r.revision, r.commit_id, r.body
        FROM unnest(v_rows, v_revisions) AS r (n, what, commit_id, key, expect, owner_bytes,
             scope_bytes, collection, state, due_at, sort, kind, at, body, revision)
        WHERE r.what = 'put' AND r.expect IS NULL
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        v_inserts := v_inserts - v_done;
    END IF;
    IF v_updates > 0 THEN
        UPDATE cell c
        SET state = r.state, due_at = r.due_at, sort = r.sort, revision = r.revision,
            written_by = r.commit_id, body = r.body
        FROM unnest(v_rows, v_revisions) AS r (n, what, commit_id, key, expect, owner_bytes,
             scope_bytes, collection, state, due_at, sort, kind, at, body, revision)
        WHERE r.what = 'put' AND r.expect IS NOT NULL AND c.key = r.key AND c.revision = r.expect;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        v_updates := v_updates - v_done;
    END IF;
    IF v_deletes > 0 THEN
        DELETE FROM cell c
        USING unnest(v_rows) r
        WHERE r.what = 'delete' AND c.key = r.key AND c.revision = r.expect;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        v_deletes := v_deletes - v_done;
    END IF;
    IF (v_inserts, v_updates, v_deletes) <> (0, 0, 0) THEN
        -- Somebody writes without the locks. Everything is undone and may be tried again.
        RAISE EXCEPTION 'cells changed under their locks' USING ERRCODE = '40001';
    END IF;
    IF v_events > 0 THEN
        INSERT INTO event (epoch, xid, seq, commit_id, key, kind, at, body)
        SELECT m.epoch, pg_current_xact_id(), r.seq, r.commit_id, r.key, r.kind, r.at, r.body
        FROM meta m, unnest(v_rows) WITH ORDINALITY AS r (n, what, commit_id, key, expect,
             owner_bytes, scope_bytes, collection, state, due_at, sort, kind, at, body, seq)
        WHERE r.what = 'event';
    END IF;
    RETURN QUERY
    SELECT r.n, CASE r.what WHEN 'put' THEN 'revision' ELSE 'committed' END, r.revision
    FROM unnest(v_rows, v_revisions) AS r (n, what, commit_id, key, expect, owner_bytes,
         scope_bytes, collection, state, due_at, sort, kind, at, body, revision)
    WHERE r.what IN ('commit', 'put');
END
$$;
