"""An observer is told of use cases and updates, and can harm neither."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Self

import pytest
from attrs import fields, frozen
from dependency_injector import providers

import turnkeep
from tests.application.loop.bench import Bench
from tests.application.loop.ledger import LEDGERS, SCOPE, Added, opened
from tests.telemetry.recorder import RecordedSpan, Recorder
from turnkeep import (
    AccountRef,
    Approvals,
    CallRefused,
    Ceiling,
    Container,
    Dimension,
    GiveUp,
    Lifetime,
    Limits,
    Observer,
    Outcome,
    Principal,
    RequestId,
    RunContext,
    Scope,
    Tallies,
    Unavailable,
    Worker,
    open_keep,
)
from turnkeep_application.observing import UseCase, code_of
from turnkeep_application.records import Records
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import key
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_ports.telemetry import Counter

ANN: Final = Principal.person("ann")
THREAD: Final = Scope.of("acme", "ann", agent="clerk", thread="t")
WORK: Final = Scope.of("acme", "ann")
SWITCHES: Final = Dimension.OUTPUT_TOKENS
FIRST: Final = key(LEDGERS, SCOPE, "l1")


def bench_of(recorder: object, **settings: Any) -> Bench:
    bench = Bench(**settings)
    bench.tallies = recorder  # type: ignore[assignment]  # only its port counts here
    return bench


# ---- updates ------------------------------------------------------------------------------------


def test_an_update_is_told_once_with_its_attempts_and_what_was_stored() -> None:
    recorder = Recorder()
    bench = bench_of(recorder)

    async def scenario() -> None:
        await bench.add("r1")
        bench.follow("commit#1: stale")
        await bench.add("r2")
        await bench.add("r2")  # a repeat

    bench.run(scenario)
    assert recorder.updates == [
        ("ledger", Outcome.CHANGED, 1, ("ledger.added",)),
        ("ledger", Outcome.CHANGED, 2, ("ledger.added",)),
        ("ledger", Outcome.UNCHANGED, 1, ()),
    ]


@pytest.mark.parametrize("script", ["commit#1: lose-after", "commit#1: land-late 1"])
def test_what_landed_in_doubt_is_told_once_as_stored(script: str) -> None:
    recorder = Recorder()
    bench = bench_of(recorder)

    async def scenario() -> None:
        await bench.rival("r0")
        recorder.updates.clear()
        bench.follow(script)
        await bench.add("r1")
        assert await bench.total() == 2

    bench.run(scenario)
    assert [(how, kinds) for _, how, _, kinds in recorder.updates] == [
        (Outcome.CHANGED, ("ledger.added",))
    ]


def test_nothing_is_told_as_stored_that_only_ended_a_doubt() -> None:
    recorder = Recorder()
    bench = bench_of(recorder)
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) > 1:
            return Unchanged("as it was")
        return Changed(records.put(FIRST, opened()), "written", ())

    async def scenario() -> None:
        await bench.rival("r0", 10)
        recorder.updates.clear()
        bench.follow("commit#1: lose-before")
        assert await bench.loop().update([FIRST], decide) == "as it was"

    bench.run(scenario)
    assert recorder.of("ledger", Counter.FENCES) == 1
    assert recorder.updates == [("ledger", Outcome.UNCHANGED, 2, ())]


def test_nothing_is_told_as_stored_where_nothing_changes() -> None:
    recorder = Recorder()
    bench = bench_of(recorder)

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        told = Added(address=FIRST.address, at=now, total=1)
        same = records[FIRST]
        assert same is not None
        return Changed(records.put(FIRST, same), "as it was", (told,))

    async def scenario() -> None:
        await bench.rival("r0")
        assert await bench.loop().update([FIRST], decide) == "as it was"

    bench.run(scenario)
    assert recorder.updates[1:] == [("ledger", Outcome.UNCHANGED, 1, ())]


def test_a_refusal_that_stores_an_end_tells_of_that_end() -> None:
    recorder = Recorder()
    bench = bench_of(recorder)

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        ended = Added(address=FIRST.address, at=now, total=0)
        return Settled(records.put(FIRST, opened()), "over", (ended,), tidy=True)

    async def scenario() -> None:
        assert await bench.loop().update([FIRST], decide) == Refused("over")

    bench.run(scenario)
    assert recorder.updates == [("ledger", Outcome.REFUSED, 1, ("ledger.added",))]


def test_updates_that_share_a_commit_are_told_each_by_itself() -> None:
    recorder = Recorder()
    bench = bench_of(recorder)

    async def scenario() -> None:
        await bench.rival("r0")
        tasks = await bench.crowd([bench.add("r1"), bench.add("r2"), bench.add("r1")])
        assert sorted(await asyncio.gather(*tasks)) == [2, 2, 3]

    bench.run(scenario)
    assert recorder.of("ledger", Counter.FOLDED) == 3
    told = [(how, kinds) for _, how, _, kinds in recorder.updates[1:]]
    assert sorted(told, key=repr) == sorted(
        [
            (Outcome.UNCHANGED, ()),  # whoever went ahead
            (Outcome.CHANGED, ("ledger.added",)),
            (Outcome.CHANGED, ("ledger.added",)),
            (Outcome.UNCHANGED, ()),
        ],
        key=repr,
    )


def test_an_update_that_fails_or_is_cancelled_is_told_as_such() -> None:
    recorder = Recorder()
    bench = bench_of(recorder)

    def refuse(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Refused("no")

    async def scenario() -> None:
        assert await bench.loop().update([FIRST], refuse) == Refused("no")
        bench.follow("load#*: fail-before")
        with pytest.raises(Unavailable):
            await bench.add("r1")
        bench.follow("load#1: hold never")
        task = asyncio.create_task(bench.add("r2"))
        await bench.faulty.reached("never")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    bench.run(scenario)
    told = [(how, attempts) for _, how, attempts, _ in recorder.updates]
    assert told == [(Outcome.REFUSED, 1), (Outcome.FAILED, 32), (Outcome.CANCELLED, 1)]


# ---- use cases ----------------------------------------------------------------------------------


async def limit(keep: turnkeep.Keep, tokens: int, id: str) -> None:
    await keep.budgets.set_limit(
        AccountRef.user("acme", "ann"),
        Limits.of(Lifetime(), {SWITCHES: Ceiling.of(tokens)}),
        by=ANN,
        request_id=RequestId(id),
    )


async def test_a_use_case_is_told_with_what_it_came_to() -> None:
    recorder = Recorder()
    async with open_keep("memory:", telemetry=recorder) as keep:
        assert recorder.store == "memory"
        await limit(keep, 10, "l1")
        assert recorder.last("budgets.set_limit") == (Outcome.CHANGED, None)
        await limit(keep, 10, "l1")
        assert recorder.last("budgets.set_limit") == (Outcome.UNCHANGED, None)
        await keep.budgets.account(AccountRef.user("acme", "ann"))
        assert recorder.last("budgets.account") == (Outcome.ANSWERED, None)
        await keep.budgets.reserve(WORK, id=RequestId("r"), estimate={SWITCHES: 11}, owner="w")
        assert recorder.last("budgets.reserve") == (Outcome.REFUSED, "budget.limit_exceeded")
        await keep.budgets.reconcile(WORK, RequestId("x"), request_id=RequestId("y"), usage={})
        assert recorder.last("budgets.reconcile") == (Outcome.REFUSED, "budget.reservation_unknown")
        with pytest.raises(turnkeep.InvalidValue):
            await keep.leases.get(WORK, "")
        assert recorder.last("leases.get") == (Outcome.FAILED, "invalid_value")
        waiting = asyncio.create_task(keep.turns.wait(await submitted(keep)))
        await asyncio.wait_for(recorder.waited.wait(), 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert recorder.last("turns.wait") == (Outcome.CANCELLED, None)


async def test_every_coroutine_of_every_service_is_told_and_nothing_else_is_changed() -> None:
    plain, recorder = Container(), Recorder()
    container = Container()
    container.telemetry.override(providers.Object(recorder))
    observed, unobserved = container.keep(), plain.keep()
    assert isinstance(recorder, Observer)
    assert observed.observer is recorder
    for part in fields(turnkeep.Keep):
        if part.name == "observer":
            continue
        service, bare = getattr(observed, part.name), getattr(unobserved, part.name)
        assert type(service).__doc__ == type(bare).__doc__
        assert isinstance(service, type(bare))
        assert repr(type(service)) == repr(type(bare))
        for method in [name for name in dir(bare) if not name.startswith("_")]:
            mine, theirs = getattr(type(service), method), getattr(type(bare), method)
            assert (mine is not theirs) == inspect.iscoroutinefunction(theirs), method
    assert observed.turns.submit.__doc__ == unobserved.turns.submit.__doc__


async def test_a_block_tells_of_the_use_cases_that_it_is_made_of() -> None:
    recorder = Recorder()
    async with open_keep("memory:", telemetry=recorder) as keep:
        await limit(keep, 10, "l1")
        async with keep.budgets.hold(
            WORK, id=RequestId("h"), estimate={SWITCHES: 5}, owner="w"
        ) as held:
            held.use({SWITCHES: 2})
        async with keep.leases.hold(WORK, "lease", holder="me"):
            pass
    assert recorder.begun == [
        "budgets.set_limit",
        "budgets.reserve",
        "budgets.reconcile",
        "leases.acquire",
        "leases.release",
    ]


async def test_a_keep_whose_sink_only_counts_is_made_of_the_plain_services() -> None:
    async with open_keep("memory:", telemetry=Tallies()) as keep:
        assert type(keep.approvals) is Approvals
        assert keep.observer is None


async def submitted(keep: turnkeep.Keep, id: str = "m1") -> RunAddress:
    run = await keep.turns.submit(THREAD, actor=ANN, request_id=RequestId(id))
    assert isinstance(run, turnkeep.RunView)
    return run.address


async def handle(recorder: Observer, handler: turnkeep.Handler) -> turnkeep.RunView:
    async with open_keep("memory:", telemetry=recorder) as keep, Worker(keep, handler):
        run = await submitted(keep)
        ended = await keep.turns.wait(run)
        assert isinstance(ended, turnkeep.RunView)
        return ended


async def test_a_handler_is_told_of_with_what_it_came_to() -> None:
    async def works(ctx: RunContext) -> None:
        await ctx.effect("step", nothing, {})

    async def reads(ctx: RunContext) -> None:
        await ctx.last_checkpoint()

    async def gives_up(ctx: RunContext) -> None:
        raise GiveUp("words of the host")

    async def breaks(ctx: RunContext) -> None:
        raise LookupError("words of the host")

    async def waits(ctx: RunContext) -> None:
        await ctx.gate("door", kind=turnkeep.GateKind.RESOURCE, ref=turnkeep.Ref("x"))

    async def nothing(key: turnkeep.IdempotencyKey) -> None:
        return None

    for handler, how in (
        (works, (Outcome.CHANGED, None)),
        (reads, (Outcome.ANSWERED, None)),
        (gives_up, (Outcome.FAILED, "given_up")),
        (breaks, (Outcome.FAILED, None)),
        (waits, (Outcome.LEFT, None)),
    ):
        recorder = Recorder()
        await handle(recorder, handler)
        assert recorder.last("handler") == how, handler


async def test_a_handler_that_is_refused_is_told_of_by_the_code_of_the_refusal() -> None:
    async def handler(ctx: RunContext) -> None:
        raise CallRefused(turnkeep.NotFound("words of the host"), "words of the host")

    recorder = Recorder()
    await handle(recorder, handler)
    assert recorder.last("handler") == (Outcome.FAILED, "not_found")


def test_a_use_case_has_changed_something_if_one_of_its_updates_has() -> None:
    outer = UseCase(within=None)
    inner = UseCase(within=outer)
    assert outer.outcome is Outcome.ANSWERED
    inner.note(changed=False)
    assert (inner.outcome, outer.outcome) == (Outcome.UNCHANGED, Outcome.UNCHANGED)
    outer.note(changed=True)
    inner.note(changed=False)
    assert (inner.outcome, outer.outcome) == (Outcome.UNCHANGED, Outcome.CHANGED)


def test_a_code_is_that_of_a_class_and_never_a_value() -> None:
    @frozen
    class Coded:
        code: str

    assert code_of(Coded("words of the host")) is None
    assert code_of(turnkeep.NotFound("words of the host")) == "not_found"
    assert code_of("words of the host") is None


# ---- a sink that fails --------------------------------------------------------------------------


class Broken:
    """A sink whose every method raises."""

    def of_store(self, kind: str) -> Self:
        return self

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        raise OSError("no space left")

    def begin(self, use_case: str) -> RecordedSpan:
        raise OSError("no space left")

    def begin_handler(self, run: RunAddress) -> RecordedSpan:
        raise OSError("no space left")

    def updated(
        self, collection: str, outcome: Outcome, *, attempts: int, events: Sequence[Event]
    ) -> None:
        raise OSError("no space left")


@frozen
class FragileSpan:
    def end(self, outcome: Outcome, code: str | None) -> None:
        raise OSError("no space left")


class BrokenAtTheEnd:
    """A sink whose spans raise when they end."""

    def of_store(self, kind: str) -> Self:
        return self

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        """Bears it."""

    def begin(self, use_case: str) -> FragileSpan:
        return FragileSpan()

    def begin_handler(self, run: RunAddress) -> FragileSpan:
        return FragileSpan()

    def updated(
        self, collection: str, outcome: Outcome, *, attempts: int, events: Sequence[Event]
    ) -> None:
        """Bears it."""


@pytest.mark.parametrize("sink", [Broken(), BrokenAtTheEnd()])
async def test_a_broken_observer_costs_no_answer(
    sink: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(ctx: RunContext) -> None:
        await ctx.effect("step", step, {})

    async def step(key: turnkeep.IdempotencyKey) -> int:
        return 1

    ended = await handle(sink, handler)
    assert ended.status is turnkeep.RunStatus.COMPLETED
    assert "telemetry sink failed to" in caplog.text


def test_a_broken_observer_costs_no_decision(caplog: pytest.LogCaptureFixture) -> None:
    bench = bench_of(Broken())

    async def scenario() -> None:
        assert await bench.add("r1") == 1

    bench.run(scenario)
    assert "telemetry sink failed to note an update" in caplog.text
