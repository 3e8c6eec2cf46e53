"""Migrations: numbered, all or none, once; and what a release refuses."""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg
import pytest
from pytest_mock import MockerFixture

from tests.postgres.catalogue import schema_of
from tests.postgres.databases import Databases
from tests.postgres.world import execute, session, sessions_of, store_on, until
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address
from turnkeep_adapters.postgres import migrating
from turnkeep_adapters.postgres.migrating import migrate
from turnkeep_adapters.postgres.statements import MIGRATION_LOCK
from turnkeep_adapters.postgres.steps import NEWEST, Step, all_steps
from turnkeep_ports.errors import Corrupt, SchemaTooNew, Unavailable, Unsupported

INDEXES: Final = {
    "CREATE UNIQUE INDEX cell_pkey ON turnkeep.cell USING btree (key)",
    "CREATE INDEX cell_due ON turnkeep.cell USING btree (collection, state, due_at, key)"
    " WHERE (due_at IS NOT NULL)",
    "CREATE INDEX cell_owner ON turnkeep.cell USING btree (owner, state, sort, key)",
    "CREATE INDEX cell_scope ON turnkeep.cell USING btree (scope, sort, id)",
    "CREATE UNIQUE INDEX event_pkey ON turnkeep.event USING btree (epoch, xid, seq)",
    "CREATE UNIQUE INDEX meta_pkey ON turnkeep.meta USING btree (one)",
    "CREATE UNIQUE INDEX migration_pkey ON turnkeep.migration USING btree (number)",
}
PATHS: Final = (
    "SELECT proname, (SELECT one FROM unnest(proconfig) AS one WHERE one LIKE 'search_path=%')"
    " FROM pg_proc WHERE pronamespace = 'turnkeep'::regnamespace"
)
NO_SUCH: Final = "SELECT count(*) FROM pg_namespace WHERE nspname = 'turnkeep'"


def test_steps_are_numbered_without_a_gap() -> None:
    assert [step.number for step in all_steps()] == list(range(1, NEWEST + 1))


async def test_a_schema_is_the_same_however_it_came_about(
    databases: Databases, mocker: MockerFixture
) -> None:
    """G12"""
    fresh, stepwise = databases.empty(), databases.empty()
    await migrate(fresh)
    for number in range(1, NEWEST + 1):
        mocker.patch.object(migrating, "all_steps", lambda n=number: all_steps()[:n])
        mocker.patch.object(migrating, "NEWEST", number)
        migration = await migrate(stepwise)
        assert (migration.before, migration.after) == (number - 1, number)
    assert schema_of(stepwise) == schema_of(fresh)
    assert {line for line in schema_of(fresh) if " INDEX " in line} == INDEXES


async def test_keys_are_bytes_and_texts_compare_by_their_bytes(database: str) -> None:
    lines = [line for line in schema_of(database) if line.startswith(("cell.", "event."))]
    texts = [line for line in lines if " text " in line]
    assert len(texts) == 4
    assert all("collation=C" in line for line in texts)
    assert [line for line in lines if ".key bytea null=f" in line] == [
        "cell.key bytea null=f default= collation=",
        "event.key bytea null=f default= collation=",
    ]


async def test_each_function_that_names_tables_finds_its_own_whatever_a_session_has(
    database: str,
) -> None:
    """Temporary tables would come first where they are not named."""
    with psycopg.connect(database) as connection:
        found = connection.execute(PATHS).fetchall()
    assert {name for name, path in found if path is None} == {"micros_v1"}
    paths = {path for _, path in found} - {None}
    assert paths == {"search_path=pg_catalog, turnkeep, pg_temp"}
    assert len(found) > NEWEST


async def test_sixteen_migrators_apply_each_step_once(databases: Databases) -> None:
    """G13"""
    url = databases.empty()
    migrations = await asyncio.gather(*(migrate(url) for _ in range(16)))
    applied = [step.number for migration in migrations for step in migration.steps]
    assert sorted(applied) == list(range(1, NEWEST + 1))
    async with store_on(url) as store:
        assert await Caller(store).cell(address("x")) is None


async def test_migrating_again_changes_nothing(database: str) -> None:
    before = schema_of(database)
    migration = await migrate(database)
    assert (migration.before, migration.after, migration.steps) == (NEWEST, NEWEST, ())
    assert schema_of(database) == before


async def test_a_preview_tells_everything_and_does_nothing(databases: Databases) -> None:
    url = databases.empty()
    preview = await migrate(url, preview=True)
    assert not preview.applied
    assert preview.steps == all_steps()
    assert "CREATE TABLE turnkeep.cell" in preview.steps[0].sql
    with psycopg.connect(url) as connection:
        assert connection.execute(NO_SUCH).fetchone() == (0,)
    assert (await migrate(url)).applied


async def test_a_migration_that_fails_leaves_nothing(
    databases: Databases, mocker: MockerFixture
) -> None:
    url = databases.empty()
    broken = Step(NEWEST, "broken", "SELECT 1 / 0")
    mocker.patch.object(migrating, "all_steps", return_value=(*all_steps()[:-1], broken))
    with pytest.raises(Unavailable):
        await migrate(url)
    with psycopg.connect(url) as connection:
        assert connection.execute(NO_SUCH).fetchone() == (0,)


async def test_migrators_take_turns(databases: Databases) -> None:
    """G13"""
    url = databases.empty()
    async with session(url, autocommit=False) as first:
        await first.execute(MIGRATION_LOCK)
        second = asyncio.ensure_future(migrate(url))
        await until(lambda: sessions_of(url, "wait_event_type = 'Lock'"))
        assert not second.done()
        await first.commit()
    assert (await second).before == 0


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
async def test_migrators_take_turns_whatever_isolation_their_role_has(
    databases: Databases, isolation: str
) -> None:
    """Else who has waited would see what was there before it did."""
    url = databases.empty()
    execute(
        url,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L',"
        f" current_database(), '{isolation}'); END $$",
    )
    migrations = await asyncio.gather(*(migrate(url) for _ in range(4)))
    assert sorted(migration.before for migration in migrations) == [0, *[NEWEST] * 3]


async def test_a_step_that_was_changed_is_corrupt(database: str) -> None:
    execute(database, "UPDATE turnkeep.migration SET digest = '\\x00' WHERE number = 2")
    with pytest.raises(Corrupt, match="step 2"):
        await migrate(database)


async def test_a_newer_schema_is_refused_by_stores_and_migrators(database: str) -> None:
    execute(database, f"INSERT INTO turnkeep.migration VALUES ({NEWEST + 1}, 'later', '\\x00')")
    with pytest.raises(SchemaTooNew) as raised:
        await store_on(database).__aenter__()
    assert (raised.value.found, raised.value.newest) == (NEWEST + 1, NEWEST)
    with pytest.raises(SchemaTooNew):
        await migrate(database)


async def test_a_missing_or_older_schema_names_the_command(
    databases: Databases, database: str
) -> None:
    for url in (databases.empty(), database):
        if url is database:
            execute(url, f"DELETE FROM turnkeep.migration WHERE number = {NEWEST}")
        with pytest.raises(Unsupported, match="turnkeep migrate"):
            await store_on(url).__aenter__()


async def test_opening_and_using_a_store_changes_no_schema(database: str) -> None:
    before = schema_of(database)
    async with store_on(database) as store:
        await Caller(store).put(address("x"))
    assert schema_of(database) == before


async def test_functions_that_vanish_are_unsupported(database: str) -> None:
    async with store_on(database) as store:
        execute(database, "DROP FUNCTION turnkeep.load_v1")
        with pytest.raises(Unsupported, match="turnkeep migrate"):
            await Caller(store).load(address("x"))


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    nowhere = "postgresql://nobody@/nothing?host=/nonexistent"
    with pytest.raises(Unavailable):
        await migrate(nowhere)
