"""Groups: commits that travel together are answered alone, and hold each other up in nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from datetime import timedelta

import pytest
from attrs import evolve

from tests.postgres.proxy import Cut, Proxy
from tests.postgres.world import QUIET, calling, execute, locked, one, session, sessions_of, until
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address, addresses, draft, entry, fresh_commit_id
from turnkeep_adapters.postgres.claims import Claims
from turnkeep_adapters.postgres.groups import Groups
from turnkeep_adapters.postgres.requests import Contents, Request
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.statements import COMMIT
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.limits import KEYS_MAX
from turnkeep_ports.store import ABSENT, Check, Committed, Late, Put, Stale, Write

PLACE = address("placed")
ONE = evolve(QUIET, pool_min=1, pool_max=1)
SPOIL = (
    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF NEW.state = 'spoilt' THEN RAISE EXCEPTION 'spoilt'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER spoil BEFORE INSERT ON turnkeep.cell FOR EACH ROW EXECUTE FUNCTION spoil()",
)


def test_claims_admit_what_shares_no_key_or_only_checks_it() -> None:
    async def made(*writes: Write) -> Request:
        contents = Contents(commit_id=fresh_commit_id(), writes=writes, events=(), valid_until=None)
        deadline = Caller.deadline(None)  # type: ignore[arg-type]  # it reads nothing of a caller
        return Request(contents, deadline, asyncio.get_running_loop().create_future())

    async def main() -> None:
        one_place, two, three = addresses(3)
        put, check = Put(one_place, ABSENT, entry()), Check(one_place, ABSENT)
        other = Put(two, ABSENT, entry())
        claims = Claims()
        checking = await made(other, check)
        claims.add(checking)
        assert claims.admit(await made(Put(three, ABSENT, entry()), check))
        assert not claims.admit(await made(put))
        assert not claims.admit(await made(Check(two, ABSENT), Put(three, ABSENT, entry())))
        claims.remove(checking)
        assert claims.admit(await made(put, other))

    asyncio.run(main())


async def test_each_commit_of_a_group_has_an_answer_of_its_own(database: str) -> None:
    async with Proxy(database) as proxy, calling(proxy.url, ONE) as (caller, _):
        revision = await caller.put(PLACE)
        past = await caller.now()
        places = addresses(4)
        with proxy.counted() as trips:
            answers = await asyncio.gather(
                caller.commit(Put(places[0], ABSENT, entry(b"0")), Check(PLACE, revision)),
                caller.commit(Put(places[1], ABSENT, entry()), valid_until=past),
                caller.commit(
                    Put(places[2], ABSENT, entry()),
                    Check(PLACE, ABSENT),
                    events=[draft(places[2])],
                ),
                caller.commit(
                    Put(places[3], ABSENT, entry(b"3")),
                    Check(PLACE, revision),
                    events=[draft(places[3])],
                    valid_until=past + timedelta(hours=1),
                ),
            )
        assert trips == [1]
        assert isinstance(answers[0], Committed)
        assert answers[1] == Late()
        assert answers[2] == Stale(frozenset({PLACE}), busy=False)
        assert isinstance(answers[3], Committed)
        cells = (await caller.load(*places)).cells
        assert {at: cell.entry.body for at, cell in cells.items()} == {
            places[0]: b"0",
            places[3]: b"3",
        }
        assert cells[places[3]].revision == answers[3].revisions[places[3]]
        assert [event.address for event in await caller.history()] == [places[3]]


async def test_one_that_spoils_its_group_spoils_only_itself(database: str) -> None:
    execute(database, *SPOIL)
    async with calling(database, ONE) as (caller, _):
        places = addresses(8)
        answers = await asyncio.gather(
            *(
                caller.commit(Put(at, ABSENT, entry(state="spoilt" if n == 3 else "open")))
                for n, at in enumerate(places)
            ),
            return_exceptions=True,
        )
        assert [isinstance(answer, Committed) for answer in answers] == [n != 3 for n in range(8)]
        assert isinstance(answers[3], Unavailable)
        assert not answers[3].retryable
        assert set((await caller.load(*places)).cells) == {*places} - {places[3]}


async def test_a_locked_key_delays_only_those_who_want_it(database: str) -> None:
    async with calling(database, evolve(QUIET, pool_max=6)) as (caller, _):
        async with locked(database, key_bytes(PLACE)) as holder:
            kept_up = [
                asyncio.ensure_future(caller.commit(Put(PLACE, ABSENT, entry()))) for _ in range(20)
            ]
            for place in addresses(40):
                await caller.put(place)
            assert not any(commit.done() for commit in kept_up)
            assert await sessions_of(database, "wait_event_type = 'Lock'") <= 2
            await holder.commit()
        answers = await asyncio.gather(*kept_up)
        assert sum(isinstance(answer, Committed) for answer in answers) == 1


async def test_those_who_travel_with_a_locked_key_are_not_held_up(database: str) -> None:
    async with Proxy(database) as proxy, calling(proxy.url, QUIET) as (caller, store):
        await caller.put(address("warm"))
        async with locked(database, key_bytes(PLACE)) as holder:
            commits = [
                asyncio.ensure_future(
                    store.commit(
                        fresh_commit_id(),
                        [Put(place, ABSENT, entry())],
                        [],
                        valid_until=None,
                        deadline=caller.deadline(),
                    )
                )
                for place in (PLACE, *addresses(10))
            ]
            answers = await asyncio.gather(*commits[1:])
            assert all(isinstance(answer, Committed) for answer in answers)
            assert not commits[0].done()
            await holder.commit()
        assert isinstance(await commits[0], Committed)


async def test_of_one_key_only_one_commit_is_on_its_way(database: str) -> None:
    """Until patience ends: others of the process wait without a connection."""
    patient = evolve(QUIET, pool_max=6, patience_seconds=60.0)
    async with calling(database, patient) as (caller, _):
        async with locked(database, key_bytes(PLACE)) as holder:
            waiting = [
                asyncio.ensure_future(caller.commit(Put(PLACE, ABSENT, entry()))) for _ in range(20)
            ]
            await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
            await caller.put(address("other"))
            assert await sessions_of(database, "wait_event_type = 'Lock'") == 1
            await holder.commit()
        await asyncio.gather(*waiting)


async def test_a_call_without_answer_parks_nobody_for_longer_than_patience(database: str) -> None:
    async with (
        Proxy(database) as proxy,
        calling(proxy.url, evolve(QUIET, patience_seconds=0.1)) as (caller, store),
    ):
        proxy.arm(Cut.NEVER_ANSWERED)
        stalled = asyncio.ensure_future(caller.commit(Put(PLACE, ABSENT, entry())))
        await until(lambda: not proxy.wanted)
        for place in addresses(10):
            await caller.put(place)
        async with asyncio.timeout(5):
            same = await caller.commit(Put(PLACE, ABSENT, entry()))
        assert same == Stale(frozenset({PLACE}), busy=False)
        assert not stalled.done()
        stalled.cancel()
        await asyncio.gather(stalled, return_exceptions=True)
        await proxy.cut_all()
        assert store.capabilities


async def test_whoever_comes_after_a_call_has_taken_its_patience_waits_for_it_no_more(
    database: str,
) -> None:
    """Else each commit on that key would wait as long, one after the other, until it is over."""
    patience = 1.0
    async with (
        Proxy(database) as proxy,
        calling(proxy.url, evolve(QUIET, patience_seconds=patience)) as (caller, _),
    ):
        proxy.arm(Cut.NEVER_ANSWERED)
        stalled = asyncio.ensure_future(caller.commit(Put(PLACE, ABSENT, entry())))
        await until(lambda: not proxy.wanted)
        first = await caller.commit(Check(PLACE, ABSENT), Put(address("beside"), ABSENT, entry()))
        assert first == Stale(frozenset({PLACE}), busy=False)
        began = time.monotonic()
        for _ in range(5):
            await caller.commit(Put(PLACE, ABSENT, entry()))
        assert time.monotonic() - began < patience
        assert not stalled.done()
        stalled.cancel()
        await asyncio.gather(stalled, return_exceptions=True)
        await proxy.cut_all()


async def test_a_call_names_1024_keys_at_most(database: str) -> None:
    async with Proxy(database) as proxy, calling(proxy.url, ONE) as (caller, _):
        places = addresses(4 * 300)
        puts = [Put(place, ABSENT, entry()) for place in places]
        await caller.put(address("warm"))
        with proxy.counted() as trips:
            await asyncio.gather(
                *(caller.committed(*puts[at : at + 300]) for at in range(0, len(puts), 300))
            )
        assert trips == [2]
        assert len((await caller.load(*places[:KEYS_MAX])).cells) == KEYS_MAX


async def test_one_cancelled_before_it_is_sent_never_runs(
    database: str, quiet: PostgresSettings
) -> None:
    """P17"""
    async with calling(database, evolve(quiet, pool_min=1, pool_max=1)) as (caller, _):
        async with locked(database, key_bytes(PLACE)) as holder:
            first = asyncio.ensure_future(caller.commit(Put(PLACE, ABSENT, entry(b"1"))))
            await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
            other = address("other")
            never = asyncio.ensure_future(caller.commit(Put(other, ABSENT, entry())))
            await asyncio.sleep(0.02)
            never.cancel()
            await asyncio.gather(never, return_exceptions=True)
            await holder.commit()
        assert isinstance(await first, Committed)
        await caller.put(address("after"))
        assert await caller.cell(other) is None


@pytest.mark.parametrize("kind", ["\x00", "\ud800"], ids=["nul", "surrogate"])
async def test_what_no_text_can_have_is_refused_before_it_can_spoil_a_group(
    database: str, kind: str
) -> None:
    async with calling(database) as (caller, _):
        with pytest.raises(InvalidValue):
            await caller.commit(Put(PLACE, ABSENT, entry(state="a\x00b")))
        with pytest.raises(InvalidValue):
            await caller.commit(Put(PLACE, ABSENT, entry()), events=[draft(PLACE, kind=kind)])
        assert await caller.cell(PLACE) is None


async def test_a_call_takes_no_more_locks_than_it_has_keys(database: str) -> None:
    async with calling(database, ONE) as (caller, _), session(database) as beside:
        await asyncio.gather(*(caller.put(place) for place in addresses(64)))
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert await one(beside, locks) == 0


class Slow:
    """Calls whose connection is there at a moment of virtual time; nothing is ever answered."""

    most = 4

    def __init__(self, clock: VirtualClock, there_at: float) -> None:
        self.connections = self
        self.sends: list[str] = []
        self._there = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        clock.call_at(there_at, self._there.set)

    def begin(self, work: Coroutine[object, object, None]) -> None:
        self._tasks.add(asyncio.ensure_future(work))

    async def take(self, seconds: float) -> None:
        del seconds
        await self._there.wait()

    async def give_back(self, connection: None) -> None:
        """Nothing is left of it."""

    async def sent(self, connection: None, statement: str, parameters: object) -> None:
        self.sends.append(statement)
        await asyncio.get_running_loop().create_future()


def test_what_was_not_sent_at_its_deadline_never_is(quiet: PostgresSettings) -> None:
    """Even if there is a connection at that very moment."""
    clock = VirtualClock()

    async def scenario() -> None:
        calls = Slow(clock, 1.0)
        groups = Groups(calls, quiet)  # type: ignore[arg-type]  # it does what it is asked
        contents = Contents(
            commit_id=fresh_commit_id(),
            writes=(Put(PLACE, ABSENT, entry()),),
            events=(),
            valid_until=None,
        )
        outcome = asyncio.get_running_loop().create_future()
        with pytest.raises(Unavailable):
            await groups.commit(Request(contents, Deadline.after(clock, 1.0), outcome))
        await clock.sleep(5.0)
        assert calls.sends == []
        outcome = asyncio.get_running_loop().create_future()
        with pytest.raises(OutcomeUnknown):
            await groups.commit(Request(contents, Deadline.after(clock, 1.5), outcome))
        await clock.sleep(5.0)
        assert calls.sends == [COMMIT]

    clock.run(scenario())
