"""A worker that has lost a run lets go of it before another begins, and writes nothing more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.application.worker.mortal import MortalStore
from tests.application.worker.outside import Deed, Remembered
from tests.application.worker.sites import SUBMITTER, Host, Site, VirtualSite
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, RunLeft, TryAgain
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.turns.claims import Token
from turnkeep_domain.turns.declined import declined
from turnkeep_domain.turns.effect import Done, Mode, Uncertain
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.refusals import ClaimEnded
from turnkeep_domain.turns.run_states import NeedsOperator, RunStatus

CUT_OFF = "load#*: fail-before\ncommit#*: fail-before\nscan#*: fail-before\nchanged#*: fail-before"


async def cancelled(host: Host, run: RunView) -> None:
    answer = await host.turns.request_cancel(
        run.address, reason=Ref("enough"), actor=SUBMITTER, request_id=RequestId(f"cancel {run.id}")
    )
    assert not isinstance(answer, Refused)


def test_a_long_run_is_kept_alive_by_heartbeats(site: Site) -> None:
    seconds = 5 * site.pace.turns.lease_seconds

    async def handler(ctx: RunContext) -> None:
        await site.sleep(seconds)

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert (view.status, view.epoch) == (RunStatus.COMPLETED, 1)

    site.run(scenario)


def test_a_lost_run_is_cancelled_before_another_worker_begins_it(virtual: VirtualSite) -> None:
    """Law 66: a worker that hears nothing of the store any more goes first."""
    told: list[tuple[str, float]] = []

    async def slow(ctx: RunContext) -> None:
        told.append(("begun", virtual.clock.monotonic()))
        try:
            await virtual.sleep(10_000)
        finally:
            told.append(("cut off", virtual.clock.monotonic()))

    async def quick(ctx: RunContext) -> None:
        told.append(("begun", virtual.clock.monotonic()))

    async def scenario() -> None:
        async with virtual.host() as host, virtual.suffering("") as (sick, faulty):
            run = await host.submit()
            async with sick.worker(slow):
                await virtual.sleep(10)
                faulty.follow(faulty.script.parse(CUT_OFF))
                async with host.worker(quick):
                    assert (await host.settled(run)).status is RunStatus.COMPLETED
        (_, first), (_, ended), (_, second) = told
        assert [what for what, _ in told] == ["begun", "cut off", "begun"]
        assert ended - first == pytest.approx(75.0, abs=0.1)
        assert second >= first + 90.0

    virtual.run(scenario)


def test_heartbeats_that_are_lost_for_a_while_lose_no_run(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        await virtual.sleep(200)

    async def scenario() -> None:
        async with virtual.host() as host, virtual.suffering("") as (sick, faulty):
            run = await host.submit()
            async with sick.worker(handler):
                await virtual.sleep(20)
                faulty.follow(faulty.script.parse(CUT_OFF))
                # A beat that is not answered is followed by the next one sooner than usual.
                await virtual.sleep(46)
                faulty.follow(faulty.script.parse(""))
                view = await host.settled(run)
            assert (view.status, view.epoch) == (RunStatus.COMPLETED, 1)

    virtual.run(scenario)


def test_an_effect_that_finishes_after_the_claim_was_lost_writes_nothing(
    virtual: VirtualSite,
) -> None:
    """The context is fenced in itself: also where a handler ignores that it was cancelled."""
    told: list[str] = []

    async def stubborn(key: str) -> str:
        try:
            await virtual.sleep(10_000)
        except asyncio.CancelledError:
            told.append("ignored")
        return "paid"

    async def handler(ctx: RunContext) -> None:
        if ctx.epoch > 1:
            return
        try:
            await ctx.effect("pay", stubborn, mode="keyed")
        except RunLeft:
            told.append("left")
            raise

    async def scenario() -> None:
        async with virtual.host() as host, virtual.suffering("") as (sick, faulty):
            run = await host.submit()
            async with sick.worker(handler):
                await virtual.sleep(10)
                faulty.follow(faulty.script.parse("commit#*: fail-before"))
                async with host.worker(handler):
                    view = await host.settled(run)
            assert view.status is RunStatus.COMPLETED
            assert told == ["ignored", "left"]
            asked = [call for call in faulty.calls if call.operation is Operation.COMMIT]
            assert not [call for call in asked if "effect" in (call.collections or ())]
            assert ("pay", 0) not in await host.journal(run)

    virtual.run(scenario)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_step_that_was_killed_midway(virtual: VirtualSite, mode: Mode) -> None:
    """Laws 53 and 54: `once` is not called again, all others are, under the same key."""
    outside = Remembered()

    async def scenario() -> None:
        async with virtual.host() as host, virtual.host(MortalStore) as doomed:
            store = doomed.store
            assert isinstance(store, MortalStore)

            async def pay(key: str) -> str:
                outside.do(Deed("pay", "-", key))
                if len(outside.deeds()) == 1:
                    store.die()
                return "paid"

            async def handler(ctx: RunContext) -> Ref:
                return Ref(await ctx.effect("pay", pay, mode=mode))

            run = await host.submit()
            dying = asyncio.create_task(doomed.worker(handler).run())
            await store.died.wait()
            async with host.worker(handler):
                view = await host.settled(run)
            keys = [deed.key for deed in outside.deeds()]
            if mode is Mode.ONCE:
                assert isinstance(view.state, NeedsOperator)
                assert (view.open, len(keys)) == ((EffectId("pay", 0),), 1)
            else:
                assert (view.status, view.counters.lost) == (RunStatus.COMPLETED, 1)
                assert (len(keys), len(set(keys))) == (2, 1)
            dying.cancel()
            await asyncio.wait([dying])

    virtual.run(scenario)


def test_a_fenced_report_is_evidence_only(site: Site) -> None:
    """Law 56: A runner that does not know that it is fenced reports what it did."""

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            found = await host.turns.claim(holder="w1", token=Token(b"t" * 16))
            (granted,) = found.granted
            arguments = Digest(b"a" * 32)
            pay = EffectId("pay", 0)
            await host.turns.intend(granted.claim, pay, arguments=arguments)
            await site.sleep(host.pace.turns.lease_seconds + 0.1)
            await host.turns.recover(limit=10)
            done = Done(output=b"", disposition=None)
            answer = await host.turns.settle(
                granted.claim, pay, mode=Mode.ONCE, arguments=arguments, outcome=done
            )
            assert isinstance(answer, Refused)
            assert isinstance(answer.reason, ClaimEnded)
            state = (await host.journal(run))["pay", 0].state
            assert isinstance(state, Uncertain)
            assert [evidence.outcome for evidence in state.evidence] == [done]
            view = await host.turns.get(run.address)
            assert view is not None
            assert isinstance(view.state, NeedsOperator)

    site.run(scenario)


# ---- being called off ---------------------------------------------------------------------------


def test_a_handler_is_told_that_its_run_is_called_off_and_may_end_well(site: Site) -> None:
    told: list[bool] = []

    async def handler(ctx: RunContext) -> Ref:
        await ctx.cancelling.wait()
        told.append(ctx.cancel_by is not None and ctx.remaining_seconds() > 0)
        return Ref("as far as it went")

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.until(run, lambda view: view.status is RunStatus.RUNNING)
                await cancelled(host, run)
                view = await host.settled(run)
            assert view.status is RunStatus.CANCELLED
            assert "as far as it went" in repr(view.state)
            assert told == [True]

    site.run(scenario)


def test_a_handler_that_goes_on_is_cancelled_before_cancel_by(site: Site) -> None:
    """Law 33: and the run has ended by then, without any sweep."""
    cut_off: list[str] = []

    async def handler(ctx: RunContext) -> None:
        try:
            await site.sleep(10_000)
        finally:
            cut_off.append("cut off")

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler, sweep_seconds=3_600.0):
                await host.until(run, lambda view: view.status is RunStatus.RUNNING)
                await cancelled(host, run)
                asked = await host.turns.get(run.address)
                assert asked is not None
                view = await host.settled(run)
            grace = timedelta(seconds=host.pace.turns.cancel_grace_seconds)
            assert view.status is RunStatus.CANCELLED
            assert view.ended_at is not None
            assert view.ended_at <= asked.updated_at + grace
            assert cut_off == ["cut off"]

    site.run(scenario)


def test_after_a_cancel_request_an_outcome_is_accepted_and_an_intent_refused(site: Site) -> None:
    """Law 59."""
    met: list[str] = []

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()

            async def pay(key: str) -> str:
                await cancelled(host, run)
                return "paid"

            async def never(key: str) -> str:
                raise AssertionError("it is called")

            async def handler(ctx: RunContext) -> None:
                met.append(await ctx.effect("pay", pay))
                try:
                    await ctx.effect("send", never)
                except CallRefused as refused:
                    met.append(refused.code)
                    met.append(str(ctx.cancelling.announced))

            async with host.worker(handler):
                view = await host.settled(run)
            assert view.status is RunStatus.CANCELLED
            assert met == ["paid", "wrong_state", "True"]
            journal = await host.journal(run)
            assert set(journal) == {("pay", 0), ("send", 0)}
            assert isinstance(journal["pay", 0].state, Done)
            assert journal["send", 0].state == declined("wrong_state")

    site.run(scenario)


def test_whatever_a_handler_does_a_run_that_was_called_off_ends_cancelled(
    virtual: VirtualSite,
) -> None:
    """Law 38."""

    async def scenario() -> None:
        for number, error in enumerate([None, TryAgain(), ZeroDivisionError()]):
            async with virtual.host() as host:
                run = await host.submit(request=f"q{number}")

                async def handler(
                    ctx: RunContext,
                    host: Host = host,
                    run: RunView = run,
                    error: Exception | None = error,
                ) -> None:
                    await cancelled(host, run)
                    if error is not None:
                        raise error

                async with host.worker(handler):
                    assert (await host.settled(run)).status is RunStatus.CANCELLED

    virtual.run(scenario)
