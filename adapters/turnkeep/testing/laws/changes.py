"""Laws of changes: who waits is woken by what was committed, or by the time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from turnkeep.testing.caller import Caller, calling, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.need import needs_push
from turnkeep.testing.specimens import COLLECTION, address, addresses
from turnkeep_domain.scope import DEPTH_MAX, Scope, ScopePrefix
from turnkeep_ports.store import Interest, Mark

LONG = 3600.0
SHORT = 0.2
PUSHED_SECONDS = 2.0
WAITERS = 50
WAKES_MAX = 5
"""How often a wait may end though nothing was committed; a mark that is old ends every one."""
SCOPE = Scope.of("acme", "ada", agent="a", project="p", mission="m", thread="t")
INTERESTS = [
    None,
    *(
        Interest(collection=COLLECTION, prefix=ScopePrefix(scope=SCOPE, depth=depth))
        for depth in range(DEPTH_MAX + 1)
    ),
]


async def _mark(caller: Caller, interest: Interest | None = None) -> Mark:
    return await caller.store.changed(None, interest=interest, timeout_seconds=LONG)


async def _calm_mark(caller: Caller) -> Mark:
    """A mark from which nobody is woken; what a store was slow to find out has passed by then."""
    for _ in range(WAKES_MAX):
        mark = await _mark(caller)
        wait = _wait(caller, mark)
        await _settle()
        if not wait.done():
            await _end([wait])
            return mark
    raise AssertionError("the present mark is older than the last commit")


def _wait(
    caller: Caller, since: Mark, interest: Interest | None = None, seconds: float = LONG
) -> asyncio.Task[Mark]:
    call = caller.store.changed(since, interest=interest, timeout_seconds=seconds)
    return asyncio.ensure_future(call)


async def _settle(rounds: int = 20) -> None:
    """Lets tasks run as far as they come without waiting for the world."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def _end(waits: Sequence[asyncio.Task[Mark]]) -> None:
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


class ChangeLaws:
    """Take a mark, read, then wait: nothing is missed in between."""

    @law
    async def test_no_mark_answers_the_present_one_at_once(self, harness: Harness) -> None:
        """Port: `since=None` answers the present mark at once, however long the timeout."""
        async with calling(harness) as caller:
            for interest in INTERESTS:
                await _mark(caller, interest)
            await caller.put(address("x"))
            await _calm_mark(caller)

    @law
    async def test_a_commit_after_the_mark_ends_a_later_wait(self, harness: Harness) -> None:
        """Port: A commit between mark and wait is not missed, whichever handle made it."""
        async with calling_several(harness, 2) as (writer, waiter):
            for number, interest in enumerate(INTERESTS):
                since = await _mark(waiter, interest)
                await writer.put(address(f"{number}", scope=SCOPE))
                await waiter.store.changed(since, interest=interest, timeout_seconds=LONG)

    @law
    async def test_a_commit_wakes_those_who_wait(self, harness: Harness) -> None:
        """Port: A commit wakes every waiter whose interest it meets, of every handle."""
        async with calling_several(harness, 2) as callers:
            since = [await _mark(caller) for caller in callers]
            waits = [
                _wait(caller, mark, interest)
                for caller, mark in zip(callers, since, strict=True)
                for interest in INTERESTS
            ]
            await _settle()
            await callers[0].put(address("woken", scope=SCOPE))
            await asyncio.gather(*waits)

    @law
    async def test_each_kind_of_write_wakes(self, harness: Harness) -> None:
        """Port: A put of an old cell and a delete wake like the making of one."""
        (place,) = addresses(1)
        interest = Interest(collection=COLLECTION, prefix=ScopePrefix.exactly(place.scope))
        async with calling(harness) as caller:
            revision = await caller.put(place)
            waits = [_wait(caller, await _mark(caller), interest)]
            await _settle()
            revision = await caller.put(place, b"2", revision)
            mark = await waits[0]
            waits.append(_wait(caller, mark, interest))
            await _settle()
            await caller.delete(place, revision)
            await waits[1]

    @law
    async def test_a_wait_goes_on_from_the_mark_that_the_last_answered(
        self, harness: Harness
    ) -> None:
        """Port: The mark of one wait is where the next begins: no commit falls between."""
        async with calling_several(harness, 2) as (writer, waiter):
            mark = await _mark(waiter)
            for place in addresses(20):
                await writer.put(place)
                mark = await waiter.store.changed(mark, interest=None, timeout_seconds=LONG)

    @law
    async def test_a_timeout_ends_a_wait(self, harness: Harness) -> None:
        """Port: Without any commit a wait lasts for its timeout, and then ends with a mark."""
        async with calling(harness) as caller:
            since = await _calm_mark(caller)
            loop = asyncio.get_running_loop()
            began = loop.time()
            wait = _wait(caller, since, seconds=SHORT)
            await _settle()
            assert not wait.done() or loop.time() - began >= SHORT, "an idle wait ends at once"
            while not wait.done():
                await harness.advance(SHORT / 4)
                await asyncio.sleep(0)
            await caller.store.changed(await wait, interest=None, timeout_seconds=0.0)

    @law
    async def test_a_cancelled_wait_leaves_nothing_behind(self, harness: Harness) -> None:
        """Port: A cancelled wait ends at once; no task of it stays, and others are still woken."""
        async with calling(harness) as caller:
            since = await _calm_mark(caller)
            staying = _wait(caller, since)
            await _settle()
            before = len(asyncio.all_tasks())
            for _ in range(4):
                waits = [_wait(caller, since) for _ in range(WAITERS)]
                await _settle()
                await _end(waits)
                assert all(wait.cancelled() for wait in waits)
            await _settle()
            assert len(asyncio.all_tasks()) < before + WAITERS, "cancelled waits have left tasks"
            assert not staying.done()
            await caller.put(address("x"))
            await staying

    @law
    async def test_waiters_hold_up_no_commit(self, harness: Harness) -> None:
        """Port: A commit goes on while many wait, on its own handle too."""
        async with calling(harness) as caller:
            await caller.put(address("first", collection="other"))
            since = await _mark(caller)
            interest = Interest(collection="unheard", prefix=ScopePrefix.exactly(SCOPE))
            waits = [_wait(caller, since, interest) for _ in range(WAITERS)]
            await _settle()
            for place in addresses(20):
                await caller.put(place)
            await _end(waits)

    @needs_push
    @law
    async def test_a_pushed_commit_wakes_promptly(self, harness: Harness) -> None:
        """Port: Where commits are pushed, a waiter of another handle learns of one in 2 s."""
        async with calling_several(harness, 2) as (writer, waiter):
            for place in addresses(5):
                wait = _wait(waiter, await _mark(waiter))
                await _settle()
                await writer.put(place)
                done, _ = await asyncio.wait({wait}, timeout=PUSHED_SECONDS)
                assert done, f"a commit was not pushed within {PUSHED_SECONDS:g} s"
