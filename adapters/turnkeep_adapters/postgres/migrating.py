"""Migrating: bringing a database's schema to the number that this release works with."""

from __future__ import annotations

import psycopg
from attrs import frozen
from psycopg import AsyncConnection, IsolationLevel

from turnkeep_adapters.postgres.connections import Connection, status_of
from turnkeep_adapters.postgres.failures import read_failed
from turnkeep_adapters.postgres.statements import (
    MIGRATION_LOCK,
    MIGRATION_SCHEMA,
    MIGRATION_STEP,
    MIGRATION_STEPS,
    MIGRATION_TABLE,
)
from turnkeep_adapters.postgres.steps import NEWEST, Step, all_steps
from turnkeep_ports.errors import Corrupt, SchemaTooNew, Unavailable


@frozen(kw_only=True)
class Migration:
    """What a migration did, or would do.

    Attributes:
        before: The schema's number before; 0 where there was none.
        after: The number that it leads to.
        steps: Those between, in order.
        applied: Whether they were applied; a preview applies nothing.
    """

    before: int
    after: int
    steps: tuple[Step, ...]
    applied: bool


async def migrate(conninfo: str, *, preview: bool = False) -> Migration:
    """Applies every step that is missing, in one transaction, or none.

    Any number may run at once: they take turns, and each step is applied once. Processes that use
    the store may go on meanwhile. The role needs the right to create a schema.

    Args:
        conninfo: Where the server is; not through a transaction pooler's other databases.
        preview: Whether only to tell what would be done.

    Raises:
        Corrupt: A step was applied that differs from the one of its number here.
        SchemaTooNew: A newer release has migrated the database.
        Unavailable: The server could not be reached, or refused; nothing was changed unless the
            connection was lost at the very end: repeat it.
    """
    try:
        connection: Connection = await AsyncConnection.connect(
            conninfo, prepare_threshold=None, autocommit=False
        )
    except psycopg.Error as error:
        raise Unavailable("the database cannot be reached") from error
    try:
        # Who has waited for others must see what they did, whatever the role is used to.
        await connection.set_isolation_level(IsolationLevel.READ_COMMITTED)
        migration = await _migrated(connection, preview=preview)
        await connection.commit()
    except psycopg.Error as error:
        raise read_failed(error, status_of(connection)) from error
    finally:
        await connection.close()
    return migration


async def _migrated(connection: Connection, *, preview: bool) -> Migration:
    if not preview:
        await connection.execute(MIGRATION_LOCK)
    steps = all_steps()
    applied = await _applied(connection)
    before = max(applied, default=0)
    if before > NEWEST:
        raise SchemaTooNew("the database", before, NEWEST)
    for step in steps:
        if applied.get(step.number, step.digest) != step.digest:
            raise Corrupt(f"schema step {step.number} is not the one that this release knows")
    missing = tuple(step for step in steps if step.number not in applied)
    if not preview:
        await _apply(connection, missing)
    return Migration(before=before, after=NEWEST, steps=missing, applied=not preview)


async def _applied(connection: Connection) -> dict[int, bytes]:
    found = await (await connection.execute(MIGRATION_TABLE)).fetchone()
    if found is None or not found[0]:
        return {}
    rows = await (await connection.execute(MIGRATION_STEPS)).fetchall()
    return {number: bytes(digest) for number, digest in rows}


async def _apply(connection: Connection, steps: tuple[Step, ...]) -> None:
    if steps:
        await connection.execute(MIGRATION_SCHEMA)
    for step in steps:
        await connection.execute(step.sql.encode())
        await connection.execute(MIGRATION_STEP, (step.number, step.name, step.digest))
