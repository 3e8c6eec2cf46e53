"""A hired one: a worker process as its company sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

from attrs import frozen

from turnkeep_adapters.cli.demo.contract import Contract
from turnkeep_adapters.cli.demo.effort import Effort

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
    _tells: asyncio.StreamReader
    _said: Path

    @classmethod
    async def under(cls, contract: Contract, directory: Path) -> Hired:
        """A worker that has its contract and takes turns.

        What it says on standard error goes into a file of the directory.

        Raises:
            WorkerDied: It ended before it took any.
        """
        said = directory / f"{contract.holder}.said"
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
        hired = cls(contract.holder, process, process.stdout, said)
        try:
            # It stays open: a worker whose company is gone notices the end of it.
            process.stdin.write(contract.as_bytes())
            if not await hired._tells.readline():
                raise await hired.death()
        except asyncio.CancelledError:
            hired.kill()
            await hired.gone()
            raise
        return hired

    @property
    def has_ended(self) -> bool:
        """Whether it is no more."""
        return self._process.returncode is not None

    def kill(self) -> None:
        """Kills it, wherever it stands."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stops it, wherever it stands."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Lets it go on, as if no time had passed."""
        self._signal(signal.SIGCONT)

    async def gone(self) -> int:
        """Its exit code, once it has ended."""
        # The pipe must be read to its end, or the process would count as unfinished.
        while await self._tells.read(_LAST_BYTES):
            pass
        return await self._process.wait()

    async def drained(self) -> Effort:
        """Tells it that it is enough; what it took it, once it has ended.

        Raises:
            WorkerDied: That was no good end.
        """
        self._signal(signal.SIGTERM)
        line = await self._tells.readline()
        code = await self.gone()
        if code != 0 or not line:
            raise self._death(code)
        return Effort(**json.loads(line))

    async def death(self) -> WorkerDied:
        """How it ended."""
        return self._death(await self.gone())

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

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
