-- Judges and applies one commit that puts one cell, which is there, and tells at most one event of it:
-- what most updates are. The same as commit_v1 does with it, under the same lock and in the same rows,
-- with a few statements instead of a dozen. p_kind is NULL where nothing is told.
CREATE FUNCTION turnkeep.commit_put_v1(
    p_commit_id bytea, p_valid_until timestamptz, p_key bytea, p_expect bytea, p_state text,
    p_due_at timestamptz, p_sort text, p_body bytea, p_kind text, p_at timestamptz, p_told bytea,
    p_wait boolean, p_lock_ms integer)
RETURNS TABLE (n integer, answer text, value bytea)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_digest bigint := hashtextextended(encode(p_key, 'hex') COLLATE "C", 7310868735420919408);
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- The revision would be compared with what was true when the transaction began.
        RAISE EXCEPTION 'commits need read committed' USING ERRCODE = 'TK001';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    n := 0;
    IF p_wait THEN
        PERFORM set_config('lock_timeout', p_lock_ms::text, true);
        PERFORM pg_advisory_xact_lock(v_digest);
    ELSIF NOT pg_try_advisory_xact_lock(v_digest) THEN
        answer := 'taken';
        RETURN NEXT;
        RETURN;
    END IF;

    -- From here on each statement sees all that was committed before the lock was taken.
    IF p_valid_until <= clock_timestamp() THEN
        answer := 'late';
        RETURN NEXT;
        RETURN;
    END IF;

    -- The transaction id comes first: who sees a number of the sequence sees who is to use it. Where
    -- the revision is another, neither is taken.
    UPDATE cell c
    SET state = p_state, due_at = p_due_at, sort = p_sort, written_by = p_commit_id, body = p_body,
        revision = CASE WHEN pg_current_xact_id() IS NOT NULL
                        THEN int8send(nextval('revision'))
                             || substring(p_commit_id FOR 8) END
    WHERE c.key = p_key AND c.revision = p_expect
    RETURNING c.revision INTO value;
    IF value IS NULL THEN
        answer := 'stale';
        value := p_key;
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_kind IS NOT NULL THEN
        INSERT INTO event (epoch, xid, seq, commit_id, key, kind, at, body)
        SELECT m.epoch, pg_current_xact_id(), 1, p_commit_id, p_key, p_kind, p_at, p_told
        FROM meta m;
    END IF;
    answer := 'revision';
    RETURN NEXT;
    answer := 'committed';
    value := NULL;
    RETURN NEXT;
END
$$;
