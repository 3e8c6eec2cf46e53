-- The events after a place, as far as the horizon: 'event' for each that is wanted, then 'next' with
-- how far the log was examined; or 'lost' with the floor, where no such place is.
-- p_epoch NULL stands for the floor. An event is wanted if its key begins with one of p_begins, or,
-- that being NULL, if what follows its collection begins with p_owned.
CREATE FUNCTION turnkeep.events_v1(
    p_epoch integer, p_xid bigint, p_seq integer, p_tag bytea,
    p_begins bytea[], p_owned bytea, p_limit integer, p_examined integer)
RETURNS TABLE (what text, epoch integer, xid bigint, seq integer, commit_id bytea, key bytea,
               kind text, at_us bigint, body bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_meta meta%ROWTYPE;
    v_xid xid8;
    v_horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
    v_found integer := 0;
    v_event event%ROWTYPE;
    v_wanted boolean;
BEGIN
    SELECT * INTO STRICT v_meta FROM meta;
    IF p_epoch IS NULL THEN
        p_epoch := v_meta.floor_epoch;
        v_xid := v_meta.floor_xid;
        p_seq := v_meta.floor_seq;
        p_tag := v_meta.floor_tag;
    ELSE
        v_xid := p_xid::text::xid8;
        IF ROW(p_epoch, v_xid, p_seq, p_tag) <> ROW(v_meta.floor_epoch, v_meta.floor_xid,
                                                    v_meta.floor_seq, v_meta.floor_tag)
           AND NOT EXISTS (
               SELECT FROM event e
               WHERE e.epoch = p_epoch AND e.xid = v_xid AND e.seq = p_seq
                 AND substring(e.commit_id FOR 8) = p_tag
                 AND ROW(e.epoch, e.xid, e.seq)
                     > ROW(v_meta.floor_epoch, v_meta.floor_xid, v_meta.floor_seq)
                 AND ROW(e.epoch, e.xid) < ROW(v_meta.epoch, v_horizon))
        THEN
            RETURN QUERY SELECT 'lost', v_meta.floor_epoch, v_meta.floor_xid::text::bigint,
                                v_meta.floor_seq, v_meta.floor_tag, NULL::bytea, NULL::text,
                                NULL::bigint, NULL::bytea;
            RETURN;
        END IF;
    END IF;
    FOR v_event IN
        SELECT e.*
        FROM event e
        WHERE ROW(e.epoch, e.xid, e.seq) > ROW(p_epoch, v_xid, p_seq)
          AND ROW(e.epoch, e.xid) < ROW(v_meta.epoch, v_horizon)
        ORDER BY e.epoch, e.xid, e.seq
        LIMIT p_examined
    LOOP
        p_epoch := v_event.epoch;
        v_xid := v_event.xid;
        p_seq := v_event.seq;
        p_tag := substring(v_event.commit_id FOR 8);
        IF p_begins IS NULL THEN
            v_wanted := substring(v_event.key FROM position('\x00'::bytea IN v_event.key) + 1
                                              FOR octet_length(p_owned)) = p_owned;
        ELSE
            v_wanted := EXISTS (
                SELECT FROM unnest(p_begins) AS b (begins)
                WHERE substring(v_event.key FOR octet_length(b.begins)) = b.begins);
        END IF;
        IF v_wanted THEN
            what := 'event';
            epoch := v_event.epoch;
            xid := v_event.xid::text::bigint;
            seq := v_event.seq;
            commit_id := v_event.commit_id;
            key := v_event.key;
            kind := v_event.kind;
            at_us := micros_v1(v_event.at);
            body := v_event.body;
            RETURN NEXT;
            v_found := v_found + 1;
            EXIT WHEN v_found = p_limit;
        END IF;
    END LOOP;
    RETURN QUERY SELECT 'next', p_epoch, v_xid::text::bigint, p_seq, p_tag, NULL::bytea, NULL::text,
                        NULL::bigint, NULL::bytea;
END
$$;

-- Raises the floor to an event that readers can see: 'floor', which is never lower than it was, or
-- 'lost', with the floor as it is. Nothing is deleted here.
CREATE FUNCTION turnkeep.trim_v1(p_epoch integer, p_xid bigint, p_seq integer, p_tag bytea)
RETURNS TABLE (what text, epoch integer, xid bigint, seq integer, tag bytea)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_meta meta%ROWTYPE;
    v_what text := 'floor';
    v_xid xid8 := p_xid::text::xid8;
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    SELECT * INTO STRICT v_meta FROM meta FOR UPDATE;
    IF p_epoch IS NOT NULL AND ROW(p_epoch, v_xid, p_seq)
       > ROW(v_meta.floor_epoch, v_meta.floor_xid, v_meta.floor_seq)
    THEN
        IF EXISTS (
            SELECT FROM event e
            WHERE e.epoch = p_epoch AND e.xid = v_xid AND e.seq = p_seq
              AND substring(e.commit_id FOR 8) = p_tag
              AND ROW(e.epoch, e.xid)
                  < ROW(v_meta.epoch, pg_snapshot_xmin(pg_current_snapshot())))
        THEN
            UPDATE meta
            SET floor_epoch = p_epoch, floor_xid = v_xid, floor_seq = p_seq, floor_tag = p_tag
            RETURNING * INTO STRICT v_meta;
        ELSE
            v_what := 'lost';
        END IF;
    END IF;
    RETURN QUERY SELECT v_what, v_meta.floor_epoch, v_meta.floor_xid::text::bigint,
                        v_meta.floor_seq, v_meta.floor_tag;
END
$$;

-- Deletes some events at or below the floor, which no reader sees any more; answers how many.
CREATE FUNCTION turnkeep.trim_batch_v1(p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    v_meta meta%ROWTYPE;
    v_done integer;
BEGIN
    SELECT * INTO STRICT v_meta FROM meta;
    DELETE FROM event e
    USING (
        SELECT g.epoch, g.xid, g.seq
        FROM event g
        WHERE ROW(g.epoch, g.xid, g.seq)
              <= ROW(v_meta.floor_epoch, v_meta.floor_xid, v_meta.floor_seq)
        ORDER BY g.epoch, g.xid, g.seq
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ) AS gone
    WHERE e.epoch = gone.epoch AND e.xid = gone.xid AND e.seq = gone.seq;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    RETURN v_done;
END
$$;
