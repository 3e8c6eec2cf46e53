"""Signals: a handler that strikes between any two instructions of a call finds a portal that works.

Each program runs in a process of its own, for what goes wrong here hangs. It counts instructions of
the main thread, and raises the signal in front of the first, then in front of the second, and so
on, until a whole call has none left.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

WATCHDOG_SECONDS: Final = 45
"""When a program that hangs tells where, and ends."""

STRIKING: Final = """
import faulthandler, signal, sys
from contextlib import asynccontextmanager, suppress
from turnkeep import KeepClosed
from turnkeep.blocks import Block
from turnkeep.portal import Portal

faulthandler.dump_traceback_later({watchdog}, exit=True)

@asynccontextmanager
async def opening():
    yield

async def double(number):
    return 2 * number

def opened():
    portal = Portal(opening)
    portal.open()
    return portal

def struck(work, before, handler):
    '''Does some work with a signal before its instruction of that number; whether there is one.'''
    left = before

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename.endswith("_weakrefset.py"):
            return None  # the end of some object; the interpreter reports what is raised there
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                signal.raise_signal(signal.SIGUSR1)
        return trace

    signal.signal(signal.SIGUSR1, handler)
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return left <= 0
"""

CALLING: Final = """
portal, answers = opened(), []
def work():
    assert portal.call(double(21)) == 42
def handler(*_):
    answers.append(portal.call(double(4)))
strikes = 1
while struck(work, strikes, handler):
    strikes += 1
portal.close()
assert answers == [8] * (strikes - 1)
"""

ENTERING: Final = """
portal, answers = opened(), []
def work():
    with Block(portal, opening(), lambda entered: entered):
        pass
def handler(*_):
    answers.append(portal.call(double(4)))
strikes = 1
while struck(work, strikes, handler):
    strikes += 1
portal.close()
assert answers == [8] * (strikes - 1)
"""

CLOSING_WHILE_CALLING: Final = """
def work():
    with suppress(KeepClosed):
        assert portal.call(double(21)) == 42
def handler(*_):
    portal.close()
strikes, more = 0, True
while more:
    strikes += 1
    portal = opened()
    more = struck(work, strikes, handler)
    assert portal.usable is not more
    portal.close()
"""

CLOSING_WHILE_CLOSING: Final = """
def handler(*_):
    portal.close()
strikes, more = 0, True
while more:
    strikes += 1
    portal = opened()
    more = struck(lambda: portal.close(), strikes, handler)
"""

INTERRUPTING: Final = """
class Interruption(BaseException):
    pass
portal = opened()
def handler(*_):
    raise Interruption
def interrupted(before):
    work = double(21)
    try:
        return struck(lambda: portal.call(work), before, handler)
    except Interruption:
        return True
    finally:
        work.close()
strikes = 1
while interrupted(strikes):
    assert portal.call(double(4)) == 8
    strikes += 1
portal.close()
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(CALLING, id="calls while its thread calls"),
        pytest.param(ENTERING, id="calls while its thread enters and leaves a block"),
        pytest.param(CLOSING_WHILE_CALLING, id="closes while its thread calls"),
        pytest.param(CLOSING_WHILE_CLOSING, id="closes while its thread closes"),
        pytest.param(INTERRUPTING, id="raises while its thread calls"),
    ],
)
def test_a_handler_that_strikes_anywhere_in_a_call_leaves_nobody_waiting(program: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            STRIKING.format(watchdog=WATCHDOG_SECONDS)
            + program
            + "\nassert strikes > 50\nprint('all', strikes)",
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=2 * WATCHDOG_SECONDS,
    )
    assert (done.stderr, done.stdout[:4]) == ("", "all ")
