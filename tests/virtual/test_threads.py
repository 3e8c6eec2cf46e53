"""Threads beside a virtual loop: virtual time stands while one works, and no time is guessed."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from turnkeep_adapters.virtual.clock import VirtualClock


def test_time_stands_while_a_thread_works() -> None:
    clock = VirtualClock()
    gate = threading.Event()

    async def scenario() -> None:
        timer_fired: list[float] = []
        clock.call_at(1.0, lambda: timer_fired.append(clock.monotonic()))
        asyncio.get_running_loop().call_soon(gate.set)
        assert await asyncio.to_thread(gate.wait, 60.0)
        assert timer_fired == []
        assert clock.monotonic() == 0.0

    clock.run(scenario())


def test_time_passes_again_after_the_thread() -> None:
    clock = VirtualClock()

    async def scenario() -> float:
        await asyncio.to_thread(int)
        await clock.sleep(5.0)
        return clock.monotonic()

    assert clock.run(scenario()) == 5.0


def test_a_thread_may_fail() -> None:
    clock = VirtualClock()

    def fail() -> None:
        raise KeyError("thread")

    async def scenario() -> None:
        with pytest.raises(KeyError):
            await asyncio.to_thread(fail)
        await clock.sleep(1.0)

    clock.run(scenario())
    assert clock.monotonic() == 1.0


class UnhurriedExecutor(ThreadPoolExecutor):
    """An executor whose end takes the loop many turns, between which it has nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()

    # typing.override is not in Python 3.11's standard library.
    def shutdown(  # type: ignore[explicit-override]
        self,
        wait: bool = True,  # noqa: FBT001, FBT002 - the signature is the library's
        *,
        cancel_futures: bool = False,
    ) -> None:
        for _ in range(100 if wait else 0):
            turned = threading.Event()
            self.loop.call_soon_threadsafe(turned.set)
            if not turned.wait(5.0):
                break
        super().shutdown(wait, cancel_futures=cancel_futures)


def test_the_end_of_the_threads_is_waited_for() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        asyncio.get_running_loop().set_default_executor(UnhurriedExecutor())
        await asyncio.to_thread(int)

    clock.run(scenario())
    assert clock.monotonic() == 0.0


def test_a_descriptor_is_refused() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(RuntimeError, match="waits for no descriptor"):
            asyncio.get_running_loop().add_reader(ours, lambda: None)

    clock.run(scenario())
