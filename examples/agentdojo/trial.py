"""A trial: one suite, carried out by workers that are killed, and examined when all has ended."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final
from urllib.parse import quote

from attrs import field, frozen

from examples.agentdojo.agent import MONEY, allowance_of, is_risky
from examples.agentdojo.asking import Asking
from examples.agentdojo.people import Approver, Operator
from examples.agentdojo.processes import Company, Started
from examples.agentdojo.report import Outcome, Report
from examples.agentdojo.worker import HASTY
from turnkeep import (
    START,
    AccountRef,
    Ceiling,
    Done,
    Event,
    Json,
    Keep,
    Lifetime,
    Limits,
    LimitsSet,
    Principal,
    Ref,
    RequestId,
    RunAddress,
    RunClaimed,
    RunNeedsOperator,
    RunRequeued,
    RunStatus,
    RunView,
    Scope,
    open_keep,
)

_PERSON: Final = "ada"
_TREASURER: Final = Principal.person("tilda")
_WAIT_SECONDS: Final = 30.0


@frozen(kw_only=True)
class Trial:
    """What is to be tried.

    Attributes:
        suite: Its name: `kiosk`, or one of the benchmark's.
        store: The URL of a store that is there; None for one in files that goes with the trial.
        kills: How many workers are killed, as long as there is work.
        seed: What who is killed, and when, is drawn from.
        seconds: How long it may take at most.
    """

    suite: str
    store: str | None = field(repr=False)
    workers: int
    kills: int
    seed: int
    seconds: float = 900.0

    async def held(self) -> Report:
        """Holds the trial; what came of it.

        Raises:
            TimeoutError: It took longer than it may.
            ProcessDied: A process ended that nobody had killed.
        """
        with TemporaryDirectory(prefix="turnkeep-") as name:
            directory = Path(name)
            socket = str(directory / "environment")
            contract: Mapping[str, Json] = {
                "suite": self.suite,
                "socket": socket,
                "seed": self.seed,
            }
            environment = await Started.under("environment", "the environment", contract)
            try:
                async with asyncio.timeout(self.seconds):
                    store = self.store or f"file://{quote(str(directory / 'store'))}"
                    return await self._held(store, Asking(socket), environment)
            finally:
                await environment.kill()

    async def _held(self, store: str, environment: Asking, process: Started) -> Report:
        began = monotonic()
        # A store that is kept knows earlier trials, and the new environment nothing of them.
        tenant = f"{self.suite}-{secrets.token_hex(4)}"
        owner = Scope.of(tenant, _PERSON)
        company = Company(
            environment=environment,
            contract={"store": store, "tenant": tenant, "socket": environment.socket},
            workers=self.workers,
            kills=self.kills,
            chance=random.Random(self.seed),  # noqa: S311 - who is killed is no secret
        )
        async with open_keep(store, settings=HASTY) as keep:
            approver = Approver(keep, owner)
            operator = Operator(keep, owner, environment)
            runs = await _submitted(keep, owner, environment)
            async with (
                company.at_work(),
                _beside(process.watched(), approver.work(), operator.work()),
            ):
                await asyncio.gather(*(_ended(keep, run) for run in runs.values()))
            examiner = _Examiner(keep, environment, approver, frozenset(company.killed))
            outcomes = [await examiner.outcome(task, run) for task, run in runs.items()]
        return Report(
            suite=self.suite,
            outcomes=tuple(outcomes),
            killed=len(company.killed),
            settled=operator.settled,
            seconds=monotonic() - began,
        )


async def _submitted(keep: Keep, owner: Scope, environment: Asking) -> dict[str, RunAddress]:
    """A turn for each task, in a thread of its own with a budget of its own."""
    runs = {}
    for task in await environment.tasks():
        thread = Scope.of(str(owner.tenant), owner.user, agent="clerk", thread=task)
        allowance = allowance_of(await environment.plan(task))
        limited = await keep.budgets.set_limit(
            AccountRef.thread(thread),
            Limits.of(Lifetime(), {MONEY: Ceiling.of(allowance)}),
            by=_TREASURER,
            request_id=RequestId(f"{task}: allowance"),
        )
        run = await keep.turns.submit(
            thread,
            actor=Principal.person(str(owner.user)),
            request_id=RequestId(task),
            message_ref=Ref(task),
        )
        match limited, run:
            case LimitsSet(), RunView():
                runs[task] = run.address
            case _:
                raise RuntimeError(f"{task} was not accepted")
    return runs


async def _ended(keep: Keep, run: RunAddress) -> None:
    seen: int | None = None
    while True:
        view = await keep.turns.wait(run, after_version=seen, timeout_seconds=_WAIT_SECONDS)
        if view is None or view.status.final:
            return
        seen = view.version


@asynccontextmanager
async def _beside(*works: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Works that go on as long as the block; what stops one of them stops the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()


@frozen
class _Examiner:
    """Compares, for one task after the other, what the store says and what the environment saw."""

    keep: Keep
    environment: Asking
    approver: Approver
    killed: frozenset[str]

    async def outcome(self, task: str, run: RunAddress) -> Outcome:
        view = await self.keep.turns.get(run)
        plan = await self.environment.plan(task)
        verdict = await self.environment.verdict(task)
        calls = [
            entry
            for entry in await self.keep.turns.journal(run)
            if entry.id.name.startswith("call ") and isinstance(entry.state, Done)
        ]
        made: dict[str, int] = {}
        for deed in verdict.deeds:
            made[deed.key] = made.get(deed.key, 0) + 1
        money = (await self.keep.budgets.account(AccountRef.thread(run.scope)))[MONEY]
        return Outcome(
            task=task,
            completed=view is not None and view.status is RunStatus.COMPLETED,
            solved=verdict.solved,
            calls=len(plan.calls),
            once=sum(made.get(entry.key) == 1 for entry in calls),
            made=len(verdict.deeds),
            risky=sum(is_risky(call.tool) for call in plan.calls),
            approved=self.approver.approved.get(task, 0),
            survived=await self._survived(run),
            spent=money.spent,
            held=money.reserved,
            cost=sum(deed.cost for deed in verdict.deeds if is_risky(deed.tool)),
        )

    async def _survived(self, run: RunAddress) -> int:
        """How many of its claims ended because their worker was killed."""
        holder, survived = "", 0
        async for event in self._events(run):
            if isinstance(event, RunClaimed):
                holder = event.holder
            elif holder in self.killed and _broke_off(event):
                holder, survived = "", survived + 1
        return survived

    async def _events(self, run: RunAddress) -> AsyncIterator[Event]:
        after = START
        while True:
            page = await self.keep.turns.history(run, after=after)
            if page is None:
                return
            for event in page.events:
                yield event
            if page.next == after:
                return
            after = page.next


def _broke_off(event: Event) -> bool:
    """Whether a claim ended by nobody's word."""
    match event:
        case RunRequeued(category=category):
            return category == "expired"
        case RunNeedsOperator():
            return True
        case _:
            return False
