"""Processes: the environment and the workers of a trial, started, killed and ended."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from examples.agentdojo.asking import Asking
from turnkeep import Json

_TOP: Final = Path(__file__).resolve().parents[2]
_ROUND_SECONDS: Final = 0.02
_DEEDS_MAX: Final = 3
_HESITATION_SECONDS: Final = 0.1


class ProcessDied(Exception):
    """A process ended that nobody had killed."""


@frozen
class Started:
    """One process that was started with a contract, and has said that it is ready."""

    name: str
    _process: Process

    @classmethod
    async def under(cls, module: str, name: str, contract: Mapping[str, Json]) -> Started:
        """A process that runs a module of this example.

        Its standard input stays open, so that it notices when whoever started it is gone.

        Raises:
            ProcessDied: It ended before it was ready.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"examples.agentdojo.{module}"),
            stdin=PIPE,
            stdout=PIPE,
            cwd=_TOP,
            start_new_session=True,
        )
        started = cls(name, process)
        try:
            if process.stdin is not None and process.stdout is not None:
                process.stdin.write(json.dumps(contract).encode() + b"\n")
                if await process.stdout.readline():
                    return started
        except BaseException:
            await started.kill()
            raise
        await process.wait()
        raise ProcessDied(f"{name} ended before it was ready")

    async def watched(self) -> None:
        """Never returns.

        Raises:
            ProcessDied: It ended.
        """
        await self._process.wait()
        raise ProcessDied(f"{self.name} ended, and nobody had killed it")

    @property
    def has_ended(self) -> bool:
        """Whether it is no more."""
        return self._process.returncode is not None

    async def kill(self) -> None:
        """Kills it, wherever it stands."""
        if not self.has_ended:
            self._process.send_signal(signal.SIGKILL)
        await self._gone()

    async def drain(self) -> None:
        """Has it come to a good end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._gone()

    async def _gone(self) -> None:
        if self._process.stdout is not None:
            await self._process.stdout.read()
        await self._process.wait()


@define(kw_only=True)
class Company:
    """The workers of a trial, of whom one after the other is killed and replaced.

    Attributes:
        contract: What each is told; holders are numbered.
        killed: Holders that were, in order.
    """

    environment: Asking
    contract: Mapping[str, Json]
    workers: int
    kills: int
    chance: random.Random
    killed: list[str] = field(factory=list, init=False)
    _working: list[Started] = field(factory=list, init=False)
    _hired: int = field(default=0, init=False)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Workers take turns, and are killed at random, as long as the block runs.

        Raises:
            ProcessDied: A worker ended that nobody had killed.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.workers):
                    group.create_task(self._hire())
            async with asyncio.TaskGroup() as group:
                suffering = group.create_task(self._suffer(group))
                yield
                suffering.cancel()
            await asyncio.gather(*(worker.drain() for worker in self._working))
        finally:
            await asyncio.gather(*(worker.kill() for worker in self._working))

    async def _suffer(self, group: asyncio.TaskGroup) -> None:
        """Kills workers while calls are made; others are hired meanwhile."""
        until = await self._some_more()
        while True:
            for worker in self._working:
                if worker.has_ended:
                    raise ProcessDied(f"{worker.name} ended, and nobody had killed it")
            is_due = len(self.killed) < self.kills and await self.environment.count() >= until
            if is_due and self._working:
                await self._kill_one()
                group.create_task(self._hire())
                until = await self._some_more()
            await asyncio.sleep(_ROUND_SECONDS)

    async def _some_more(self) -> int:
        return await self.environment.count() + self.chance.randint(1, _DEEDS_MAX)

    async def _kill_one(self) -> None:
        victim = self.chance.choice(self._working)
        # Right after a call, or in the middle of the next.
        await asyncio.sleep(self.chance.random() * _HESITATION_SECONDS)
        self._working.remove(victim)
        await victim.kill()
        self.killed.append(victim.name)

    async def _hire(self) -> None:
        self._hired += 1
        holder = f"worker-{self._hired}"
        contract = {**self.contract, "holder": holder}
        self._working.append(await Started.under("worker", holder, contract))
