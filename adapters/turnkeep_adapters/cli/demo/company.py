"""A company: the worker processes of one performance, one of which is killed in the middle of it.

The first worker halts after some answers, with calls under way, and is killed by SIGKILL. A
replacement is handed the same lines again, and then goes on with what is left. Scenes and ids
follow from the lines alone, so what the killed worker did is repeated and not done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from turnkeep_adapters.cli.demo.cast import Cast, first_of
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.feed import Feed
from turnkeep_adapters.cli.demo.handout import Handout, Part
from turnkeep_adapters.cli.demo.hired import Hired
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.loss import ANSWERS_BEFORE_THE_KILL, Loss
from turnkeep_adapters.cli.demo.messages import Contract, Ended, Halted, OneMore
from turnkeep_adapters.cli.demo.recording import Unusable

if TYPE_CHECKING:
    from turnkeep_adapters.cli.demo.audience import Audience


@define(eq=False)
class _Told:
    """What one worker has told so far, as far as its replacement may tell it again."""

    calls: int = 0
    rejected: set[tuple[int, int | None]] = field(factory=set)


@define(eq=False, kw_only=True)
class Company:
    """Workers on one store, and what became of them.

    Attributes:
        store: The URL of the store.
        workers: How many work at once.
        cast: Who acts in each of them.
        directory: Where ledgers are kept.
        ledgers: Those of all workers but of the killed one and its replacement.
        loss: The worker that was killed; None where none had enough to do for that.
    """

    store: str
    workers: int
    cast: Cast
    feed: Feed
    audience: Audience
    directory: Path
    ledgers: list[Path] = field(factory=list, init=False)
    loss: Loss | None = field(default=None, init=False)
    _efforts: list[Effort] = field(factory=list, init=False)
    _handout: Handout = field(factory=Handout, init=False)

    @property
    def effort(self) -> Effort:
        """What it took all workers that came to their end."""
        return Effort.together(self._efforts)

    async def work(self) -> None:
        """Has every call of the feed decided.

        Raises:
            WorkerDied: A worker ended before its work did, and nobody had killed it here.
            OSError: Something could not be written, or the audience has gone.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._handout.fill(self.feed))
                group.create_task(self._be_killed(1))
                for number in range(2, self.workers + 1):
                    group.create_task(self._work(number))
        except ExceptionGroup as errors:
            # Whatever stopped one worker stopped them all.
            raise first_of(errors) from errors

    async def _work(self, number: int) -> None:
        contract = self._contract(f"{number}")
        self.ledgers.append(contract.ledger)
        async with Hired.under(contract, f"worker {number}") as hired:
            await self._attend(hired, before=_Told())

    async def _be_killed(self, number: int) -> None:
        contract = evolve(self._contract(f"{number}"), halts_after=ANSWERS_BEFORE_THE_KILL)
        told = _Told()
        with Part.kept(self.directory / f"{number}.part") as part:
            async with Hired.under(contract, f"worker {number}") as hired:
                halted = await self._attend(hired, part=part, before=told)
                signal = await hired.killed() if halted else 0
            if not halted:
                self.ledgers.append(contract.ledger)
                return
            again = self._contract(f"{number}-again")
            self.loss = Loss(
                worker=number,
                pid=hired.pid,
                signal=signal,
                tasks=part.tasks,
                ledger=contract.ledger,
                replacement=again.ledger,
            )
            async with Hired.under(again, f"the replacement of worker {number}") as replacement:
                await self._attend(replacement, before=told, again=part.lines())

    def _contract(self, name: str) -> Contract:
        return Contract(
            store=self.store,
            askers=self.cast.askers,
            deciders=self.cast.deciders,
            seed=self.cast.seed,
            ledger=self.directory / f"{name}.ledger",
            halts_after=None,
        )

    # ---- one worker -----------------------------------------------------------------------------

    async def _attend(
        self,
        hired: Hired,
        *,
        before: _Told,
        part: Part | None = None,
        again: Iterable[Line] = (),
    ) -> bool:
        """Hands a worker its lines and hears what it tells; whether it has halted."""
        async with asyncio.TaskGroup() as group:
            handing = group.create_task(self._handout.serve(hired, part, again))
            halted = await self._listen(hired, before, first=part is not None)
            handing.cancel()
        return halted

    async def _listen(self, hired: Hired, told: _Told, *, first: bool) -> bool:
        repeats = 0 if first else told.calls
        while (message := await hired.next_message()) is not None:
            match message:
                case OneMore() if repeats:
                    repeats -= 1
                case OneMore():
                    told.calls += 1
                    self.audience.one_more()
                case Unusable(line, call):
                    if (line, call) not in told.rejected:
                        self.feed.reject(message)
                    if first:
                        told.rejected.add((line, call))
                case Halted():
                    return True
                case Ended(effort):
                    self._efforts.append(effort)
                    await hired.ended_well()
                    return False
        raise await hired.death()
