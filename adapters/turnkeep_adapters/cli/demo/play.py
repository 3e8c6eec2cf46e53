"""A play: what a demonstration is asked to do, and its performance: the acting, then the audit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from attrs import define, field, frozen

from turnkeep import Keep, Scope, Tallies, Worker, open_keep
from turnkeep_adapters.cli.demo.agent import Agent
from turnkeep_adapters.cli.demo.chronicle import Chronicle
from turnkeep_adapters.cli.demo.company import Company, Harm
from turnkeep_adapters.cli.demo.contract import CONCURRENCY, HASTY, HASTY_WORKER, Contract
from turnkeep_adapters.cli.demo.director import Director
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.errand import owners_of, tenant_of
from turnkeep_adapters.cli.demo.examination import Case, Examination
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.people import Deciders, Operators
from turnkeep_adapters.cli.demo.report import Report
from turnkeep_adapters.cli.demo.shelf import Shelf
from turnkeep_adapters.cli.demo.treasurer import Treasurer
from turnkeep_adapters.cli.demo.witness import Log, Witness
from turnkeep_adapters.cli.demo.world import World

if TYPE_CHECKING:
    from turnkeep_adapters.cli.demo.audience import Audience

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
        harm: What is done to them; to the one of a store in memory, none.
    """

    source: Source
    name: str
    store: str | None
    workers: int
    harm: Harm
    seed: int

    async def performed(self, audience: Audience) -> Report:
        """The report of one performance.

        Raises:
            TurnkeepError: The store cannot be opened, or failed the audit.
            InputBroken: The recording could not be read to its end.
            WorkerDied: A worker ended before its work did.
            OSError: The world could not be kept, or the audience has gone.
        """
        with TemporaryDirectory(prefix="turnkeep-demo-") as name:
            performance = _Performance(play=self, directory=Path(name), audience=audience)
            return await performance.report()


@define(kw_only=True)
class _Performance:
    """One performance of a play, in a directory of its own."""

    play: Play
    directory: Path
    audience: Audience
    _began: float = field(factory=monotonic, init=False)
    _tallies: Tallies = field(factory=Tallies, init=False)

    async def report(self) -> Report:
        """As `Play.performed` promises."""
        self._shelf.directory.mkdir()
        self._world.directory.mkdir()
        async with open_keep(self._store, settings=HASTY, telemetry=self._tallies) as keep:
            director = Director(
                keep=keep,
                treasurer=Treasurer(keep=keep, seed=self.play.seed),
                lines=self.play.source.lines(),
                shelf=self._shelf,
                audience=self.audience,
            )
            deciders = Deciders(keep=keep, owners=self._owners, seed=self.play.seed)
            operators = Operators(keep=keep, owners=self._owners, world=self._world)
            company = None if self._store == MEMORY else self._company()
            async with self._at_work(keep, company):
                suffering = () if company is None else (company.suffer(), company.watch())
                await _until(director.direct(), deciders.work(), operators.work(), *suffering)
            if director.broken is not None:
                raise InputBroken(director.broken.strerror)
            self.audience.examining()
            examination = await self._audited(keep, director, deciders)
        return self._reported(director, deciders, operators, company, examination)

    # ---- acting ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def _at_work(self, keep: Keep, company: Company | None) -> AsyncIterator[None]:
        """Somebody takes turns as long as the block runs."""
        if company is not None:
            async with company.at_work():
                yield
            return
        agent = Agent(shelf=self._shelf, world=self._world, seed=self.play.seed)
        worker = Worker(keep, agent, concurrency=CONCURRENCY, settings=HASTY_WORKER)
        async with worker:
            yield

    def _company(self) -> Company:
        contract = Contract(
            store=self._store,
            errands=self._shelf.directory,
            world=self._world.directory,
            seed=self.play.seed,
            holder="nobody",
        )
        return Company(
            contract=contract,
            workers=self.play.workers,
            harm=self.play.harm,
            directory=self.directory,
        )

    # ---- the audit ------------------------------------------------------------------------------

    async def _audited(self, keep: Keep, director: Director, deciders: Deciders) -> Examination:
        async with self._asked_anew(keep) as asked:
            chronicle = Chronicle()
            async for fact in Log(asked, tenant_of(self.play.seed)).facts():
                chronicle.take(fact)
            examination = Examination(chronicle)
            examination.of_log()
            examination.of_world(self._world.deeds())
            witness = Witness(asked)
            examination.of_ledger(await witness.ledger(tenant_of(self.play.seed)))
            active = 0
            threads: dict[Scope, list[Case]] = {}
            for submitted in director.submitted.values():
                run = await witness.run(submitted.address)
                journal = await witness.journal(submitted.address)
                active += run is not None and not run.status.final
                case = Case(submitted=submitted, run=run, journal=journal)
                examination.of_case(case)
                threads.setdefault(submitted.address.scope, []).append(case)
            examination.of_unknown()
            for thread, cases in threads.items():
                examination.of_thread(cases, await witness.money(thread))
            for approval, request in deciders.requests.items():
                view = await witness.approval(request.scope, approval)
                examination.of_request(approval, request, None if view is None else view.state)
            pending = sum([await witness.pending(owner) for owner in self._owners])
            examination.of_rest(pending=pending, active=active, refused=director.refused)
            return examination

    @asynccontextmanager
    async def _asked_anew(self, keep: Keep) -> AsyncIterator[Keep]:
        """A keep that remembers nothing; of a store in memory there is but one."""
        if self._store == MEMORY:
            yield keep
            return
        async with open_keep(self._store) as asked:
            yield asked

    def _reported(
        self,
        director: Director,
        deciders: Deciders,
        operators: Operators,
        company: Company | None,
        examination: Examination,
    ) -> Report:
        runs = examination.chronicle.runs
        told = [runs[id] for id in director.submitted if id in runs]
        own = Effort.of(self._tallies)
        fates = Counter(request.fate.value for request in deciders.requests.values())
        return Report(
            source=self.play.name,
            store=self._store.partition(":")[0],
            seed=self.play.seed,
            workers=0 if company is None else self.play.workers,
            killed=() if company is None else tuple(company.killed),
            paused=() if company is None else tuple(company.paused),
            turns=len(director.submitted),
            earlier=sum(submitted.is_earlier for submitted in director.submitted.values()),
            repeats=director.repeats,
            lines_left_out=director.left_out,
            stalled=director.stalled,
            seconds=monotonic() - self._began,
            effort=own if company is None else Effort.together((own, company.effort)),
            claims=sum(run.claims for run in told),
            requeued=sum(run.requeued for run in told),
            settled=operators.settled,
            requests=fates,
            ends=examination.ends,
            verdicts=examination.findings.verdicts(),
        )

    @property
    def _store(self) -> str:
        if self.play.store is not None:
            return self.play.store
        return f"file://{quote(str(self.directory / 'store'))}"

    @property
    def _shelf(self) -> Shelf:
        return Shelf(self.directory / "errands", self.play.seed)

    @property
    def _world(self) -> World:
        return World(self.directory / "world")

    @property
    def _owners(self) -> tuple[Scope, ...]:
        return owners_of(self.play.seed)


async def _until(
    main: Coroutine[object, object, None], *beside: Coroutine[object, object, None]
) -> None:
    """Runs the first to its end, with the others beside it; whatever stops one stops all."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(other) for other in beside]
            await group.create_task(main)
            for task in tasks:
                task.cancel()
    except ExceptionGroup as errors:
        raise _first_of(errors) from errors


def _first_of(errors: ExceptionGroup[Exception]) -> Exception:
    """The first error of a group, however deep it lies."""
    error = errors.exceptions[0]
    return _first_of(error) if isinstance(error, ExceptionGroup) else error
