"""A handler that waits leaves its place, and goes on from the same line once it is let go."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.application.worker.sites import OWNER, SUBMITTER, Host, Site, VirtualSite, thread
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, GateClosed, TryAgain
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.run_states import Blocked, Failed, RunStatus

LOGIN = Ref("login:1")
ADA = Principal.person("ada")


async def let_go(host: Host, run: RunView, disposition: Disposition) -> None:
    standing = await host.turns.resume(
        run.address,
        kind=GateKind.AUTH,
        ref=LOGIN,
        disposition=disposition,
        actor=SUBMITTER,
        request_id=RequestId("resume"),
    )
    assert isinstance(standing, RunStanding), standing


@pytest.mark.parametrize(
    "disposition", [Disposition.GRANTED, Disposition.DENIED, Disposition.WITHDRAWN]
)
def test_a_gate_passes_or_raises_alike_in_every_replay(
    site: Site, disposition: Disposition
) -> None:
    met: list[str] = []
    entered: list[int] = []
    places: list[EffectId] = []

    async def handler(ctx: RunContext) -> None:
        entered.append(ctx.epoch)
        try:
            await ctx.gate("login", kind=GateKind.AUTH, ref=LOGIN)
            met.append("granted")
        except GateClosed as closed:
            met.append(closed.disposition.value)
            places.append(closed.effect)
        if len(met) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
                assert isinstance(view.state, Blocked)
                assert (view.state.gate.kind, view.state.gate.ref) == (GateKind.AUTH, LOGIN)
                await let_go(host, run, disposition)
                view = await host.until(run, lambda view: view.status.final)
                assert view.status is RunStatus.COMPLETED
        assert met == [disposition.value] * 2
        assert len(entered) == 3
        assert set(places) <= {EffectId("login", 0)}

    site.run(scenario)


def test_a_gate_that_nobody_opens_elapses(site: Site) -> None:
    """Law 51."""
    met: list[Disposition] = []

    async def scenario() -> None:
        async with site.host() as host:

            async def handler(ctx: RunContext) -> None:
                until = ctx.run.updated_at + timedelta(seconds=1)
                try:
                    await ctx.gate("login", kind=GateKind.AUTH, ref=LOGIN, until=until)
                except GateClosed as closed:
                    met.append(closed.disposition)

            run = await host.submit()
            async with host.worker(handler):
                await host.until(run, lambda view: view.status is RunStatus.BLOCKED)
                view = await host.until(run, lambda view: view.status.final)
            assert view.status is RunStatus.COMPLETED
        assert met == [Disposition.ELAPSED]

    site.run(scenario)


def test_a_denial_that_a_handler_does_not_catch_fails_its_run(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        await ctx.gate("login", kind=GateKind.AUTH, ref=LOGIN)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                await let_go(host, run, Disposition.DENIED)
                view = await host.until(run, lambda view: view.status.final)
            assert view.state == Failed(category=Category("gate_denied"), effect=None)

    virtual.run(scenario)


def test_a_blocked_run_costs_its_worker_no_place(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        if ctx.run.scope.thread == "waits":
            await ctx.gate("login", kind=GateKind.AUTH, ref=LOGIN)

    async def scenario() -> None:
        async with virtual.host() as host:
            waits, other = await host.submit(thread("waits")), await host.submit(thread("other"))
            async with host.worker(handler, concurrency=1):
                assert (await host.settled(waits)).status is RunStatus.BLOCKED
                assert (await host.settled(other)).status is RunStatus.COMPLETED

    virtual.run(scenario)


def test_nobody_waits_at_a_gate_while_a_step_is_under_way(virtual: VirtualSite) -> None:
    met: list[str] = []

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> None:
            await virtual.sleep(5)

        task = asyncio.create_task(ctx.effect("pay", step))
        await virtual.sleep(1)
        try:
            await ctx.gate("login", kind=GateKind.AUTH, ref=LOGIN)
        except CallRefused as refused:
            met.append(refused.code)
        await task

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        assert met == ["effects_open"]

    virtual.run(scenario)


@pytest.mark.parametrize("kind", [GateKind.APPROVAL, GateKind.DEPENDENT_RUN])
def test_what_has_a_door_of_its_own_is_no_plain_gate(virtual: VirtualSite, kind: GateKind) -> None:
    async def handler(ctx: RunContext) -> None:
        with pytest.raises(InvalidValue):
            await ctx.gate("login", kind=kind, ref=LOGIN)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED

    virtual.run(scenario)


# ---- approvals ----------------------------------------------------------------------------------


async def approved(ctx: RunContext, *, cents: int = 5, seconds: int = 3_600) -> str:
    try:
        await ctx.require_approval(
            "ask",
            action=Dispatch.of("pay", {"usd_nano": cents}),
            effects=frozenset({Effect.FINANCIAL}),
            input={"cents": cents},
            reason="because",
            display="pay",
            lifetime_seconds=seconds,
        )
    except GateClosed as closed:
        return closed.disposition.value
    return "granted"


async def the_pending(host: Host) -> str:
    """The id of the only approval that waits."""
    page = await host.approvals.list_pending(OWNER)
    (view,) = page.approvals
    return view.id


@pytest.mark.parametrize("verdict", ["granted", "denied", "withdrawn"])
def test_an_approval_is_asked_for_once_and_its_ruling_met_in_every_replay(
    site: Site, verdict: str
) -> None:
    """Laws 8 of replay and 47: what people say is what the handler meets."""
    met: list[str] = []

    async def handler(ctx: RunContext) -> None:
        met.append(await approved(ctx))
        if len(met) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
                assert isinstance(view.state, Blocked)
                id = await the_pending(host)
                assert (view.state.gate.kind, view.state.gate.ref) == (GateKind.APPROVAL, id)
                if verdict == "granted":
                    await host.approvals.approve(run.scope, id, by=ADA, decision_id=RequestId("d"))
                elif verdict == "denied":
                    await host.approvals.deny(run.scope, id, by=ADA, decision_id=RequestId("d"))
                else:
                    await host.approvals.discard(run.scope, id, by=ADA, request_id=RequestId("d"))
                view = await host.until(run, lambda view: view.status.final)
                assert view.status is RunStatus.COMPLETED
            page = await host.approvals.list_pending(OWNER)
            assert page.approvals == ()
        assert met == [verdict] * 2

    site.run(scenario)


def test_an_approval_that_nobody_decides_elapses(virtual: VirtualSite) -> None:
    met: list[str] = []

    async def handler(ctx: RunContext) -> None:
        met.append(await approved(ctx, seconds=30))

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                await virtual.sleep(30)
                view = await host.until(run, lambda view: view.status.final)
                assert view.status is RunStatus.COMPLETED
        assert met == ["elapsed"]

    virtual.run(scenario)


def test_a_replay_that_asks_for_something_else_fails_its_run(virtual: VirtualSite) -> None:
    """Law 57."""

    async def handler(ctx: RunContext) -> None:
        await approved(ctx, cents=5 if ctx.epoch == 1 else 6)
        raise AssertionError("it went on")

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                id = await the_pending(host)
                await host.approvals.approve(run.scope, id, by=ADA, decision_id=RequestId("d"))
                view = await host.until(run, lambda view: view.status.final)
            assert view.state == Failed(category=Category("replay_diverged"), effect=None)

    virtual.run(scenario)


def test_what_cannot_be_put_before_people_is_told_to_the_handler(virtual: VirtualSite) -> None:
    met: list[str] = []

    async def handler(ctx: RunContext) -> None:
        try:
            await ctx.require_approval(
                "ask",
                action=Dispatch.of("pay", {}),
                effects=frozenset({Effect.FINANCIAL}),
                input={"cents": float("nan")},
                reason="because",
                display="pay",
            )
        except CallRefused as refused:
            met.append(refused.code)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        assert met == ["invalid_input"]

    virtual.run(scenario)


# ---- children -----------------------------------------------------------------------------------


def test_children_are_spawned_once_and_joined(site: Site) -> None:
    """Laws 12 and 50, as a handler sees them."""
    spawned: list[tuple[RunAddress, ...]] = []
    joined: list[tuple[str, ...]] = []

    async def handler(ctx: RunContext) -> Ref | None:
        if ctx.run.lineage.parent is not None:
            return Ref(f"child:{ctx.run.scope.thread}")
        children = [
            await ctx.spawn("help", scope=thread(f"c{number}"), payload=b"help")
            for number in range(3)
        ]
        spawned.append(tuple(children))
        views = await ctx.join("join", children)
        joined.append(tuple(view.status.value for view in views))
        return None

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
            assert view.status is RunStatus.COMPLETED
            assert set(spawned) == {spawned[0]}
            assert len(set(spawned[0])) == 3
            assert joined == [("completed",) * 3]
            for child in spawned[0]:
                ended = await host.turns.get(child)
                assert ended is not None
                assert ended.lineage.parent == run.address

    site.run(scenario)


def test_a_replay_that_spawns_something_else_fails_its_run(virtual: VirtualSite) -> None:
    """Law 57."""

    async def handler(ctx: RunContext) -> None:
        if ctx.run.lineage.parent is not None:
            return
        await ctx.spawn("help", scope=thread("child"), payload=f"{ctx.epoch}".encode())
        if ctx.epoch == 1:
            raise TryAgain
        raise AssertionError("it went on")

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
            assert view.state == Failed(category=Category("replay_diverged"), effect=None)

    virtual.run(scenario)


def test_children_that_have_ended_are_not_waited_for(virtual: VirtualSite) -> None:
    epochs: list[int] = []

    async def handler(ctx: RunContext) -> None:
        if ctx.run.lineage.parent is not None:
            return
        epochs.append(ctx.epoch)
        child = await ctx.spawn("help", scope=thread("child"))
        await virtual.sleep(10)
        (view,) = await ctx.join("join", [child])
        assert view.status is RunStatus.COMPLETED

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
            assert (view.status, epochs) == (RunStatus.COMPLETED, [1])

    virtual.run(scenario)


def test_more_children_than_one_gate_awaits_are_joined(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        if ctx.run.lineage.parent is not None:
            return
        children = [await ctx.spawn("help", scope=thread(f"c{number}")) for number in range(20)]
        assert len(await ctx.join("join", children)) == 20

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
            assert view.status is RunStatus.COMPLETED

    virtual.run(scenario)


def test_a_child_of_a_busy_thread_is_refused_and_may_succeed_later(virtual: VirtualSite) -> None:
    met: list[str] = []

    async def handler(ctx: RunContext) -> None:
        if ctx.run.scope.thread == "busy":
            await virtual.sleep(20)
            return
        if ctx.run.lineage.parent is not None:
            return
        children: list[RunAddress] = []
        while not children:
            try:
                children.append(await ctx.spawn("help", scope=thread("busy")))
            except CallRefused as refused:
                met.append(refused.code)
                await virtual.sleep(15)
                raise TryAgain from refused
        await ctx.join("join", children)

    async def scenario() -> None:
        async with virtual.host() as host:
            await host.submit(thread("busy"))
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
            assert view.status is RunStatus.COMPLETED
        assert set(met) == {"thread_busy"}

    virtual.run(scenario)
