"""A play: askers and deciders at work on one recording, all at once, and the audit after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

from attrs import frozen

from turnkeep import Counter, Keep, Tallies, open_keep
from turnkeep_adapters.cli.demo.askers import Asker
from turnkeep_adapters.cli.demo.asking import owners_of, tenant_of
from turnkeep_adapters.cli.demo.audience import Audience
from turnkeep_adapters.cli.demo.auditor import audited
from turnkeep_adapters.cli.demo.deciders import Decider
from turnkeep_adapters.cli.demo.errand_desk import Desk
from turnkeep_adapters.cli.demo.examination import Examination
from turnkeep_adapters.cli.demo.feed import Feed
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.recording import entries
from turnkeep_adapters.cli.demo.report import Effort, Report
from turnkeep_adapters.cli.demo.witness import KeepWitness

MEMORY: Final = "memory:"


class InputBroken(Exception):
    """The recording could not be read to its end; its argument says why."""


@frozen(kw_only=True)
class Play:
    """What a demonstration is asked to do.

    Attributes:
        source: The recording.
        name: What to call the recording.
        store: The URL of the store.
    """

    source: Source
    name: str
    store: str
    askers: int
    deciders: int
    seed: int

    async def performed(self, audience: Audience) -> Report:
        """The report of one performance.

        Raises:
            TurnkeepError: The store cannot be opened, or failed the audit.
            InputBroken: The recording could not be read to its end.
            OSError: The ledger could not be kept, or the audience has gone.
        """
        began = monotonic()
        tallies = Tallies()
        feed = Feed(entries(self.source.lines()), self.seed, audience.unusable)
        with Ledger.opened() as ledger:
            async with open_keep(self.store, telemetry=tallies) as keep:
                await self._act(keep, feed, ledger, audience)
                effort = _effort(tallies)
                audience.examining()
                async with self._another(keep) as other:
                    examination = await self._audit(other, ledger)
        if feed.broken is not None:
            raise InputBroken(feed.broken.strerror)
        return self._report(feed, effort, examination, monotonic() - began)

    async def _act(self, keep: Keep, feed: Feed, ledger: Ledger, audience: Audience) -> None:
        desk = Desk()
        asker = Asker(
            keep=keep, desk=desk, feed=feed, ledger=ledger, audience=audience, seed=self.seed
        )
        decider = Decider(keep, desk)
        try:
            async with asyncio.TaskGroup() as group:
                deciding = [group.create_task(decider.work()) for _ in range(self.deciders)]
                async with asyncio.TaskGroup() as asking:
                    for _ in range(self.askers):
                        asking.create_task(asker.work())
                for task in deciding:
                    task.cancel()
        except ExceptionGroup as errors:
            # Whatever stopped one actor stopped them all.
            raise _first(errors) from errors

    @asynccontextmanager
    async def _another(self, keep: Keep) -> AsyncIterator[Keep]:
        """A keep on the same store that nobody has used; only a store in memory has no other."""
        if self.store == MEMORY:
            yield keep
        else:
            async with open_keep(self.store) as other:
                yield other

    async def _audit(self, keep: Keep, ledger: Ledger) -> Examination:
        witness = KeepWitness(keep=keep, tenant=tenant_of(self.seed), owners=owners_of(self.seed))
        return await audited(ledger, witness)

    def _report(
        self, feed: Feed, effort: Effort, examination: Examination, seconds: float
    ) -> Report:
        return Report(
            source=self.name,
            store=self.store.partition(":")[0],
            seed=self.seed,
            askers=self.askers,
            deciders=self.deciders,
            tasks=feed.tasks,
            lines_left_out=feed.lines_left_out,
            calls_left_out=feed.calls_left_out,
            seconds=seconds,
            effort=effort,
            ends=examination.ends,
            verdicts=examination.findings.verdicts(),
        )


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _effort(tallies: Tallies) -> Effort:
    return Effort(
        updates=tallies.total(Counter.UPDATES),
        attempts=tallies.total(Counter.ATTEMPTS),
        conflicts=tallies.total(Counter.CONFLICTS),
        paused_ms=tallies.total(Counter.PAUSED_MS),
    )
