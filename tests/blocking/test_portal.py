"""A portal: what a thread asks of it is answered, refused or cut off; nobody waits in vain."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Final

import pytest
from attrs import define, field

from turnkeep import CalledFromPortal, KeepClosed
from turnkeep.portal import Call, Portal

PATIENCE: Final = 30.0
"""For what happens at once on a machine that is not busy; nothing waits for as long."""


@define(eq=False)
class Stand:
    """What stands open in a portal, and notes what became of it."""

    notes: list[str] = field(factory=list)

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[Stand]:
        self.notes.append("entered")
        try:
            yield self
        finally:
            self.notes.append("left")


@define(eq=False)
class Endless:
    """Work that ends when it is cancelled, and tells when it has begun and when it is over."""

    begun: threading.Event = field(factory=threading.Event)
    unwound: threading.Event = field(factory=threading.Event)

    async def work(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.unwound.set()

    def await_begin(self) -> None:
        assert self.begun.wait(PATIENCE)


@contextmanager
def opened(stand: Stand | None = None) -> Iterator[Portal[Stand]]:
    portal = Portal((stand or Stand()).opening)
    portal.open()
    try:
        yield portal
    finally:
        portal.close()


@contextmanager
def interrupted(when: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C on the main thread, once something has happened."""
    main = threading.main_thread().ident
    assert main is not None

    def strike() -> None:
        when()
        signal.pthread_kill(main, signal.SIGINT)

    # A shell has what it runs in the background ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    striker = threading.Thread(target=strike)
    striker.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        striker.join()
        signal.signal(signal.SIGINT, before)


def alive(portal: Portal[object]) -> bool:
    portal._thread.join(PATIENCE)
    return portal._thread.is_alive()


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


# ---- answers -------------------------------------------------------------------------------------


def test_a_call_answers_what_its_work_answers() -> None:
    with opened() as portal:
        assert portal.call(double(21)) == 42
        assert portal.ask(lambda: threading.current_thread().name) == "turnkeep portal"


def test_a_call_raises_the_very_error_of_its_work() -> None:
    error = LookupError("nothing there")

    async def fail() -> None:
        raise error

    with opened() as portal, pytest.raises(LookupError) as caught:
        portal.call(fail())
    assert caught.value is error


def test_work_that_is_cancelled_by_itself_is_told_so_and_the_portal_stays_open() -> None:
    async def awaits_what_was_cancelled() -> None:
        sleep = asyncio.create_task(asyncio.sleep(PATIENCE))
        sleep.cancel("by itself")
        await sleep

    with opened() as portal:
        with pytest.raises(asyncio.CancelledError, match="by itself"):
            portal.call(awaits_what_was_cancelled())
        assert portal.usable
        assert portal.call(double(21)) == 42


def test_threads_call_side_by_side_and_each_has_its_own_answer() -> None:
    together = threading.Barrier(16)

    def calls(first: int) -> list[int]:
        together.wait(PATIENCE)
        return [portal.call(double(number)) for number in range(first, first + 50)]

    with opened() as portal, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(calls, range(16)))
    assert answers == [[2 * n for n in range(first, first + 50)] for first in range(16)]


def test_calls_of_several_threads_are_under_way_at_once() -> None:
    meeting: list[asyncio.Event] = []

    async def meet() -> None:
        met = asyncio.Event()
        meeting.append(met)
        if len(meeting) == 2:
            for each in meeting:
                each.set()
        await met.wait()

    with opened() as portal, ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: portal.call(meet()), range(2)))
    assert len(meeting) == 2


def test_the_variables_of_the_calling_thread_go_along() -> None:
    trace = ContextVar[str]("trace")

    async def told() -> str:
        return trace.get()

    def call(name: str) -> str:
        trace.set(name)
        return portal.call(told())

    with opened() as portal, ThreadPoolExecutor(2) as threads:
        assert list(threads.map(call, ["one", "two"])) == ["one", "two"]


def test_a_finished_call_is_forgotten() -> None:
    with opened() as portal:
        for number in range(3):
            portal.call(double(number))
        assert portal._submitted | portal._begun == set()


# ---- opening and closing -------------------------------------------------------------------------


def test_what_is_entered_is_left_when_the_portal_closes() -> None:
    stand = Stand()
    with opened(stand) as portal:
        before = (list(stand.notes), portal.usable)
    assert before == (["entered"], True)
    assert (stand.notes, portal.usable) == (["entered", "left"], False)


def test_an_opening_that_fails_raises_its_error_and_leaves_no_thread() -> None:
    error: OSError | None = OSError("no disk")

    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        if error is not None:
            raise error
        yield

    portal = Portal(opening)
    with pytest.raises(OSError, match="no disk") as caught:
        portal.open()
    assert caught.value is error
    assert not alive(portal)
    with pytest.raises(KeepClosed):
        portal.call(double(1))


def test_a_leaving_that_fails_raises_its_error_once() -> None:
    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        yield
        raise OSError("no disk")

    portal = Portal(opening)
    portal.open()
    with pytest.raises(OSError, match="no disk"):
        portal.close()
    portal.close()


def test_a_call_after_the_end_is_refused_and_its_work_not_begun() -> None:
    with opened() as portal:
        pass
    with pytest.raises(KeepClosed):
        portal.call(double(1))


def test_a_call_that_is_under_way_when_the_portal_closes_is_cut_off_and_told() -> None:
    endless = Endless()

    def call() -> None:
        with pytest.raises(KeepClosed):
            portal.call(endless.work())

    with opened() as portal, ThreadPoolExecutor(1) as threads:
        calling = threads.submit(call)
        endless.await_begin()
        portal.close()
        calling.result(PATIENCE)
    assert endless.unwound.is_set()


def test_what_stands_open_is_left_before_calls_are_cut_off() -> None:
    """So that a call which the closed store answers is told what the store knows."""
    ended = asyncio.Event()

    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        yield
        ended.set()
        await asyncio.sleep(0)

    begun = threading.Event()

    async def wait() -> str:
        begun.set()
        await ended.wait()
        return "told by the store"

    portal = Portal(opening)
    portal.open()
    with ThreadPoolExecutor(1) as threads:
        calling = threads.submit(lambda: portal.call(wait()))
        assert begun.wait(PATIENCE)
        portal.close()
        assert calling.result(PATIENCE) == "told by the store"


def test_a_call_that_fails_while_it_is_cut_off_tells_its_caller_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = threading.Event()

    async def fail_at_the_end() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise LookupError("while unwinding") from None

    with opened() as portal, ThreadPoolExecutor(1) as threads:
        calling = threads.submit(lambda: portal.call(fail_at_the_end()))
        assert begun.wait(PATIENCE)
        portal.close()
        with pytest.raises(LookupError):
            calling.result(PATIENCE)
    assert caplog.records == []


def test_a_call_that_a_dying_loop_never_came_to_is_told_so() -> None:
    with opened() as portal:
        call = Call(double(1))
        portal._submitted.add(call)
    with pytest.raises(KeepClosed):
        call.outcome.result()


def test_threads_that_close_at_once_all_return_when_it_is_closed() -> None:
    stand = Stand()

    def close(_: int) -> list[str]:
        portal.close()
        return list(stand.notes)

    with opened(stand) as portal, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(close, range(8))) == [["entered", "left"]] * 8


def test_calls_and_a_close_that_race_end_in_an_answer_or_in_its_refusal() -> None:
    def call_until_closed() -> int:
        answered = 0
        while True:
            try:
                assert portal.call(double(answered)) == 2 * answered
            except KeepClosed:
                return answered
            answered += 1
            enough.set()

    enough = threading.Event()
    with opened() as portal, ThreadPoolExecutor(8) as threads:
        calling = [threads.submit(call_until_closed) for _ in range(8)]
        assert enough.wait(PATIENCE)
        portal.close()
        assert sum(each.result(PATIENCE) for each in calling) > 0


def test_a_loop_that_dies_leaves_nobody_waiting() -> None:
    """As when a handler raises SystemExit, which a loop lets through."""
    stand, endless = Stand(), Endless()

    async def kill() -> None:
        raise SystemExit(3)

    portal = Portal(stand.opening)
    portal.open()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lambda: portal.call(endless.work()))
        endless.await_begin()
        with pytest.raises((SystemExit, KeepClosed)):
            portal.call(kill())
        with pytest.raises(KeepClosed):
            waiting.result(PATIENCE)
    assert not alive(portal)
    with pytest.raises(KeepClosed):
        portal.call(double(1))
    with pytest.raises(SystemExit):
        portal.close()
    assert stand.notes == ["entered", "left"]


# ---- from where it cannot be called --------------------------------------------------------------


def test_a_call_from_the_portal_itself_is_refused_instead_of_waited_for() -> None:
    async def reach_back() -> None:
        portal.call(double(1))

    async def shut() -> None:
        portal.close()

    with opened() as portal:
        with pytest.raises(CalledFromPortal):
            portal.call(reach_back())
        with pytest.raises(CalledFromPortal):
            portal.call(shut())
        assert portal.call(double(1)) == 2


def test_a_thread_that_the_portal_has_started_may_call() -> None:
    async def from_a_thread() -> int:
        return await asyncio.to_thread(lambda: portal.call(double(4)))

    with opened() as portal:
        assert portal.call(from_a_thread()) == 8


def ran(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


def test_a_fork_is_refused_at_once_and_the_parent_goes_on() -> None:
    program = """
import os
from turnkeep import KeepForked, Scope, open_blocking_keep
where = Scope.of("acme", "ann")
with open_blocking_keep("memory:") as keep:
    keep.leases.get(where, "x")
    child = os.fork()
    if child == 0:
        try:
            keep.leases.get(where, "x")
        except KeepForked as error:
            print(error.code, flush=True)
        keep.close()
        os._exit(0)
    os.waitpid(child, 0)
    print(keep.leases.get(where, "x").vacant)
"""
    assert ran(program) == "keep_forked\nTrue\n"


def test_a_fork_while_others_call_is_refused_too() -> None:
    program = """
import os, threading
from turnkeep import KeepClosed, KeepForked, Scope, open_blocking_keep
where, begun = Scope.of("acme", "ann"), threading.Event()
async def wait(keep):
    begun.set()
    await keep.leases.get(where, "x")
    import asyncio
    await asyncio.Event().wait()
def call():
    try:
        keep.run(wait)
    except KeepClosed:
        print("parent closed", flush=True)
def in_child():
    try:
        keep.leases.get(where, "x")
    except KeepForked as error:
        print(error.code, flush=True)
    keep.close()
with open_blocking_keep("memory:") as keep:
    calling = threading.Thread(target=call)
    calling.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        import signal
        signal.alarm(20)
        other = threading.Thread(target=in_child)
        other.start()
        other.join()
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
calling.join()
"""
    assert ran(program) == "keep_forked\n0\nparent closed\n"


def test_a_keep_that_nobody_closes_does_not_keep_the_program_from_ending() -> None:
    assert ran("from turnkeep import open_blocking_keep; open_blocking_keep('memory:')") == ""


# ---- interruptions -------------------------------------------------------------------------------


def test_an_interrupted_caller_cancels_its_call_and_nobody_elses() -> None:
    mine, other = Endless(), Endless()

    def call() -> None:
        with pytest.raises(KeepClosed):
            portal.call(other.work())

    with opened() as portal, ThreadPoolExecutor(1) as threads:
        calling = threads.submit(call)
        other.await_begin()
        with interrupted(mine.await_begin):
            portal.call(mine.work())
        assert mine.unwound.is_set()
        assert not other.unwound.is_set()
        assert portal.call(double(1)) == 2
        portal.close()
        calling.result(PATIENCE)


def test_an_interrupted_opening_leaves_nothing_open() -> None:
    begun, unwound = threading.Event(), threading.Event()

    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        begun.set()
        try:
            await asyncio.Event().wait()
            yield
        finally:
            unwound.set()

    portal = Portal(opening)
    with interrupted(lambda: begun.wait(PATIENCE)):
        portal.open()
    assert unwound.is_set()
    assert not alive(portal)


def test_a_signal_handler_may_call_while_its_thread_is_calling() -> None:
    answers: list[int] = []
    go = threading.Event()

    async def wait() -> int:
        return await asyncio.to_thread(lambda: go.wait(PATIENCE)) and 7

    def handler(*_: object) -> None:
        answers.append(portal.call(double(4)))
        go.set()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with opened() as portal:
            main = threading.main_thread().ident
            assert main is not None
            timer = threading.Thread(target=lambda: signal.pthread_kill(main, signal.SIGUSR1))
            timer.start()
            assert portal.call(wait()) == 7
            timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert answers == [8]
