"""A hired one: a worker process as its company sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.messages import END, Contract, Message, read_message, task_bytes

WORKER: Final[tuple[str, ...]] = (sys.executable, "-P", "-m", "turnkeep_adapters.cli.demo.worker")
_LAST_BYTES: Final = 4_096
_LAST_CHARACTERS: Final = 300


class WorkerDied(Exception):
    """A worker ended before its work did; the only argument tells how, in a sentence."""


@frozen
class Hired:
    """One worker process.

    Attributes:
        name: Who it is, in words.
    """

    name: str
    _process: Process
    _hears: asyncio.StreamWriter
    _tells: asyncio.StreamReader
    _said: Path

    @classmethod
    @asynccontextmanager
    async def under(cls, contract: Contract, name: str) -> AsyncIterator[Hired]:
        """A worker that has its contract; it is killed at the end of the block, if it still runs.

        What it says on standard error goes into a file beside its ledger.
        """
        said = contract.ledger.with_suffix(".said")
        with said.open("wb") as standard_error:
            process = await asyncio.create_subprocess_exec(
                *WORKER,
                stdin=PIPE,
                stdout=PIPE,
                stderr=standard_error,
                # A terminal's Ctrl-C is for the company alone.
                start_new_session=True,
            )
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
        hired = cls(name, process, process.stdin, process.stdout, said)
        try:
            await hired._send(contract.as_bytes())
            yield hired
        finally:
            hired._kill()
            await hired._gone()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def hand(self, line: Line) -> None:
        """Hands it a line; returns once it takes more."""
        await self._send(task_bytes(line))

    async def no_more(self) -> None:
        """Tells it that there are no more lines."""
        await self._send(END + b"\n")

    async def next_message(self) -> Message | None:
        """What it tells next; None once it has ended."""
        line = await self._tells.readline()
        return read_message(line) if line.endswith(b"\n") else None

    async def killed(self) -> int:
        """Kills it; the signal that it died of.

        Raises:
            WorkerDied: It had ended otherwise before.
        """
        self._kill()
        code = await self._gone()
        if code != -signal.SIGKILL:
            raise self._death(code)
        return -code

    async def ended_well(self) -> None:
        """Waits for its end.

        Raises:
            WorkerDied: That was no good end.
        """
        code = await self._gone()
        if code != 0:
            raise self._death(code)

    async def death(self) -> WorkerDied:
        """How it ended, where it has not said that it had done its work."""
        return self._death(await self._gone())

    async def _send(self, content: bytes) -> None:
        try:
            self._hears.write(content)
            await self._hears.drain()
        except ConnectionError:
            # Its end is noticed where its messages are read.
            return

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def _gone(self) -> int:
        self._hears.close()
        # The pipe must be read to its end, or the process would count as unfinished.
        while await self._tells.read(_LAST_BYTES):
            pass
        return await self._process.wait()

    def _death(self, code: int) -> WorkerDied:
        how = f"exit code {code}"
        if code < 0:
            how = f"killed by {signal.Signals(-code).name}"
        last = self._last_words()
        return WorkerDied(f"{self.name} died ({how}){f': {last}' if last else ''}")

    def _last_words(self) -> str:
        with self._said.open("rb") as said:
            said.seek(max(0, os.fstat(said.fileno()).st_size - _LAST_BYTES))
            lines = said.read().decode(errors="replace").split("\n")
        words = [line.strip() for line in lines if line.strip()]
        last = words[-1][:_LAST_CHARACTERS] if words else ""
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in last)
