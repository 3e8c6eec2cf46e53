"""Ctrl-C ends what runs, after it has cleaned up, even where the event loop sleeps."""

import asyncio
import signal

import pytest

from turnkeep_adapters.cli.demo.interruption import run_interruptibly


async def forever(ended: list[str]) -> None:
    # It has no timer, so nothing but the signal itself can wake the event loop.
    try:
        signal.raise_signal(signal.SIGINT)
        await asyncio.get_running_loop().create_future()
    finally:
        ended.append("cleaned up")


def test_an_interrupt_cancels_what_runs_and_lets_it_clean_up() -> None:
    ended: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_interruptibly(forever(ended))
    assert ended == ["cleaned up"]


def test_a_loop_that_is_interrupted_is_woken_by_a_descriptor() -> None:
    async def descriptor() -> int:
        await asyncio.sleep(0)
        woken = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(woken)
        return woken

    assert run_interruptibly(descriptor()) >= 0


def test_what_ends_by_itself_gives_its_answer_and_leaves_the_signal_as_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)

    async def seven() -> int:
        return 7

    assert run_interruptibly(seven()) == 7
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_is_no_interrupt() -> None:
    async def broken() -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        run_interruptibly(broken())
