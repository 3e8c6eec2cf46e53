"""A play: what a demonstration is asked to do, and its performance: the acting, then the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final
from urllib.parse import quote

from attrs import frozen

from turnkeep import Keep, Tallies, open_keep
from turnkeep_adapters.cli.demo.asking import owners_of, tenant_of
from turnkeep_adapters.cli.demo.audience import Audience
from turnkeep_adapters.cli.demo.auditor import Ledgers, audited
from turnkeep_adapters.cli.demo.cast import Cast
from turnkeep_adapters.cli.demo.company import Company
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.examination import Examination
from turnkeep_adapters.cli.demo.feed import Feed
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.loss import Loss
from turnkeep_adapters.cli.demo.report import Report
from turnkeep_adapters.cli.demo.witness import KeepWitness

MEMORY: Final = "memory:"
"""The store of one process, which ends with it."""


class InputBroken(Exception):
    """The recording could not be read to its end; its argument says why."""


@frozen(kw_only=True)
class Play:
    """What a demonstration is asked to do.

    Attributes:
        source: The recording.
        name: What to call the recording.
        store: The URL of the store; None for a files store that is removed at the end.
        workers: How many processes work at once; a store in memory has one, whatever this says.
        cast: Who acts in each of them.
    """

    source: Source
    name: str
    store: str | None
    workers: int
    cast: Cast

    async def performed(self, audience: Audience) -> Report:
        """The report of one performance.

        Raises:
            TurnkeepError: The store cannot be opened, or failed the audit.
            InputBroken: The recording could not be read to its end.
            WorkerDied: A worker ended before its work did.
            OSError: A ledger could not be kept, or the audience has gone.
        """
        if self.store == MEMORY:
            return await self._alone(audience)
        with TemporaryDirectory(prefix="turnkeep-demo-") as name:
            directory = Path(name)
            own = f"file://{quote(str(directory / 'store'))}"
            store = own if self.store is None else self.store
            return await self._in_company(store, directory, audience)

    async def _alone(self, audience: Audience) -> Report:
        began = monotonic()
        tallies = Tallies()
        feed = self._feed(audience)
        with Ledger.opened() as ledger:
            async with open_keep(MEMORY, telemetry=tallies) as keep:
                await self.cast.act(keep, feed, ledger, audience)
                effort = Effort.of(tallies)
                audience.examining()
                examination = await self._audit(keep, Ledgers(killed=None, others=[ledger]))
        return self._report(feed, effort, examination, monotonic() - began, workers=0, loss=None)

    async def _in_company(self, store: str, directory: Path, audience: Audience) -> Report:
        # What is wrong with the store is found before anybody is hired.
        async with open_keep(store):
            began = monotonic()
        feed = self._feed(audience)
        company = Company(
            store=store,
            workers=self.workers,
            cast=self.cast,
            feed=feed,
            audience=audience,
            directory=directory,
        )
        await company.work()
        audience.examining()
        with _ledgers(company) as ledgers:
            async with open_keep(store) as keep:
                examination = await self._audit(keep, ledgers)
        return self._report(
            feed,
            company.effort,
            examination,
            monotonic() - began,
            workers=self.workers,
            loss=company.loss,
        )

    def _feed(self, audience: Audience) -> Feed:
        return Feed(self.source.lines(), self.cast.seed, audience.unusable)

    async def _audit(self, keep: Keep, ledgers: Ledgers) -> Examination:
        seed = self.cast.seed
        witness = KeepWitness(keep=keep, tenant=tenant_of(seed), owners=owners_of(seed))
        return await audited(ledgers, witness)

    def _report(
        self,
        feed: Feed,
        effort: Effort,
        examination: Examination,
        seconds: float,
        *,
        workers: int,
        loss: Loss | None,
    ) -> Report:
        if feed.broken is not None:
            raise InputBroken(feed.broken.strerror)
        return Report(
            source=self.name,
            store="file" if self.store is None else self.store.partition(":")[0],
            seed=self.cast.seed,
            workers=workers,
            askers=self.cast.askers,
            deciders=self.cast.deciders,
            tasks=feed.tasks,
            lines_left_out=feed.lines_left_out,
            calls_left_out=feed.calls_left_out,
            seconds=seconds,
            effort=effort,
            loss=loss,
            ends=examination.ends,
            verdicts=examination.findings.verdicts(),
        )


@contextmanager
def _ledgers(company: Company) -> Iterator[Ledgers]:
    """What the workers were told, open as long as the block runs."""
    with ExitStack() as stack:
        killed = None
        if company.loss is not None:
            killed = (
                stack.enter_context(Ledger.at(company.loss.ledger)),
                stack.enter_context(Ledger.at(company.loss.replacement)),
            )
        others = [stack.enter_context(Ledger.at(path)) for path in company.ledgers]
        yield Ledgers(killed=killed, others=others)
