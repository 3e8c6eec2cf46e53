"""A host in types: it wires a keep of its own parts, by a call, or over a pool of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from turnkeep import (
    BlockingKeep,
    Clock,
    CommitId,
    Container,
    Counter,
    Ids,
    InvalidSetting,
    Keep,
    Pacing,
    Random,
    RecordStore,
    Settings,
    Submission,
    Telemetry,
    build_keep,
    open_keep,
)


class Counted:
    def count(self, collection: str, counter: Counter, amount: int) -> None:
        del collection, counter, amount


class Certain:
    def below(self, bound: float) -> float:
        return bound / 2


class Numbered:
    def commit_id(self) -> CommitId:
        return CommitId(bytes(16))


class Members:
    async def admits(self, submission: Submission) -> bool:
        return submission.actor.id == "ann"


telemetry: Telemetry = Counted()
random: Random = Certain()
ids: Ids = Numbered()


def settings(environment: Mapping[str, str]) -> Settings:
    try:
        return Settings.from_environment(environment)
    except InvalidSetting as error:
        variable: str = error.variable
        raise SystemExit(f"{variable}: {error.rule}") from error


def built(store: RecordStore, clock: Clock) -> Keep:
    return build_keep(
        store=store,
        settings=Settings(pacing=Pacing(attempts_max=3)),
        clock=clock,
        random=random,
        ids=ids,
        telemetry=telemetry,
        admission=Members(),
    )


@asynccontextmanager
async def pooled(pool: AsyncConnectionPool[AsyncConnection[object]]) -> AsyncIterator[Keep]:
    async with pool, open_keep(pool=pool, telemetry=telemetry) as keep:
        yield keep


def blocking(pool: AsyncConnectionPool[AsyncConnection[object]]) -> BlockingKeep:
    return BlockingKeep.opened(lambda: pooled(pool))


def contained(container: Container) -> Keep:
    keep: Keep = container.keep()
    return keep
