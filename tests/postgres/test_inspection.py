"""An inspection tells what is there, and changes nothing."""

from __future__ import annotations

import pytest

from tests.postgres.databases import Databases
from tests.postgres.world import execute, session
from turnkeep_adapters.postgres.inspection import adopt, inspect
from turnkeep_adapters.postgres.steps import NEWEST
from turnkeep_ports.errors import Unavailable, Unsupported


async def test_a_database_without_a_schema_is_told_as_such(databases: Databases) -> None:
    found = await inspect(databases.empty())
    assert (found.schema, found.schema_newest, found.epoch) == (None, NEWEST, None)
    assert not found.needs_adoption
    assert found.isolation == "read committed"
    assert found.server_version


async def test_the_settings_are_those_of_the_role(database: str) -> None:
    execute(
        database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''4s''',"
        " current_database()); EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
        " current_database()); END $$",
    )
    found = await inspect(database)
    assert found.statement_timeout_seconds == 4
    assert found.synchronous_commit == "off"
    assert (found.schema, found.epoch) == (NEWEST, 1)
    assert found.system_identifier == found.server_identifier


async def test_the_oldest_writer_is_told_and_readers_are_not(database: str) -> None:
    async with session(database, autocommit=False) as reader:
        await reader.execute("SELECT 1")
        async with session(database, autocommit=False) as writer:
            await writer.execute("SELECT pg_current_xact_id()")
            found = (await inspect(database)).oldest_writer
            assert found is not None
            assert found.pid == writer.info.backend_pid
            await writer.execute("PREPARE TRANSACTION 'held'")
            held = (await inspect(database)).oldest_writer
            assert held is not None
            assert held.pid is None
            assert held.age_seconds >= 0
        execute(database, "ROLLBACK PREPARED 'held'")
    assert (await inspect(database)).oldest_writer is None


async def test_adopting_on_the_same_server_changes_nothing(database: str) -> None:
    adoption = await adopt(database)
    assert (adoption.before, adoption.after) == (1, 1)


async def test_nothing_can_be_adopted_without_a_schema(databases: Databases) -> None:
    with pytest.raises(Unsupported, match="turnkeep migrate"):
        await adopt(databases.empty())


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    for ask in (inspect, adopt):
        with pytest.raises(Unavailable):
            await ask("postgresql://nobody@/nothing?host=/nonexistent")
