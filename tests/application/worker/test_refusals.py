"""A call that was refused is refused in every replay: what its handler did instead stands.

It is asked anew once it was what ended the claim, or what failed the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import pytest
from attrs import define, field

from tests.application.worker.sites import (
    OPERATOR,
    OWNER,
    SUBMITTER,
    Host,
    Site,
    VirtualSite,
    thread,
)
from tests.application.worker.test_spends import USD, costing, figures, limit
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, GiveUp, StepNotDone, TryAgain
from turnkeep_application.worker.step_values import digest
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.declined import declined, declined_with
from turnkeep_domain.turns.effect import Done, EffectKind, Mode, NotDone
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.limits import EFFECTS_MAX, OPEN_MAX
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.refusals import CallDeclined
from turnkeep_domain.turns.run_states import Blocked, Failed, RunStatus

CHILD: Final = thread("child")
LOGIN: Final = Ref("login:1")
Call = Callable[[RunContext], Awaitable[object]]


async def asked(ctx: RunContext) -> None:
    await ctx.require_approval(
        "call",
        action=Dispatch.of("pay", {"usd_nano": 5}),
        effects=frozenset({Effect.FINANCIAL}),
        input={"cents": 5},
        reason="because",
        display="pay",
    )


async def waited(ctx: RunContext) -> None:
    await ctx.gate("call", kind=GateKind.AUTH, ref=LOGIN)


async def spawned(ctx: RunContext) -> object:
    return await ctx.spawn("call", scope=CHILD)


async def stepped(ctx: RunContext) -> object:
    return await ctx.effect("call", lambda _: asyncio.sleep(0, "stepped"))


async def joined(ctx: RunContext) -> object:
    child = await ctx.spawn("child", scope=CHILD)
    return await ctx.join("call", [child])


def spent(mode: Mode) -> Call:
    async def call(ctx: RunContext) -> object:
        return await ctx.spend("call", {USD: 10}, costing(4), mode=mode)

    return call


class Obstacle(Protocol):
    """What forbids a call, until it is out of the way."""

    code: str

    async def raised(self, host: Host) -> None:
        """Puts it there, before the run begins."""

    async def attempt(self, ctx: RunContext, call: Call) -> object:
        """Makes the call while it is there, if it is."""

    async def cleared(self, host: Host) -> None:
        """Puts it away."""


@define(kw_only=True)
class UnderWay:
    """So many `once` steps are under way; each happens in the first claim alone."""

    code: str
    steps: int

    async def raised(self, host: Host) -> None:
        """It is raised by each attempt."""

    async def cleared(self, host: Host) -> None:
        """It is cleared by each attempt."""

    async def attempt(self, ctx: RunContext, call: Call) -> object:
        begun, end = asyncio.Semaphore(0), asyncio.Event()

        async def step(key: str) -> None:
            begun.release()
            await end.wait()

        tasks = [
            asyncio.create_task(ctx.effect(f"slow {number}", step)) for number in range(self.steps)
        ]
        for task in tasks:
            started = asyncio.ensure_future(begun.acquire())
            await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
            started.cancel()
        try:
            return await call(ctx)
        finally:
            end.set()
            await asyncio.gather(*tasks)


@define(kw_only=True)
class Busy:
    """Another run holds the child's thread."""

    code: str
    _busy: list[RunView] = field(factory=list, init=False)

    async def attempt(self, ctx: RunContext, call: Call) -> object:
        return await call(ctx)

    async def raised(self, host: Host) -> None:
        self._busy.append(await host.submit(CHILD, request="busy"))
        await host.until(self._busy[0], lambda view: view.status is RunStatus.BLOCKED)

    async def cleared(self, host: Host) -> None:
        if not self._busy:
            return
        answer = await host.turns.request_cancel(
            self._busy.pop().address,
            reason=Ref("enough"),
            actor=OPERATOR,
            request_id=RequestId("cancel"),
        )
        assert isinstance(answer, RunStanding)


@define(kw_only=True)
class Poor:
    """The tenant's budget is spent."""

    code: str

    async def attempt(self, ctx: RunContext, call: Call) -> object:
        return await call(ctx)

    async def raised(self, host: Host) -> None:
        await limit(host, Ceiling.of(9))

    async def cleared(self, host: Host) -> None:
        await limit(host, Ceiling.of(100), request="l2")


DOORS: Final[dict[str, tuple[Call, Callable[[], Obstacle], EffectKind]]] = {
    "spawn": (spawned, lambda: Busy(code="thread_busy"), EffectKind.CHILD),
    "gate": (waited, lambda: UnderWay(code="effects_open", steps=1), EffectKind.GATE),
    "approval": (asked, lambda: UnderWay(code="effects_open", steps=1), EffectKind.GATE),
    "join": (joined, lambda: UnderWay(code="effects_open", steps=1), EffectKind.GATE),
    "effect": (stepped, lambda: UnderWay(code="effects_full", steps=OPEN_MAX), EffectKind.STEP),
    "spend once": (
        spent(Mode.ONCE),
        lambda: Poor(code="budget.limit_exceeded"),
        EffectKind.SPEND,
    ),
    "spend keyed": (
        spent(Mode.KEYED),
        lambda: Poor(code="budget.limit_exceeded"),
        EffectKind.SPEND,
    ),
}


async def held(ctx: RunContext) -> bool:
    """What the runs beside the one that is looked at do: they wait, or end."""
    if ctx.run.lineage.parent is not None:
        return True
    if ctx.run.scope == CHILD:
        await ctx.gate("held", kind=GateKind.EXTERNAL_TOOL, ref=Ref("held"))
        return True
    return False


@pytest.mark.parametrize("door", DOORS)
def test_a_refusal_is_met_again_in_every_replay_though_nothing_forbids_the_call_any_more(
    site: Site, door: str
) -> None:
    call, make, kind = DOORS[door]
    met: list[CallRefused] = []

    async def scenario() -> None:
        obstacle = make()
        async with site.host() as host:

            async def handler(ctx: RunContext) -> None:
                if await held(ctx):
                    return
                try:
                    await obstacle.attempt(ctx, call)
                except CallRefused as refused:
                    met.append(refused)
                await ctx.effect("instead", lambda _: asyncio.sleep(0))
                if len(met) < 3:
                    await obstacle.cleared(host)
                    raise TryAgain

            async with host.worker(handler):
                await obstacle.raised(host)
                run = await host.submit()
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            entry = (await host.journal(run))["call", 0]
            assert (entry.kind, entry.state) == (kind, declined(obstacle.code))
            assert (await host.approvals.list_pending(OWNER)).approvals == ()
            assert await figures(host) == (0, 0)
        assert [error.code for error in met] == [obstacle.code] * 3
        assert {error.effect for error in met} == {EffectId("call", 0)}
        assert [error.reason for error in met[1:]] == [CallDeclined(obstacle.code)] * 2

    site.run(scenario)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("again", ["tried again", "retried"])
def test_a_refusal_that_ended_the_claim_is_asked_anew(site: Site, door: str, again: str) -> None:
    """As the failure of a step is: law 58."""
    call, make, kind = DOORS[door]
    met: list[object] = []

    async def scenario() -> None:
        obstacle = make()
        async with site.host() as host:

            async def handler(ctx: RunContext) -> None:
                if not await held(ctx):
                    met.append(await outcome(ctx))

            async def outcome(ctx: RunContext) -> object:
                try:
                    await obstacle.attempt(ctx, call)
                except CallRefused as refused:
                    met.append(refused.code)
                    if again == "retried":
                        raise
                    await obstacle.cleared(host)
                    raise TryAgain from refused
                return "passed"

            async with host.worker(handler):
                await obstacle.raised(host)
                run = await host.submit()
                view = await let_through(host, await gone_on(host, run, obstacle))
                assert view.status is RunStatus.COMPLETED
            journal = await host.journal(view)
            entry = journal["call", 0]
            assert (entry.kind, type(entry.state)) == (kind, Done)
            assert view.counters.effects == len(journal)
        assert met == [obstacle.code, "passed"]

    site.run(scenario)


async def gone_on(host: Host, run: RunView, obstacle: Obstacle) -> RunView:
    """The run; or, where it failed for the obstacle, the one that repeats it."""
    run = await host.until(run, lambda view: view.status.final or is_for_people(view))
    if run.status is not RunStatus.FAILED:
        return run
    assert run.state == Failed(category=Category(obstacle.code), effect=EffectId("call", 0))
    await obstacle.cleared(host)
    standing = await host.turns.retry(
        run.address, settlements={}, actor=OPERATOR, request_id=RequestId("again")
    )
    assert isinstance(standing, RunStanding), standing
    view = await host.turns.get(RunAddress(run.scope, standing.run))
    assert view is not None
    return view


async def let_through(host: Host, run: RunView) -> RunView:
    """The run once it has ended, let through the gate at which it waits for somebody."""
    view = await host.until(run, lambda view: view.status.final or is_for_people(view))
    if not view.status.final:
        await opened(host, run)
    return await host.until(run, lambda view: view.status.final)


async def opened(host: Host, run: RunView) -> None:
    for waiting in (await host.approvals.list_pending(OWNER)).approvals:
        await host.approvals.approve(
            run.scope, waiting.id, by=run.turn.actor, decision_id=RequestId("yes")
        )
        return
    standing = await host.turns.resume(
        run.address,
        kind=GateKind.AUTH,
        ref=LOGIN,
        disposition=Disposition.GRANTED,
        actor=SUBMITTER,
        request_id=RequestId("resume"),
    )
    assert isinstance(standing, RunStanding), standing


def is_for_people(view: RunView) -> bool:
    match view.state:
        case Blocked(gate=gate):
            return gate.kind is not GateKind.DEPENDENT_RUN
        case _:
            return False


def test_what_a_handler_did_instead_of_a_refused_spawn_has_no_double(site: Site) -> None:
    """The child goes elsewhere, and the replay spawns no second one where there is room by then."""
    children: list[tuple[RunAddress, ...]] = []

    async def scenario() -> None:
        busy = Busy(code="thread_busy")
        async with site.host() as host:

            async def handler(ctx: RunContext) -> None:
                if await held(ctx):
                    return
                try:
                    child = await ctx.spawn("help", scope=CHILD)
                except CallRefused:
                    child = await ctx.spawn("help", scope=thread("other"))
                children.append((child,))
                if len(children) == 1:
                    await busy.cleared(host)
                    raise TryAgain

            async with host.worker(handler):
                await busy.raised(host)
                run = await host.submit()
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert children[0] == children[1]
            assert children[0][0].scope == thread("other")
            assert (await host.kinds()).count("submitted") == 3
            states = {id: entry.state for id, entry in (await host.journal(run)).items()}
            done = Done(output=b"", disposition=None)
            assert states == {("help", 0): declined("thread_busy"), ("help", 1): done}

    site.run(scenario)


def test_a_smaller_call_after_a_refused_spend_stands_in_a_place_of_its_own(site: Site) -> None:
    calls: list[str] = []

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(9))

            async def handler(ctx: RunContext) -> None:
                with pytest.raises(CallRefused, match=r"budget\.limit_exceeded"):
                    await ctx.spend("ask", {USD: 10}, costing(4, calls=calls))
                assert await ctx.spend("ask", {USD: 5}, costing(4, calls=calls)) == "done"
                await limit(host, Ceiling.of(100), request="l2")
                if ctx.epoch == 1:
                    raise TryAgain

            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert await figures(host) == (4, 0)
            assert sorted(await host.journal(run)) == [("ask", 0), ("ask", 1)]
        assert len(calls) == 1

    site.run(scenario)


def test_another_call_in_the_place_of_a_refused_one_fails_the_run(virtual: VirtualSite) -> None:
    """Law 57."""

    async def scenario() -> None:
        async with virtual.host() as host:
            await limit(host, Ceiling.of(9))

            async def handler(ctx: RunContext) -> None:
                with pytest.raises(CallRefused):
                    await ctx.spend("ask", {USD: 9 + ctx.epoch}, costing(4))
                if ctx.epoch == 1:
                    raise TryAgain
                raise AssertionError("it went on")

            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Failed(category=Category("replay_diverged"), effect=None)

    virtual.run(scenario)


@pytest.mark.parametrize("commit", range(1, 5))
@pytest.mark.parametrize("fault", ["lose-before", "lose-after", "land-late 1", "fail-before"])
def test_a_lost_answer_costs_a_refused_call_nothing(
    virtual: VirtualSite, fault: str, commit: int
) -> None:
    """Whatever is in doubt: the handler is told one thing, and the journal says the same."""
    met: list[str] = []

    async def scenario() -> None:
        busy = Busy(code="thread_busy")
        async with virtual.host() as host:

            async def handler(ctx: RunContext) -> None:
                if await held(ctx):
                    return
                try:
                    met.append((await ctx.spawn("help", scope=CHILD)).id)
                except CallRefused as refused:
                    met.append(refused.code)
                if len(met) == 1:
                    await busy.cleared(host)
                    raise TryAgain

            async with host.worker(handler):
                await busy.raised(host)
            run = await host.submit()
            script = f"commit#{commit}: {fault}"
            async with virtual.suffering(script) as (sick, _), sick.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert met == ["thread_busy"] * 2
            assert list(await host.journal(run)) == [("help", 0)]

    virtual.run(scenario)


def test_a_worker_that_dies_before_it_has_journaled_a_refusal_has_told_nobody(
    virtual: VirtualSite,
) -> None:
    """The window between a refusal and its entry: the call was not answered, and is asked anew."""
    met: list[str] = []

    async def scenario() -> None:
        busy = Busy(code="thread_busy")
        async with virtual.host() as host:

            async def handler(ctx: RunContext) -> None:
                if not await held(ctx):
                    met.append((await ctx.spawn("help", scope=CHILD)).id)

            async with host.worker(handler):
                await busy.raised(host)
            run = await host.submit()
            async with virtual.suffering("commit#* in effect: fail-before") as (sick, _):
                beside = asyncio.ensure_future(sick.worker(handler).run())
                await virtual.sleep(10)
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)
            assert met == []
            assert await host.journal(run) == {}
            await busy.cleared(host)
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        assert len(met) == 1

    virtual.run(scenario)


def test_a_full_journal_refuses_alike_without_an_entry(virtual: VirtualSite) -> None:
    """Law 75: it never has room again, so that nothing is to be remembered."""
    codes: list[str] = []

    async def handler(ctx: RunContext) -> None:
        for _ in range(EFFECTS_MAX):
            await ctx.effect("fill", lambda _: asyncio.sleep(0), mode="safe")
        for call in (stepped, waited, asked, spawned, spent(Mode.ONCE), spent(Mode.KEYED)):
            try:
                await call(ctx)
            except CallRefused as refused:
                codes.append(refused.code)
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert len(await host.journal(run)) == EFFECTS_MAX
        assert codes == ["effects_full"] * 12

    virtual.run(scenario)


def test_a_child_of_somebody_else_is_refused_and_the_claim_goes_on(virtual: VirtualSite) -> None:
    codes: list[str] = []

    async def handler(ctx: RunContext) -> None:
        for scope in (thread("child", user="eve"), Scope.of("other", "ada", thread="child")):
            try:
                await ctx.spawn("help", scope=scope)
            except CallRefused as refused:
                codes.append(refused.code)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert (view.status, view.epoch) == (RunStatus.COMPLETED, 1)
        assert codes == ["not_found"] * 2

    virtual.run(scenario)


def test_no_host_names_a_failure_as_turnkeep_names_a_refusal() -> None:
    word = Category(declined("thread_busy").category)
    for exit in (GiveUp, StepNotDone):
        with pytest.raises(InvalidValue):
            exit(word)


async def stopped(host: Host, ctx: RunContext) -> None:
    """Its run is called off within a step, which is done and so comes once."""

    async def stop(key: str) -> None:
        await host.turns.request_cancel(
            ctx.run.address, reason=Ref("enough"), actor=OPERATOR, request_id=RequestId("stop")
        )

    await ctx.effect("stop", stop, mode="safe")


async def repeated(host: Host, run: RunView, request: str) -> RunView:
    """The retry of a failed run, once it has ended or waits."""
    standing = await host.turns.retry(
        run.address, settlements={}, actor=OPERATOR, request_id=RequestId(request)
    )
    assert isinstance(standing, RunStanding), standing
    view = await host.turns.get(RunAddress(run.scope, standing.run))
    assert view is not None
    return await host.settled(view)


def test_what_was_refused_to_a_retry_that_was_called_off_is_refused_to_the_next(
    site: Site,
) -> None:
    """What its handler did instead is in the journal of both."""
    paid: list[str] = []
    told: list[str] = []

    async def pay(key: str) -> str:
        paid.append(key)
        return "paid"

    async def note(key: str) -> str:
        return "noted"

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()

            async def handler(ctx: RunContext) -> None:
                if ctx.run.lineage.retry_of is None:
                    raise GiveUp(Category("broken"))
                await stopped(host, ctx)
                try:
                    came = await ctx.effect("pay", pay)
                except CallRefused as refused:
                    came = refused.code
                    told.append(came)
                await ctx.effect("note", note, came, mode="safe")

            async with host.worker(handler):
                await host.settled(run)
                first = await repeated(host, run, "one")
                assert first.status is RunStatus.CANCELLED
                second = await repeated(host, run, "two")
            assert second.status is RunStatus.COMPLETED
            assert (paid, told) == ([], ["wrong_state", "wrong_state"])
            assert set(await host.journal(second)) == {("stop", 0), ("pay", 0), ("note", 0)}

    site.run(scenario)


@pytest.mark.parametrize(
    ("exit", "door"),
    [
        *(("the refusal", door) for door in ("step", "spend once", "spend safe", "spawn")),
        *((exit, "step") for exit in ("an error", "giving up", "trying again")),
    ],
)
def test_a_refusal_that_ended_a_retry_that_was_called_off_is_asked_anew(
    virtual: VirtualSite, exit: str, door: str
) -> None:
    doors: dict[str, Call] = {
        "step": stepped,
        "spend once": spent(Mode.ONCE),
        "spend safe": spent(Mode.SAFE),
        "spawn": spawned,
    }
    told: list[str] = []

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()

            async def handler(ctx: RunContext) -> None:
                if ctx.run.scope == CHILD:
                    return
                if ctx.run.lineage.retry_of is None:
                    raise GiveUp(Category("broken"))
                await stopped(host, ctx)
                try:
                    await doors[door](ctx)
                except CallRefused as refused:
                    told.append(refused.code)
                    if exit == "the refusal":
                        raise
                    if exit == "giving up":
                        raise GiveUp(Category("no")) from refused
                    raise (TryAgain() if exit == "trying again" else OSError()) from refused

            async with host.worker(handler):
                await host.settled(run)
                first = await repeated(host, run, "one")
                assert first.status is RunStatus.CANCELLED
                entry = (await host.journal(first))["call", 0]
                assert entry.is_to_be_redone
                second = await repeated(host, run, "two")
            assert second.status is RunStatus.COMPLETED
            assert len(told) == 1
            assert isinstance((await host.journal(second))["call", 0].state, Done)

    virtual.run(scenario)


def test_an_intent_that_landed_in_doubt_before_its_run_was_called_off_is_not_left_open(
    virtual: VirtualSite,
) -> None:
    """Nothing was called on it, and so nobody has to find out."""
    told: list[str] = []

    async def never(key: str) -> str:
        raise AssertionError("it is called")

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()

            async def handler(ctx: RunContext) -> None:
                # As if the answer to the step's own request had been lost.
                claim = ctx._runner.claim
                await host.turns.intend(claim, EffectId("pay", 0), arguments=digest("args", None))
                await stopped(host, ctx)
                try:
                    await ctx.effect("pay", never)
                except CallRefused as refused:
                    told.append(refused.code)

            async with host.worker(handler):
                view = await host.settled(run)
            assert view.status is RunStatus.CANCELLED
            assert (view.open, told) == ((), ["wrong_state"])
            state = (await host.journal(run))["pay", 0].state
            assert isinstance(state, NotDone)
            assert declined_with(state) == "wrong_state"

    virtual.run(scenario)


def test_what_a_retry_asked_people_when_it_was_called_off_is_asked_anew(site: Site) -> None:
    """Its question was withdrawn along, by nobody's answer."""

    async def handler(ctx: RunContext) -> None:
        if ctx.run.lineage.retry_of is None:
            raise GiveUp(Category("broken"))
        await asked(ctx)

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                for number in range(2):
                    waiting = await repeated(host, run, f"again {number}")
                    assert waiting.status is RunStatus.BLOCKED
                    await host.turns.request_cancel(
                        waiting.address,
                        reason=Ref("enough"),
                        actor=OPERATOR,
                        request_id=RequestId(f"cancel {number}"),
                    )
                view = await let_through(host, await repeated(host, run, "at last"))
                assert view.status is RunStatus.COMPLETED
            assert list(await host.journal(view)) == [("call", 0)]

    site.run(scenario)
