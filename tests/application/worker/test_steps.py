"""What a handler does through its context is done once, or again under the same key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.application.worker.outside import Deed, Remembered
from tests.application.worker.sites import OPERATOR, Host, Site, VirtualSite
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, GiveUp, StepNotDone, TryAgain
from turnkeep_application.worker.step_values import step_output
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done, Mode, NotDone, Uncertain
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.refusals import EffectsUnsettled
from turnkeep_domain.turns.run_states import Failed, NeedsOperator, RunStatus

MODES = list(Mode)
PAY = EffectId("pay", 0)


def returning(outside: Remembered, name: str, value: object) -> Callable[[str], Awaitable[object]]:
    async def step(key: str) -> object:
        outside.do(Deed(name, "-", key))
        return value

    return step


async def retried(host: Host, run: RunView, request: str, **settled: Done | NotDone) -> object:
    settlements = {EffectId(name, 0): outcome for name, outcome in settled.items()}
    return await host.turns.retry(
        run.address, settlements=settlements, actor=OPERATOR, request_id=RequestId(request)
    )


@pytest.mark.parametrize("mode", MODES)
def test_done_never_runs_again(site: Site, mode: Mode) -> None:
    """Law 52: across a claim that was given back and one that an operator let go on."""
    outside, met = Remembered(), list[object]()

    async def handler(ctx: RunContext) -> None:
        for value in ({"receipt": [1, 2.5, "x"]}, b"raw"):
            met.append(await ctx.effect("pay", returning(outside, "pay", value), mode=mode))
        if len(met) == 2:
            raise TryAgain
        if len(met) == 4:
            raise GiveUp(Category("later"))

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                failed = await host.settled(run)
                assert failed.status is RunStatus.FAILED
                again = await retried(host, run, "again")
                assert isinstance(again, RunStanding)
                view = await host.settled(await _renamed(host, run, again))
                assert view.status is RunStatus.COMPLETED
        assert met == [{"receipt": [1, 2.5, "x"]}, b"raw"] * 3
        assert len(outside.deeds()) == len({deed.key for deed in outside.deeds()}) == 2

    site.run(scenario)


async def _renamed(host: Host, run: RunView, standing: RunStanding) -> RunView:
    """The run that a retry has submitted."""
    view = await host.turns.get(RunAddress(run.scope, standing.run))
    assert view is not None
    return view


def test_a_step_returns_on_the_spot_what_a_replay_returns(virtual: VirtualSite) -> None:
    met: list[object] = []

    async def handler(ctx: RunContext) -> None:
        met.append(await ctx.effect("look", returning(Remembered(), "look", (1, ("a",)))))
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
        assert met == [[1, ["a"]], [1, ["a"]]]

    virtual.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_surely_did_nothing_fails_alike_in_every_replay(site: Site, mode: Mode) -> None:
    """Law 58: What was caught is raised again."""
    called: list[str] = []
    met: list[tuple[str, EffectId | None]] = []

    async def pay(key: str) -> None:
        called.append(key)
        raise StepNotDone(Category("no_money"))

    async def handler(ctx: RunContext) -> None:
        try:
            await ctx.effect("pay", pay, mode=mode)
        except StepNotDone as error:
            met.append((error.category, error.effect))
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert len(called) == 1
            assert met == [("no_money", PAY)] * 2

    site.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_the_step_whose_failure_ended_the_claim_is_done_again(site: Site, mode: Mode) -> None:
    """Law 58: The fatal one is redone, under the same key."""
    called: list[str] = []

    async def pay(key: str) -> str:
        called.append(key)
        if len(called) == 1:
            raise StepNotDone(Category("busy"))
        return "paid"

    async def handler(ctx: RunContext) -> Ref:
        try:
            return Ref(await ctx.effect("pay", pay, mode=mode))
        except StepNotDone as error:
            raise TryAgain from error

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert len(called) == 2
            assert len(set(called)) == 1

    site.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_retry_does_again_what_failed_the_run(site: Site, mode: Mode) -> None:
    """Law 58: in a run of its own, on the same journal and under the same key."""
    outside, called = Remembered(), list[str]()

    async def pay(key: str) -> str:
        called.append(key)
        if len(called) == 1:
            raise StepNotDone(Category("no_money"))
        return "paid"

    async def handler(ctx: RunContext) -> Ref:
        await ctx.effect("look", returning(outside, "look", 1), mode="keyed")
        return Ref(await ctx.effect("pay", pay, mode=mode))

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                failed = await host.settled(run)
                assert failed.state == Failed(category=Category("no_money"), effect=PAY)
                again = await retried(host, run, "again")
                assert isinstance(again, RunStanding)
                assert again.run != run.id
                view = await host.settled(await _renamed(host, run, again))
                assert view.status is RunStatus.COMPLETED
            assert (len(called), len(set(called))) == (2, 1)
            assert len(outside.deeds()) == 1

    site.run(scenario)


@pytest.mark.parametrize("mode", [Mode.KEYED, Mode.SAFE])
def test_any_error_of_a_step_that_may_be_repeated_means_not_done(
    virtual: VirtualSite, mode: Mode
) -> None:
    async def pay(key: str) -> None:
        raise ZeroDivisionError

    async def handler(ctx: RunContext) -> None:
        with pytest.raises(StepNotDone) as told:
            await ctx.effect("pay", pay, mode=mode)
        assert told.value.category == "handler_error"
        assert isinstance(told.value.__cause__, ZeroDivisionError) == (ctx.epoch == 1)
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED

    virtual.run(scenario)


@pytest.mark.parametrize(
    "value", [ZeroDivisionError(), object(), "x" * (1 << 17)], ids=["raises", "odd", "large"]
)
def test_a_step_that_is_called_once_and_does_not_tell_needs_an_operator(
    site: Site, value: object
) -> None:
    """Law 55: The retry waits until what is uncertain is settled."""
    called: list[str] = []
    met: list[object] = []

    async def pay(key: str) -> object:
        called.append(key)
        if isinstance(value, Exception):
            raise value
        return value

    async def handler(ctx: RunContext) -> None:
        met.append(await ctx.effect("pay", pay))

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
                assert isinstance(view.state, NeedsOperator)
                assert view.open == (PAY,)
                assert isinstance((await host.journal(run))["pay", 0].state, Uncertain)
                assert await retried(host, run, "a") == Refused(EffectsUnsettled(open=(PAY,)))
                done = Done(output=step_output("settled"), disposition=None)
                assert isinstance(await retried(host, run, "b", pay=done), RunStanding)
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert (len(called), met) == (1, ["settled"])

    site.run(scenario)


def test_a_step_that_an_operator_found_undone_is_done_again(site: Site) -> None:
    called: list[str] = []

    async def pay(key: str) -> str:
        called.append(key)
        if len(called) == 1:
            raise ZeroDivisionError
        return "paid"

    async def handler(ctx: RunContext) -> Ref:
        return Ref(await ctx.effect("pay", pay))

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                undone = NotDone(category=Category("not_done"), redo=True)
                assert isinstance(await retried(host, run, "a", pay=undone), RunStanding)
                view = await host.until(run, lambda view: view.status.final)
                assert view.status is RunStatus.COMPLETED
            assert (len(called), len(set(called))) == (2, 1)

    site.run(scenario)


@pytest.mark.parametrize("change", ["args", "mode", "kind"])
def test_a_replay_that_comes_to_other_calls_fails_its_run(site: Site, change: str) -> None:
    """Law 57."""
    outside = Remembered()

    async def handler(ctx: RunContext) -> None:
        step = returning(outside, "pay", 1)
        if ctx.epoch == 1:
            await ctx.effect("pay", step, {"cents": 5})
            raise TryAgain
        if change == "args":
            await ctx.effect("pay", step, {"cents": 6})
        elif change == "mode":
            await ctx.effect("pay", step, {"cents": 5}, mode="keyed")
        else:
            await ctx.gate("pay", kind=GateKind.AUTH, ref=Ref("login:1"))
        raise AssertionError("it went on")

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Failed(category=Category("replay_diverged"), effect=None)
            assert len(outside.deeds()) == 1

    site.run(scenario)


def test_steps_of_distinct_names_may_be_under_way_at_once(site: Site) -> None:
    together = 0
    most = 0

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> str:
            nonlocal together, most
            together += 1
            most = max(most, together)
            await site.sleep(0.1)
            together -= 1
            return key

        names = [f"s{number}" for number in range(4)]
        keys = await asyncio.gather(*(ctx.effect(name, step) for name in names))
        assert len(set(keys)) == 4

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert most == 4

    site.run(scenario)


def test_a_run_has_at_most_sixteen_steps_under_way(virtual: VirtualSite) -> None:
    """Law 75."""
    met: list[object] = []

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> None:
            await virtual.sleep(1)

        calls = (ctx.effect(f"s{number}", step) for number in range(17))
        met.extend(await asyncio.gather(*calls, return_exceptions=True))

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        refused = [error for error in met if isinstance(error, CallRefused)]
        assert [error.code for error in refused] == ["effects_full"]
        assert met.count(None) == 16

    virtual.run(scenario)


@pytest.mark.parametrize(
    "call",
    [
        lambda ctx: ctx.effect("", nothing),
        lambda ctx: ctx.effect("pay", nothing, object()),
        lambda ctx: ctx.effect("pay", nothing, mode="twice"),
    ],
    ids=["name", "args", "mode"],
)
def test_what_no_host_should_hand_over_is_refused_before_anything_is_written(
    virtual: VirtualSite, call: Callable[[RunContext], Awaitable[object]]
) -> None:
    async def handler(ctx: RunContext) -> None:
        with pytest.raises(InvalidValue):
            await call(ctx)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.status is RunStatus.COMPLETED
            assert await host.journal(run) == {}

    virtual.run(scenario)


async def nothing(key: str) -> None:
    raise AssertionError("it is called")


@pytest.mark.parametrize("lost", ["lose-before", "lose-after", "land-late 2", "fail-before"])
@pytest.mark.parametrize("commit", range(1, 7))
def test_a_lost_answer_costs_a_step_nothing(virtual: VirtualSite, lost: str, commit: int) -> None:
    outside, met = Remembered(), list[object]()

    async def handler(ctx: RunContext) -> None:
        met.append(await ctx.effect("pay", returning(outside, "pay", 1)))
        met.append(await ctx.effect("look", returning(outside, "look", 2), mode="keyed"))

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            script = f"commit#{commit}: {lost}"
            async with virtual.suffering(script) as (sick, _), sick.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        assert met == [1, 2]
        assert [deed.name for deed in outside.deeds()] == ["pay", "look"]

    virtual.run(scenario)
