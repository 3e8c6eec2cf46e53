CREATE TABLE turnkeep.migration (
    number integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row. The floor is the last event that was trimmed; its tag begins that event's commit id.
CREATE TABLE turnkeep.meta (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    store_id bytea NOT NULL CHECK (octet_length(store_id) = 16),
    system_identifier bigint NOT NULL,
    epoch integer NOT NULL CHECK (epoch >= 1),
    floor_epoch integer NOT NULL,
    floor_xid xid8 NOT NULL,
    floor_seq integer NOT NULL,
    floor_tag bytea NOT NULL CHECK (octet_length(floor_tag) = 8)
);

INSERT INTO turnkeep.meta
SELECT true, uuid_send(gen_random_uuid()), system_identifier, 1, 0, '0'::xid8, 0,
       '\x0000000000000000'
FROM pg_control_system();

-- A cycle would repeat revisions; a cache would let them be taken out of order.
CREATE SEQUENCE turnkeep.revision AS bigint NO CYCLE CACHE 1;

-- scope || id = key; owner is the key through the user. Room is left in each page, so that a change
-- of the body alone touches no index.
CREATE TABLE turnkeep.cell (
    key bytea PRIMARY KEY,
    owner bytea NOT NULL,
    scope bytea NOT NULL,
    id bytea NOT NULL,
    collection text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    due_at timestamptz,
    sort text COLLATE "C" NOT NULL,
    revision bytea NOT NULL CHECK (octet_length(revision) = 16),
    written_by bytea NOT NULL CHECK (octet_length(written_by) = 16),
    body bytea NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX cell_due ON turnkeep.cell (collection, state, due_at, key) WHERE due_at IS NOT NULL;
CREATE INDEX cell_owner ON turnkeep.cell (owner, state, sort, key);
CREATE INDEX cell_scope ON turnkeep.cell (scope, sort, id);

-- xid is the transaction that told the event; readers see those below the horizon of all
-- transactions that are not finished.
CREATE TABLE turnkeep.event (
    epoch integer NOT NULL,
    xid xid8 NOT NULL,
    seq integer NOT NULL,
    commit_id bytea NOT NULL CHECK (octet_length(commit_id) = 16),
    key bytea NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (epoch, xid, seq)
);
