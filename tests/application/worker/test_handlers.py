"""How a handler and its run get along: from the claim to the end."""

from __future__ import annotations

import asyncio
import logging

import pytest
from attrs import evolve

from tests.application.worker.sites import OPERATOR, SUBMITTER, Site, VirtualSite, thread
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, GiveUp, RunLeft, TryAgain
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import Cancelled, Completed, Failed, NeedsOperator, RunStatus

UNJOURNALED = evolve(TurnPolicy.interactive(), journaled=False)


def test_a_handler_that_returns_completes_its_run(site: Site) -> None:
    async def handler(ctx: RunContext) -> Ref:
        return Ref(f"result:{ctx.turn.message_ref}:{ctx.epoch}")

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Completed(result_ref=Ref("result:None:1"))
            assert await host.kinds() == ["submitted", "claimed", "completed"]

    site.run(scenario)


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (GiveUp(Category("no_money")), "no_money"),
        (ZeroDivisionError("12"), "handler_error"),
        (RunLeft(), "handler_error"),
        (asyncio.CancelledError(), "handler_error"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_handler_that_raises_fails_its_run(
    virtual: VirtualSite, error: BaseException, category: str
) -> None:
    async def handler(ctx: RunContext) -> None:
        raise error

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Failed(category=Category(category), effect=None)

    virtual.run(scenario)


def test_a_handler_that_returns_what_is_no_reference_fails_its_run(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> Ref:
        return 7  # type: ignore[return-value]  # that is the mistake

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Failed(category=Category("handler_error"), effect=None)

    virtual.run(scenario)


def test_a_run_that_is_to_be_tried_again_is_claimed_again_after_a_pause(site: Site) -> None:
    epochs: list[int] = []

    async def handler(ctx: RunContext) -> None:
        epochs.append(ctx.epoch)
        if len(epochs) < 3:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.status is RunStatus.COMPLETED
            assert epochs == sorted(set(epochs))
            assert view.counters.lost == 2

    site.run(scenario)


def test_a_run_that_is_tried_again_too_often_fails(virtual: VirtualSite) -> None:
    """Law 61: The sixth loss fails the run."""
    calls: list[int] = []

    async def handler(ctx: RunContext) -> None:
        calls.append(ctx.epoch)
        raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Failed(category=Category("attempts_exhausted"), effect=None)
            assert len(calls) == 6

    virtual.run(scenario)


def test_a_cancelled_queued_run_reaches_no_handler(site: Site) -> None:
    """Law 41."""
    reached: list[str] = []

    async def handler(ctx: RunContext) -> None:
        reached.append(ctx.run.id)

    async def scenario() -> None:
        async with site.host() as host:
            off, on = await host.submit(thread("off")), await host.submit(thread("on"))
            await host.turns.request_cancel(
                off.address, reason=Ref("changed_mind"), actor=SUBMITTER, request_id=RequestId("c")
            )
            async with host.worker(handler):
                assert (await host.settled(on)).status is RunStatus.COMPLETED
            assert (await host.settled(off)).status is RunStatus.CANCELLED
            assert reached == [on.id]

    site.run(scenario)


def test_a_run_that_nobody_journals_goes_to_an_operator_once_its_worker_is_lost(
    virtual: VirtualSite,
) -> None:
    async def handler(ctx: RunContext) -> None:
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit(policy=UNJOURNALED)
            async with host.worker(handler):
                view = await host.settled(run)
                assert isinstance(view.state, NeedsOperator)
                again = await host.turns.retry(
                    run.address, settlements={}, actor=OPERATOR, request_id=RequestId("again")
                )
                assert not isinstance(again, Refused)
                assert (await host.settled(run)).status is RunStatus.COMPLETED

    virtual.run(scenario)


def test_a_run_that_nobody_journals_is_noted_as_started_before_its_handler_is_called(
    virtual: VirtualSite,
) -> None:
    started: list[bool] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def handler(ctx: RunContext) -> None:
                swept = await host.turns.get(ctx.run.address)
                assert swept is not None
                started.append(swept.version > ctx.run.version)

            run = await host.submit(policy=UNJOURNALED)
            async with host.worker(handler):
                await host.settled(run)
            assert started == [True]

    virtual.run(scenario)


def test_a_handler_that_swallows_the_end_of_its_claim_changes_nothing(
    virtual: VirtualSite, caplog: pytest.LogCaptureFixture
) -> None:
    refused: list[str] = []

    async def handler(ctx: RunContext) -> Ref | None:
        try:
            await ctx.gate("login", kind=GateKind.AUTH, ref=Ref("login:1"))
        except BaseException:  # noqa: BLE001 - that is the mistake
            for _ in range(2):
                try:
                    await ctx.effect("pay", never)
                except RunLeft:
                    refused.append("effect")
        return Ref("swallowed")

    async def never(key: str) -> None:
        raise AssertionError("it is called")

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
                await virtual.sleep(1)
                assert view.status is RunStatus.BLOCKED
                assert (await host.settled(run)) == view
            assert refused == ["effect", "effect"]

    with caplog.at_level(logging.ERROR, "turnkeep.worker"):
        virtual.run(scenario)
    assert "swallowed" in caplog.text


def test_a_context_that_was_left_refuses_everything(virtual: VirtualSite) -> None:
    kept: list[RunContext] = []

    async def handler(ctx: RunContext) -> None:
        kept.append(ctx)

    async def nothing(key: str) -> None:
        raise AssertionError("it is called")

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                (ctx,) = kept
                for use in (
                    ctx.effect("pay", nothing),
                    ctx.gate("login", kind=GateKind.AUTH, ref=Ref("login:1")),
                    ctx.last_checkpoint(),
                    ctx.route(ROUTE),
                    ctx.spawn("help", scope=thread("child")),
                ):
                    with pytest.raises(RunLeft):
                        await use
                assert ctx.remaining_seconds() == 0.0

    virtual.run(scenario)


ROUTE = Route(provider=Ref("p"), model=Ref("m"), config_ref=None, auth_ref=None)


def test_a_route_is_chosen_once_and_a_replay_chooses_the_same(site: Site) -> None:
    other = evolve(ROUTE, model=Ref("n"))
    met: list[str] = []

    async def handler(ctx: RunContext) -> None:
        await ctx.route(ROUTE)
        try:
            await ctx.route(other)
        except CallRefused as refused:
            met.append(refused.code)
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert (view.status, view.route) == (RunStatus.COMPLETED, ROUTE)
            assert met == ["route_fixed", "route_fixed"]

    site.run(scenario)


def test_no_more_handlers_run_at_once_than_there_are_places(virtual: VirtualSite) -> None:
    now, most = 0, 0

    async def handler(ctx: RunContext) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await virtual.sleep(5)
        now -= 1

    async def scenario() -> None:
        async with virtual.host() as host:
            runs = [await host.submit(thread(f"t{number}")) for number in range(10)]
            async with host.worker(handler, concurrency=3):
                for run in runs:
                    assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert most == 3

    virtual.run(scenario)


def test_a_step_that_was_left_alone_sends_the_run_to_an_operator(virtual: VirtualSite) -> None:
    left: list[asyncio.Task[None]] = []

    async def handler(ctx: RunContext) -> None:
        async def slow(key: str) -> None:
            await virtual.sleep(30)

        left.append(asyncio.create_task(ctx.effect("pay", slow)))
        await virtual.sleep(1)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
                assert isinstance(view.state, NeedsOperator)
                assert view.state.category == "effects_open"
                assert view.open == (EffectId("pay", 0),)
                await asyncio.wait(left)
                assert isinstance(left[0].exception(), RunLeft), "it reports nothing any more"
                assert await host.settled(run) == view

    virtual.run(scenario)


def test_what_a_handler_left_behind_writes_nothing_while_its_run_is_being_completed(
    virtual: VirtualSite,
) -> None:
    left: list[asyncio.Task[None]] = []

    async def never(key: str) -> None:
        raise AssertionError("it is called")

    async def handler(ctx: RunContext) -> None:
        async def late() -> None:
            await virtual.sleep(1)
            await ctx.effect("pay", never, mode="keyed")

        left.append(asyncio.create_task(late()))

    async def scenario() -> None:
        async with virtual.host() as host, virtual.suffering("commit#2: delay 3000") as (slow, _):
            run = await host.submit()
            async with slow.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            await asyncio.wait(left)
            assert isinstance(left[0].exception(), RunLeft)
            assert await host.journal(run) == {}

    virtual.run(scenario)


def test_a_worker_is_named_by_its_holder(virtual: VirtualSite) -> None:
    holders: list[str | None] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def handler(ctx: RunContext) -> None:
                view = await host.turns.get(ctx.run.address)
                holders.append(None if view is None else view.holder)

            run = await host.submit()
            async with host.worker(handler, holder="w1"):
                await host.settled(run)
            assert holders == ["w1"]

    virtual.run(scenario)


def test_a_worker_serves_once(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        raise AssertionError("there is nothing to do")

    async def scenario() -> None:
        async with virtual.host() as host:
            worker = host.worker(handler)
            async with worker:
                pass
            with pytest.raises(RuntimeError):
                await worker.run()

    virtual.run(scenario)


def test_cancelled_is_a_final_state_that_tells_why(virtual: VirtualSite) -> None:
    async def scenario() -> None:
        async with virtual.host() as host:

            async def handler(ctx: RunContext) -> Ref:
                await host.turns.request_cancel(
                    ctx.run.address,
                    reason=Ref("enough"),
                    actor=SUBMITTER,
                    request_id=RequestId("c"),
                )
                return Ref("done anyway")

            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Cancelled(
                reason=Ref("enough"), by=SUBMITTER, result_ref=Ref("done anyway"), uncertain=0
            )

    virtual.run(scenario)
