"""Claimed keys: who waits for whom, for how long, and that nothing is claimed for ever."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TypeAlias

import pytest
from psycopg.pq import TransactionStatus
from pytest_mock import MockerFixture

from tests.postgres.world import QUIET
from turnkeep.testing.specimens import address, entry, fresh_commit_id
from turnkeep_adapters.postgres.calls import Calls
from turnkeep_adapters.postgres.groups import Groups
from turnkeep_adapters.postgres.requests import Contents, Judgement, Request
from turnkeep_adapters.postgres.settings import CALLS_MAX, PostgresSettings
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import ABSENT, Committed, Put, Stale

PLACE, OTHER = address("placed"), address("other")
Rows: TypeAlias = list[tuple[int, str, bytes | None]]
TAKEN: Rows = [(0, "taken", None)]
STALE: Rows = [(0, "stale", b"")]
PATIENCE = QUIET.patience_seconds


class Held(Calls):
    """Calls that are answered when a test says so.

    Attributes:
        most: How many connections there are.
        open: Set as long as a connection is there at once.
        rows: What each call that was sent waits for, in order.
    """

    def __init__(self, *, most: int = 8) -> None:
        super().__init__(self, QUIET)  # type: ignore[arg-type]  # they are their own connections
        self.most = most
        self.open = asyncio.Event()
        self.open.set()
        self.rows: list[asyncio.Future[Rows]] = []

    async def take(self, seconds: float) -> SimpleNamespace:
        try:
            async with asyncio.timeout(seconds):
                await self.open.wait()
        except TimeoutError:
            raise Unavailable("no connection became free in time") from None
        return SimpleNamespace(pgconn=SimpleNamespace(transaction_status=TransactionStatus.IDLE))

    async def give_back(self, connection: object) -> None:
        """Nothing is left of it."""

    async def sent(  # type: ignore[explicit-override]  # not in 3.11
        self, connection: object, statement: str, parameters: object
    ) -> Rows:
        self.rows.append(asyncio.get_running_loop().create_future())
        return await self.rows[-1]


def request(clock: VirtualClock, place: Address = PLACE) -> Request:
    contents = Contents(
        commit_id=fresh_commit_id(),
        writes=(Put(place, ABSENT, entry()),),
        events=(),
        valid_until=None,
    )
    outcome = asyncio.get_running_loop().create_future()
    return Request(contents, Deadline.after(clock, 600.0), outcome)


async def begun(
    groups: Groups, clock: VirtualClock, place: Address = PLACE
) -> asyncio.Task[Judgement]:
    """A commit that has come as far as it comes by itself."""
    commit = asyncio.ensure_future(groups.commit(request(clock, place)))
    await clock.settle()
    return commit


async def cancelled(commit: asyncio.Task[Judgement]) -> None:
    commit.cancel()
    await asyncio.gather(commit, return_exceptions=True)


# ---- how long ----------------------------------------------------------------------------------


def test_who_waits_for_a_key_goes_at_the_moment_when_a_call_has_taken_its_patience() -> None:
    """Not only when it has lost its own, or somebody else comes."""
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, QUIET)
        commits = [await begun(groups, clock)]
        await clock.sleep(PATIENCE / 2)
        commits.append(await begun(groups, clock))
        assert len(calls.rows) == 1
        await clock.sleep(PATIENCE / 2)
        await clock.settle()
        assert len(calls.rows) == 2
        for commit in commits:
            await cancelled(commit)
        groups.close()

    clock.run(scenario())


def test_one_that_goes_again_by_itself_is_waited_for_as_long_as_that_call_takes() -> None:
    """Its first call, which has ended, does not count."""
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, QUIET)
        places = (PLACE, OTHER)
        commits = [asyncio.ensure_future(groups.commit(request(clock, at))) for at in places]
        await clock.sleep(PATIENCE / 2)
        assert len(calls.rows) == 1
        calls.rows[0].set_result([*TAKEN, (1, "stale", b"")])
        await clock.settle()
        assert len(calls.rows) == 2
        await clock.sleep(PATIENCE * 3 / 4)
        commits.append(await begun(groups, clock))
        assert len(calls.rows) == 2
        await clock.sleep(PATIENCE / 4)
        await clock.settle()
        assert len(calls.rows) == 3
        for commit in commits:
            await cancelled(commit)
        groups.close()

    clock.run(scenario())


def test_who_has_lost_its_patience_goes_by_itself_at_once() -> None:
    """Though the call that it waits for has not taken its own."""
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, QUIET)
        commits = [await begun(groups, clock)]
        await clock.sleep(PATIENCE / 4)
        commits.append(await begun(groups, clock))
        await clock.sleep(PATIENCE / 2)
        calls.rows[0].set_result(TAKEN)
        await clock.sleep(PATIENCE / 2)
        await clock.settle()
        assert len(calls.rows) == 3
        for commit in commits:
            await cancelled(commit)
        groups.close()

    clock.run(scenario())


# ---- never for ever -----------------------------------------------------------------------------


def test_a_key_is_free_once_its_commit_is_answered(quiet: PostgresSettings) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, quiet)
        commit = await begun(groups, clock)
        assert not groups._flying.admit(request(clock))
        await clock.sleep(PATIENCE * 2)
        assert groups._flying.admit(request(clock))
        calls.rows[0].set_result(STALE)
        assert await commit == Stale(frozenset(), busy=False)
        again = await begun(groups, clock)
        assert not groups._flying.admit(request(clock))
        calls.rows[1].set_result([(0, "revision", b"r" * 16), (0, "committed", None)])
        assert isinstance(await again, Committed)
        assert groups._flying.admit(request(clock))

    clock.run(scenario())


def test_a_key_is_free_where_its_commit_left_before_it_had_a_connection_of_its_own() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, QUIET)
        commit = await begun(groups, clock)
        calls.open.clear()
        calls.rows[0].set_result(TAKEN)
        await clock.settle()
        await cancelled(commit)
        calls.open.set()
        await clock.settle()
        assert len(calls.rows) == 1
        assert groups._flying.admit(request(clock))

    clock.run(scenario())


def test_a_key_is_free_where_its_commit_left_before_it_had_its_turn() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held(most=CALLS_MAX + 2)
        groups = Groups(calls, QUIET)
        commits = [await begun(groups, clock, place) for place in (OTHER, PLACE)]
        for rows in calls.rows[:]:
            rows.set_result(TAKEN)
        await clock.settle()
        assert len(calls.rows) == 3, "only one goes by itself at a time"
        await cancelled(commits[1])
        assert groups._flying.admit(request(clock))
        assert not groups._flying.admit(request(clock, OTHER))
        await cancelled(commits[0])
        groups.close()

    clock.run(scenario())


# ---- what is told -------------------------------------------------------------------------------


def test_one_that_comes_back_unwritten_when_the_store_was_closed_is_not_sent_again() -> None:
    """And is told so: nobody is there to send it."""
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, QUIET)
        commit = await begun(groups, clock)
        groups.close()
        calls.rows[0].set_result(TAKEN)
        await calls.close()
        with pytest.raises(Unavailable, match="closed"):
            await commit
        assert (len(calls.rows), clock.monotonic()) == (1, 0.0)

    clock.run(scenario())


def test_one_that_came_back_unwritten_is_of_no_unknown_fate() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, QUIET)
        commit = await begun(groups, clock)
        calls.open.clear()
        calls.rows[0].set_result(TAKEN)
        with pytest.raises(Unavailable):
            await commit
        assert len(calls.rows) == 1

    clock.run(scenario())


def test_one_that_has_no_connection_until_the_store_is_closed_is_told_then(
    quiet: PostgresSettings,
) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Held()
        calls.open.clear()
        groups = Groups(calls, quiet)
        commit = await begun(groups, clock)
        groups.close()
        await calls.close()
        with pytest.raises(Unavailable, match="closed"):
            await commit
        assert calls.rows == []
        assert clock.monotonic() < 60.0

    clock.run(scenario())


def test_whatever_fails_on_the_way_is_told_at_once(
    quiet: PostgresSettings, mocker: MockerFixture
) -> None:
    clock = VirtualClock()
    mocker.patch("turnkeep_adapters.postgres.groups.call_of", side_effect=RuntimeError)

    async def scenario() -> None:
        calls = Held()
        groups = Groups(calls, quiet)
        with pytest.raises(OutcomeUnknown):
            await groups.commit(request(clock))
        await calls.close()
        assert (calls.rows, clock.monotonic()) == ([], 0.0)
        assert groups._flying.admit(request(clock))

    clock.run(scenario())
