"""A visitor: another process that opens the same data, does an errand and reports."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, Final, TypeAlias, cast

from attrs import frozen

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness

Report: TypeAlias = Callable[[object], None]
Errand: TypeAlias = Callable[[Caller, Report, int], Coroutine[object, object, None]]
"""What a visitor does, given its number: a function of a module, since it travels by its name."""

_LENGTH_BYTES: Final = 4
_PROGRAM: Final = "from turnkeep.testing.visitor import visit; visit()"


@frozen
class Visitor:
    """A running process; it waits to be started, so that several start at once."""

    _process: Process
    _words: BinaryIO

    async def ready(self) -> None:
        """Waits until the visitor has opened the data."""
        assert await self.report() == "ready"

    def start(self) -> None:
        """Lets the visitor do its errand."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")

    async def report(self) -> object:
        """The next thing that the visitor tells.

        Raises:
            AssertionError: It ended without telling anything more; what it said then is told.
        """
        assert self._process.stdout is not None
        try:
            length = int.from_bytes(await self._process.stdout.readexactly(_LENGTH_BYTES), "big")
            told: object = pickle.loads(await self._process.stdout.readexactly(length))
        except asyncio.IncompleteReadError:
            raise AssertionError(f"a visitor ended early: {self._last_words()}") from None
        return told

    async def kill(self) -> None:
        """Ends the visitor as it stands: it cleans nothing up."""
        self._process.kill()
        await self._process.wait()

    def _last_words(self) -> str:
        self._words.seek(0)
        return self._words.read().decode(errors="replace")[-2_000:]


@asynccontextmanager
async def visiting(harness: Harness, errand: Errand, *, number: int) -> AsyncIterator[Visitor]:
    """Sends a process to the data; it is killed at the end if it has not ended.

    No report may be waited for any more by then.

    Raises:
        AssertionError: The harness does not survive pickling.
    """
    try:
        brief = pickle.dumps((harness, errand, number))
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise AssertionError("a harness of data that survives must survive pickling") from error
    with TemporaryFile() as words:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROGRAM, stdin=PIPE, stdout=PIPE, stderr=words
        )
        assert process.stdin is not None
        for part in (pickle.dumps(sys.path), brief):
            process.stdin.write(_framed(part))
        try:
            yield Visitor(process, words)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


def visit() -> None:
    """What the other process runs."""
    # Reports have this descriptor to themselves: what a store prints goes to the last words.
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.path[:] = cast("list[str]", _read())
    harness, errand, number = cast("tuple[Harness, Errand, int]", _read())

    def report(told: object) -> None:
        reports.write(_framed(pickle.dumps(told)))
        reports.flush()

    asyncio.run(_visit(harness, errand, report, number))


async def _visit(harness: Harness, errand: Errand, report: Report, number: int) -> None:
    async with calling(harness) as caller:
        report("ready")
        await asyncio.to_thread(sys.stdin.buffer.readline)
        await errand(caller, report, number)


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(_LENGTH_BYTES, "big") + part


def _read() -> object:
    length = int.from_bytes(sys.stdin.buffer.read(_LENGTH_BYTES), "big")
    told: object = pickle.loads(sys.stdin.buffer.read(length))
    return told
