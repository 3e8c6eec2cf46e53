-- Which store this is, and whether the server is the one that its events were told on.
CREATE FUNCTION turnkeep.identity_v1()
RETURNS TABLE (store_id bytea, epoch integer, stored bigint, present bigint, encoding text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, turnkeep, pg_temp
AS $$
    SELECT m.store_id, m.epoch, m.system_identifier, c.system_identifier,
           current_setting('server_encoding')
    FROM meta m, pg_control_system() c
$$;

-- The last number of the sequence, and then the writing transactions of this database that are not
-- finished. Whoever took a number up to that one has an id already: it is among these, or what it
-- did can be seen. (A snapshot would not do: it does not list what is younger than all that has
-- finished.)
CREATE FUNCTION turnkeep.pulse_v1() RETURNS TABLE (last bigint, running bigint[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, turnkeep, pg_temp
AS $$
DECLARE
    v_last bigint;
BEGIN
    -- Until it is used for the first time, a sequence shows the number that it will begin with.
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO STRICT v_last FROM revision;
    RETURN QUERY
    SELECT v_last, ARRAY(
        SELECT a.backend_xid::text::bigint
        FROM pg_stat_activity a
        WHERE a.datname = current_database() AND a.backend_xid IS NOT NULL
          AND a.pid <> pg_backend_pid());
END
$$;

-- A dump that was restored on another server: what it has told counts as told by an earlier age, so
-- that the new server's transaction ids hide none of it.
CREATE FUNCTION turnkeep.adopt_v1() RETURNS TABLE (before integer, after integer)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, turnkeep, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_before integer;
    v_after integer;
    v_present bigint;
BEGIN
    SELECT system_identifier INTO STRICT v_present FROM pg_control_system();
    SELECT m.epoch INTO STRICT v_before FROM meta m FOR UPDATE;
    UPDATE meta m SET epoch = m.epoch + 1, system_identifier = v_present
    WHERE m.system_identifier <> v_present;
    SELECT m.epoch INTO STRICT v_after FROM meta m;
    RETURN QUERY SELECT v_before, v_after;
END
$$;
