-- Functions carry a version in their name and are never changed, so that releases can overlap. Each
-- pins its plan: statistics of a table that grows are always wrong.

CREATE FUNCTION turnkeep.micros_v1(moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (extract(epoch FROM moment) * 1000000)::bigint;

CREATE FUNCTION turnkeep.load_v1(p_keys bytea[])
RETURNS TABLE (now_us bigint, key bytea, body bytea, state text, due_us bigint, sort text,
               revision bytea, written_by bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := micros_v1(clock_timestamp());
BEGIN
    -- One row at least, so that the time is told even where every cell is absent.
    RETURN QUERY
    SELECT v_now, c.key, c.body, c.state, micros_v1(c.due_at), c.sort, c.revision, c.written_by
    FROM (VALUES (1)) AS one LEFT JOIN cell c ON c.key = ANY (p_keys);
END
$$;

CREATE FUNCTION turnkeep.scan_due_v1(
    p_collection text, p_state text, p_by timestamptz,
    p_after_due timestamptz, p_after_key bytea, p_limit integer)
RETURNS TABLE (now_us bigint, key bytea, body bytea, state text, due_us bigint, sort text,
               revision bytea, written_by bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := micros_v1(clock_timestamp());
BEGIN
    RETURN QUERY
    SELECT v_now, c.key, c.body, c.state, micros_v1(c.due_at), c.sort, c.revision, c.written_by
    FROM cell c
    WHERE c.collection = p_collection AND c.state = p_state AND c.due_at IS NOT NULL
      AND (c.due_at, c.key) > (p_after_due, p_after_key) AND c.due_at <= p_by
    ORDER BY c.due_at, c.key
    LIMIT p_limit;
    RETURN QUERY SELECT v_now, NULL::bytea, NULL::bytea, NULL::text, NULL::bigint, NULL::text,
                        NULL::bytea, NULL::bytea;
END
$$;

-- Of each state at most a page of places is read from the index; only those are sorted, and only
-- the page's own cells are fetched.
CREATE FUNCTION turnkeep.scan_due_states_v1(
    p_collection text, p_states text[], p_by timestamptz,
    p_after_due timestamptz, p_after_key bytea, p_limit integer)
RETURNS TABLE (now_us bigint, key bytea, body bytea, state text, due_us bigint, sort text,
               revision bytea, written_by bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := micros_v1(clock_timestamp());
BEGIN
    RETURN QUERY
    SELECT v_now, c.key, c.body, c.state, micros_v1(c.due_at), c.sort, c.revision, c.written_by
    FROM (
        SELECT place.due_at, place.key
        FROM unnest(p_states) AS wanted (state)
        CROSS JOIN LATERAL (
            SELECT d.due_at, d.key
            FROM cell d
            WHERE d.collection = p_collection AND d.state = wanted.state AND d.due_at IS NOT NULL
              AND (d.due_at, d.key) > (p_after_due, p_after_key) AND d.due_at <= p_by
            ORDER BY d.due_at, d.key
            LIMIT p_limit
        ) AS place
        ORDER BY place.due_at, place.key
        LIMIT p_limit
    ) AS page
    JOIN cell c ON c.key = page.key
    ORDER BY page.due_at, page.key;
    RETURN QUERY SELECT v_now, NULL::bytea, NULL::bytea, NULL::text, NULL::bigint, NULL::text,
                        NULL::bytea, NULL::bytea;
END
$$;

CREATE FUNCTION turnkeep.scan_owner_v1(
    p_owner bytea, p_state text, p_start bytea, p_end bytea,
    p_after_sort text, p_after_key bytea, p_limit integer)
RETURNS TABLE (now_us bigint, key bytea, body bytea, state text, due_us bigint, sort text,
               revision bytea, written_by bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := micros_v1(clock_timestamp());
BEGIN
    RETURN QUERY
    SELECT v_now, c.key, c.body, c.state, micros_v1(c.due_at), c.sort, c.revision, c.written_by
    FROM cell c
    WHERE c.owner = p_owner AND c.state = p_state
      AND (c.sort, c.key) > (p_after_sort, p_after_key)
      AND c.key >= p_start AND c.key < p_end
    ORDER BY c.sort, c.key
    LIMIT p_limit;
    RETURN QUERY SELECT v_now, NULL::bytea, NULL::bytea, NULL::text, NULL::bigint, NULL::text,
                        NULL::bytea, NULL::bytea;
END
$$;

CREATE FUNCTION turnkeep.scan_scope_v1(
    p_scope bytea, p_after_sort text, p_after_id bytea, p_limit integer)
RETURNS TABLE (now_us bigint, key bytea, body bytea, state text, due_us bigint, sort text,
               revision bytea, written_by bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := micros_v1(clock_timestamp());
BEGIN
    RETURN QUERY
    SELECT v_now, c.key, c.body, c.state, micros_v1(c.due_at), c.sort, c.revision, c.written_by
    FROM cell c
    WHERE c.scope = p_scope AND (c.sort, c.id) > (p_after_sort, p_after_id)
    ORDER BY c.sort, c.id
    LIMIT p_limit;
    RETURN QUERY SELECT v_now, NULL::bytea, NULL::bytea, NULL::text, NULL::bigint, NULL::text,
                        NULL::bytea, NULL::bytea;
END
$$;

CREATE FUNCTION turnkeep.scan_keys_v1(
    p_start bytea, p_end bytea, p_after bytea, p_limit integer)
RETURNS TABLE (now_us bigint, key bytea, body bytea, state text, due_us bigint, sort text,
               revision bytea, written_by bytea)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := micros_v1(clock_timestamp());
BEGIN
    RETURN QUERY
    SELECT v_now, c.key, c.body, c.state, micros_v1(c.due_at), c.sort, c.revision, c.written_by
    FROM cell c
    WHERE c.key > p_after AND c.key >= p_start AND c.key < p_end
    ORDER BY c.key
    LIMIT p_limit;
    RETURN QUERY SELECT v_now, NULL::bytea, NULL::bytea, NULL::text, NULL::bigint, NULL::text,
                        NULL::bytea, NULL::bytea;
END
$$;
