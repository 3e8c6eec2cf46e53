"""A thread's block goes through an async context manager as the block of a task would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from attrs import define, field

from tests.blocking.test_portal import PATIENCE, Endless, Stand, interrupted, opened
from turnkeep import CalledFromPortal, KeepClosed
from turnkeep.blocks import Block, iterated, telling
from turnkeep.portal import Portal

BLOCK_ERRORS: Final = [
    ValueError("no"),
    KeyboardInterrupt(),
    SystemExit(1),
    StopIteration(1),
    GeneratorExit(),
    asyncio.CancelledError(),
]


@define(eq=False)
class Held:
    """What is held, and what its manager saw of the block."""

    seen: list[BaseException | None] = field(factory=list)
    tasks: set[object] = field(factory=set)
    swallows: bool = False

    @asynccontextmanager
    async def managed(self) -> AsyncIterator[Held]:
        self.tasks.add(asyncio.current_task())
        try:
            yield self
        except BaseException as error:
            await asyncio.sleep(0)
            self.seen.append(error)
            if not self.swallows:
                raise
        else:
            self.seen.append(None)
        finally:
            self.tasks.add(asyncio.current_task())


@pytest.fixture
def portal() -> Iterator[Portal[Stand]]:
    with opened() as portal:
        yield portal


def block(portal: Portal[Stand], held: Held) -> Block[Held, Held]:
    return Block(portal, held.managed(), lambda held: held)


def test_a_block_works_with_what_was_entered_and_one_task_enters_and_leaves(
    portal: Portal[Stand],
) -> None:
    held = Held()
    with block(portal, held) as given:
        assert given is held
        assert held.seen == []
    assert held.seen == [None]
    assert len(held.tasks) == 1


@pytest.mark.parametrize("error", BLOCK_ERRORS, ids=lambda error: type(error).__name__)
def test_the_error_of_a_block_passes_through_and_comes_out_as_it_was(
    portal: Portal[Stand], error: BaseException
) -> None:
    held = Held()
    with pytest.raises(type(error)) as caught, block(portal, held):
        raise error
    assert caught.value is error
    passed = {Path(entry.path).name for entry in caught.traceback}
    assert passed == {Path(__file__).name}, "a reader is not shown the way through the portal"
    assert held.seen == [error]
    assert portal.ask(lambda: "alive") == "alive"


def test_an_error_that_the_manager_takes_for_itself_does_not_come_out(
    portal: Portal[Stand],
) -> None:
    held = Held(swallows=True)
    with suppress(AssertionError), block(portal, held):
        raise ValueError("no")
    assert [type(error) for error in held.seen] == [ValueError]


def test_what_entering_or_leaving_raises_is_raised(portal: Portal[Stand]) -> None:
    @asynccontextmanager
    async def broken(*, entering: bool) -> AsyncIterator[None]:
        if entering:
            raise OSError("entering")
        yield
        raise OSError("leaving")

    with pytest.raises(OSError, match="entering"), Block(portal, broken(entering=True), str):
        pytest.fail("the block does not run")
    with pytest.raises(OSError, match="leaving"), Block(portal, broken(entering=False), str):
        pass


def test_a_block_whose_portal_closes_is_told_at_its_end() -> None:
    held = Held()
    with opened() as portal, pytest.raises(KeepClosed), block(portal, held):
        portal.close()
    assert [type(error) for error in held.seen] == [asyncio.CancelledError]


def test_the_own_error_of_a_block_whose_portal_closes_goes_first(portal: Portal[Stand]) -> None:
    def fail_once_closed() -> None:
        portal.close()
        raise LookupError

    with pytest.raises(LookupError), block(portal, Held()):
        fail_once_closed()


def test_a_block_is_refused_where_a_call_would_be(portal: Portal[Stand]) -> None:
    async def enter() -> None:
        with block(portal, Held()):
            pytest.fail("the block does not run")

    with pytest.raises(CalledFromPortal):
        portal.call(enter())
    portal.close()
    with pytest.raises(KeepClosed), block(portal, Held()):
        pytest.fail("the block does not run")


def test_a_block_serves_once(portal: Portal[Stand]) -> None:
    once = block(portal, Held())
    with pytest.raises(RuntimeError):
        once.__exit__(None, None, None)
    with once:
        pass
    with pytest.raises(RuntimeError):
        once.__enter__()


def test_an_interrupted_entering_is_undone(portal: Portal[Stand]) -> None:
    endless = Endless()

    @asynccontextmanager
    async def managed() -> AsyncIterator[None]:
        await endless.work()
        yield

    with interrupted(endless.await_begin), Block(portal, managed(), str):
        pytest.fail("the block does not run")
    assert endless.unwound.is_set()


# ---- iterators ---------------------------------------------------------------------------------


@define(eq=False)
class Numbers:
    closed: bool = False

    async def up_to(self, last: int) -> AsyncIterator[int]:
        try:
            for number in range(last):
                await asyncio.sleep(0)
                yield number
        finally:
            self.closed = True


def test_an_async_iterator_is_iterated(portal: Portal[Stand]) -> None:
    numbers = Numbers()
    assert list(iterated(portal, numbers.up_to(4))) == [0, 1, 2, 3]
    assert numbers.closed


def test_an_iteration_that_is_left_early_closes_the_iterator(portal: Portal[Stand]) -> None:
    numbers = Numbers()
    # Kept here, so that nothing but the iteration closes it.
    items = numbers.up_to(4)
    counting = iterated(portal, items)
    assert next(counting) == 0
    counting.close()
    assert numbers.closed
    del items


def test_an_iteration_ends_with_its_portal() -> None:
    with opened() as portal:
        counting = iterated(portal, Numbers().up_to(4))
        assert next(counting) == 0
    with pytest.raises(KeepClosed):
        next(counting)


# ---- telling -----------------------------------------------------------------------------------


async def count(last: int, tell: object) -> int:
    assert callable(tell)
    for number in range(last):
        tell(number)
        await asyncio.sleep(0)
    return last


def test_the_callers_thread_is_told_and_may_call_meanwhile(portal: Portal[Stand]) -> None:
    told: list[tuple[int, bool]] = []

    def tell(number: int) -> None:
        here = threading.current_thread() is threading.main_thread()
        told.append((portal.ask(lambda: number), here))

    assert telling(portal, lambda tell: count(3, tell), tell) == 3
    assert told == [(0, True), (1, True), (2, True)]


def test_who_cannot_be_told_any_more_cancels_the_work(portal: Portal[Stand]) -> None:
    endless = Endless()

    async def work(tell: object) -> None:
        assert callable(tell)
        tell("first")
        await endless.work()

    def tell(_: str) -> None:
        assert endless.begun.wait(PATIENCE)
        raise OSError("the pipe is broken")

    with pytest.raises(OSError, match="pipe"):
        telling(portal, work, tell)
    assert endless.unwound.is_set()


def test_telling_in_a_closed_portal_is_refused() -> None:
    with opened() as portal:
        pass
    with pytest.raises(KeepClosed):
        telling(portal, lambda tell: count(3, tell), print)
