"""OpenTelemetry is told of spans and metrics, each as a scenario brings it about."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import SpanKind, StatusCode

import turnkeep
from tests.application.loop.bench import Bench
from tests.application.loop.ledger import LEDGERS, SCOPE, opened
from tests.architecture.tree import TOP
from tests.postgres.databases import shared
from tests.telemetry.ear import Ear
from turnkeep import (
    AccountRef,
    Ceiling,
    Dimension,
    IdempotencyKey,
    Lifetime,
    Limits,
    MissingExtra,
    Outcome,
    Principal,
    RequestId,
    RunContext,
    Scope,
    Tallies,
    Worker,
    open_keep,
    open_telemetry,
)
from turnkeep_adapters.telemetry.otel import instruments
from turnkeep_adapters.telemetry.otel.recollection import HELD_MAX, Recollection
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Records
from turnkeep_domain.budgets.events import BudgetReconciled, BudgetReleased, BudgetReserved
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.keys import Address, key
from turnkeep_domain.leases.events import LeaseAcquired, LeaseLapsed
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.telemetry import Counter

ANN: Final = Principal.person("ann")
WORK: Final = Scope.of("acme", "ann")
THREAD: Final = Scope.of("acme", "ann", agent="clerk", thread="t")
TOKENS: Final = Dimension.OUTPUT_TOKENS
FIRST: Final = key(LEDGERS, SCOPE, "l1")


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def bench(ear: Ear) -> Bench:
    bench = Bench()
    bench.tallies = ear.observer  # type: ignore[assignment]  # only its port counts here
    return bench


async def limit(keep: turnkeep.Keep, tokens: int = 100) -> None:
    await keep.budgets.set_limit(
        AccountRef.user("acme", "ann"),
        Limits.of(Lifetime(), {TOKENS: Ceiling.of(tokens)}),
        by=ANN,
        request_id=RequestId(f"limit {tokens}"),
    )


# ---- spans --------------------------------------------------------------------------------------


async def test_a_use_case_has_a_span_within_the_hosts_own(ear: Ear) -> None:
    async with open_keep("memory:", telemetry=ear.observer) as keep:
        with ear.tracers.get_tracer("host").start_as_current_span("host") as host:
            await keep.leases.acquire(WORK, "l", holder="me", request_id=RequestId("r"))
            assert trace.get_current_span() is host
    span = ear.span("turnkeep.leases.acquire")
    assert span.parent == host.get_span_context()
    assert span.kind is SpanKind.INTERNAL
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "turnkeep.use_case": "leases.acquire",
        "turnkeep.store": "memory",
        "turnkeep.outcome": "changed",
    }
    (update,) = span.events
    assert update.name == "turnkeep.update"
    assert dict(update.attributes or {}) == {
        "turnkeep.collection": "lease",
        "turnkeep.store": "memory",
        "turnkeep.outcome": "changed",
        "turnkeep.attempts": 1,
    }


async def test_a_span_tells_of_a_refusal_by_its_code_and_is_no_error(ear: Ear) -> None:
    async with open_keep("memory:", telemetry=ear.observer) as keep:
        await limit(keep, 1)
        await keep.budgets.reserve(WORK, id=RequestId("r"), estimate={TOKENS: 2}, owner="w")
    span = ear.span("turnkeep.budgets.reserve")
    assert span.status.status_code is StatusCode.UNSET
    told = dict(span.attributes or {})
    assert told["turnkeep.outcome"] == "refused"
    assert told["turnkeep.refusal"] == "budget.limit_exceeded"
    assert "error.type" not in told


async def test_a_span_tells_of_an_error_by_its_type_and_without_its_words(ear: Ear) -> None:
    async with open_keep("memory:", telemetry=ear.observer) as keep:
        with pytest.raises(turnkeep.InvalidValue):
            await keep.leases.get(WORK, "")
        with pytest.raises(TypeError):
            await keep.turns.sweep(words_of_the_host=1)  # type: ignore[call-arg]  # its mistake
    mine, other = ear.span("turnkeep.leases.get"), ear.span("turnkeep.turns.sweep")
    assert (mine.attributes or {})["error.type"] == "invalid_value"
    assert (other.attributes or {})["error.type"] == "_OTHER"
    for span in (mine, other):
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description is None
        assert not span.events


async def test_a_handler_has_a_trace_of_its_own_that_links_to_who_submitted(ear: Ear) -> None:
    host = ear.tracers.get_tracer("host")

    async def handler(ctx: RunContext) -> None:
        await ctx.effect("step", step, {})

    async def step(key: IdempotencyKey) -> None:
        with host.start_as_current_span("tool"):
            pass

    with host.start_as_current_span("while it starts"):
        await one_turn(ear, handler)
    run, submit = ear.span("turnkeep.handler"), ear.span("turnkeep.turns.submit")
    assert run.parent is None
    assert run.kind is SpanKind.CONSUMER
    (link,) = run.links
    assert link.context == submit.context
    for name in ("tool", "turnkeep.turns.intend", "turnkeep.turns.settle"):
        assert ear.span(name).parent == run.context
    assert (run.attributes or {})["turnkeep.use_case"] == "handler"


async def test_a_handler_inherits_nothing_from_where_its_worker_was_started(ear: Ear) -> None:
    seen: list[object] = []

    async def handler(ctx: RunContext) -> None:
        seen.append(baggage.get_all())

    token = context.attach(baggage.set_baggage("customer", "ann"))
    try:
        await one_turn(ear, handler)
    finally:
        context.detach(token)
    assert seen == [{}]


async def test_tasks_at_the_same_time_keep_their_spans_apart(ear: Ear) -> None:
    host = ear.tracers.get_tracer("host")

    async def one(number: int) -> None:
        with host.start_as_current_span(f"host {number}"):
            await keep.leases.acquire(
                WORK, f"l{number}", holder="me", request_id=RequestId(f"r{number}")
            )

    async with open_keep("memory:", telemetry=ear.observer) as keep:
        await asyncio.gather(*map(one, range(20)))
    parents = [span.parent.span_id for span in ear.spans("turnkeep.leases.acquire") if span.parent]
    hosts = [ear.span(f"host {number}").context.span_id for number in range(20)]
    assert sorted(parents) == sorted(hosts)


async def test_a_coroutine_that_nobody_awaits_any_more_leaves_the_context_alone(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    span = ear.observer.begin("approvals.get")
    host = ear.tracers.get_tracer("host").start_span("host")
    with trace.use_span(host):
        span.end(Outcome.LEFT, None)
        assert trace.get_current_span() is host
    assert "detach" not in caplog.text


async def one_turn(ear: Ear, handler: turnkeep.Handler) -> None:
    async with open_keep("memory:", telemetry=ear.observer) as keep, Worker(keep, handler):
        run = await keep.turns.submit(THREAD, actor=ANN, request_id=RequestId("m1"))
        assert isinstance(run, turnkeep.RunView)
        ended = await keep.turns.wait(run.address)
        assert ended is not None
        assert ended.status is turnkeep.RunStatus.COMPLETED


# ---- what the loop counts -----------------------------------------------------------------------


async def races(bench: Bench) -> None:
    await bench.add("r1")
    bench.follow("commit#1: stale")
    await bench.add("r2")
    bench.follow("commit#1: busy")
    await bench.add("r3")
    bench.follow("load#1: fail-before")
    await bench.add("r4")
    await bench.add("r4")


async def exhaustion(bench: Bench) -> None:
    bench.pacing = Pacing(attempts_max=3)
    bench.follow("load#*: fail-before")
    with pytest.raises(Unavailable):
        await bench.add("r1")


async def lateness(bench: Bench) -> None:
    until = bench.clock.utc_now() + timedelta(seconds=5)

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        if now >= until:
            return Unchanged("too late")
        return Changed(records.put(FIRST, opened()), "in time", (), until)

    bench.follow("commit: hold here")
    update = asyncio.create_task(bench.loop().update([FIRST], decide))
    await bench.faulty.reached("here")
    await bench.clock.sleep(5)
    bench.faulty.release("here")
    assert await update == "too late"


async def doubts(bench: Bench) -> None:
    await bench.rival("r0")
    bench.follow("commit#1: lose-after")
    await bench.add("landed")
    bench.follow("commit#1: lose-before")
    await bench.add("dead")
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) > 1:
            return Refused("no more")
        return Changed(records.put(FIRST, opened()), "written", ())

    bench.follow("commit#1: lose-before")
    await bench.loop().update([FIRST], decide)
    bench.follow("commit#*: lose-before")
    with pytest.raises(OutcomeUnknown):
        await bench.add("open")


async def crowds(bench: Bench) -> None:
    await bench.rival("r0")
    await asyncio.gather(*await bench.crowd([bench.add("r1"), bench.add("r2")]))


async def stalls(bench: Bench) -> None:
    bench.follow("commit#1: stall")
    stalled = asyncio.create_task(bench.add("r1"))
    await bench.clock.settle()
    await bench.add("r2")
    stalled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stalled


async def memories(bench: Bench) -> None:
    for number in range(3):
        await bench.add(f"r{number}")


BROUGHT_ABOUT: Final[dict[Counter, Callable[[Bench], Awaitable[None]]]] = {
    Counter.UPDATES: races,
    Counter.ATTEMPTS: races,
    Counter.CONFLICTS: races,
    Counter.BUSY: races,
    Counter.LATE: lateness,
    Counter.UNAVAILABLE: races,
    Counter.NO_OPS: races,
    Counter.DOUBTS_LANDED: doubts,
    Counter.DOUBTS_DEAD: doubts,
    Counter.DOUBTS_OPEN: doubts,
    Counter.FENCES: doubts,
    Counter.EXHAUSTED: exhaustion,
    Counter.PAUSED_MS: races,
    Counter.ROUNDS: crowds,
    Counter.FOLDED: crowds,
    Counter.IMPATIENT: stalls,
    Counter.RECALLED: memories,
}


@pytest.mark.parametrize("counter", Counter)
def test_what_the_loop_counts_is_told_as_it_is_counted(counter: Counter) -> None:
    ear, counted, told = Ear(), Bench(), Bench()
    tallies = Tallies()
    counted.tallies = tallies
    told.tallies = ear.observer  # type: ignore[assignment]  # only its port counts here
    for bench in (counted, told):
        bench.run(partial(BROUGHT_ABOUT[counter], bench))
    amount = tallies.total(counter)
    assert amount > 0
    name, unit, description = instruments.COUNTED[counter]
    scale = 1_000 if counter is Counter.PAUSED_MS else 1
    assert ear.total(name, collection="ledger") == pytest.approx(amount / scale)
    metric = ear.instruments()[name]
    assert (metric.unit, metric.description) == (unit, description)


def test_the_attempts_of_each_update_are_spread_by_how_it_ended(ear: Ear, bench: Bench) -> None:
    bench.run(lambda: races(bench))
    (changed,) = ear.spread("turnkeep.update.effort", collection="ledger", outcome="changed")
    (unchanged,) = ear.spread("turnkeep.update.effort", collection="ledger", outcome="unchanged")
    assert (changed.count, changed.sum, changed.max) == (4, 7, 2)
    assert changed.explicit_bounds == instruments.ATTEMPTS_UP_TO
    assert (unchanged.count, unchanged.sum) == (1, 1)


def test_what_was_stored_is_counted_by_the_kind_of_the_event(ear: Ear, bench: Bench) -> None:
    bench.run(lambda: races(bench))
    assert ear.total("turnkeep.events", event="ledger.added") == 4


# ---- how long, how old --------------------------------------------------------------------------


async def test_how_long_a_use_case_took_is_spread_by_how_it_ended(ear: Ear) -> None:
    async with open_keep("memory:", telemetry=ear.observer) as keep:
        await limit(keep, 1)
        for number in range(3):
            await keep.budgets.reserve(
                WORK, id=RequestId(f"r{number}"), estimate={TOKENS: 2}, owner="w"
            )
    (point,) = ear.spread("turnkeep.use_case.duration", use_case="budgets.reserve")
    assert point.count == 3
    assert 0 < point.sum < 3
    assert point.explicit_bounds == instruments.SECONDS_UP_TO
    assert (point.attributes or {})["turnkeep.refusal"] == "budget.limit_exceeded"
    assert ear.instruments()["turnkeep.use_case.duration"].unit == "s"


async def test_how_long_a_handler_took_is_told_as_well(ear: Ear) -> None:
    async def handler(ctx: RunContext) -> None:
        await asyncio.sleep(0)

    await one_turn(ear, handler)
    (point,) = ear.spread("turnkeep.use_case.duration", use_case="handler")
    assert point.count == 1


async def test_the_age_of_a_lease_is_told_when_it_is_given_back(ear: Ear) -> None:
    async with (
        open_keep("memory:", telemetry=ear.observer) as keep,
        keep.leases.hold(WORK, "l", holder="me"),
    ):
        pass
    (point,) = ear.spread("turnkeep.lease.age", collection="lease", event="lease.released")
    assert point.count == 1
    assert 0 <= point.sum < 5
    assert point.explicit_bounds == instruments.AGES_UP_TO


def test_the_age_of_a_lease_that_lapsed_is_told_too(ear: Ear) -> None:
    at, where = datetime(2026, 1, 1, tzinfo=UTC), Address("lease", WORK, "l")
    began = LeaseAcquired(
        address=where, at=at, fence=3, holder="me", until=at + timedelta(seconds=90)
    )
    ended = LeaseLapsed(address=where, at=at + timedelta(seconds=100), fence=3, holder="me")
    for event in (began, ended, ended):
        ear.observer.updated("lease", Outcome.CHANGED, attempts=1, events=(event,))
    (point,) = ear.spread("turnkeep.lease.age", event="lease.lapsed")
    assert (point.count, point.sum) == (1, 100)


async def test_the_age_of_a_claim_is_told_when_it_ends(ear: Ear) -> None:
    async def handler(ctx: RunContext) -> None:
        await asyncio.sleep(0)

    await one_turn(ear, handler)
    (point,) = ear.spread("turnkeep.lease.age", collection="run", event="run.completed")
    assert point.count == 1


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    held: Recollection[int, int] = Recollection()
    for number in range(HELD_MAX + 1):
        held.keep(number, number)
    assert held.find(0) is None
    assert held.find(1) == 1
    held.keep(1, -1)
    held.keep(-1, 0)
    assert held.find(2) is None
    assert held.take(1) == -1
    assert held.take(1) is None


# ---- budgets ------------------------------------------------------------------------------------


async def test_what_is_reserved_is_told_against_what_was_spent(ear: Ear) -> None:
    async with open_keep("memory:", telemetry=ear.observer) as keep:
        await limit(keep)
        for id, used in (("a", 5), ("b", 15)):
            await keep.budgets.reserve(WORK, id=RequestId(id), estimate={TOKENS: 10}, owner="w")
            await keep.budgets.reconcile(
                WORK, RequestId(id), request_id=RequestId("done"), usage={TOKENS: used}
            )
        await keep.budgets.reserve(WORK, id=RequestId("c"), estimate={TOKENS: 10}, owner="w")
        await keep.budgets.release(WORK, RequestId("c"), request_id=RequestId("done"))
    tokens = {"dimension": "output_tokens"}
    assert ear.total("turnkeep.budget.reserved", **tokens) == 30
    assert ear.total("turnkeep.budget.spent", **tokens) == 20
    assert ear.total("turnkeep.budget.overrun", **tokens) == 5
    (point,) = ear.spread("turnkeep.budget.used", **tokens)
    assert (point.count, point.min, point.max) == (2, 0.5, 1.5)
    assert point.explicit_bounds == instruments.SHARES_UP_TO


@pytest.mark.parametrize("closed", [True, False])
def test_a_reservation_is_compared_with_its_use_once(ear: Ear, *, closed: bool) -> None:
    where, at = Address("budget_reservation", WORK, "r"), datetime(2026, 1, 1, tzinfo=UTC)
    reserved = BudgetReserved(
        address=where,
        at=at,
        estimate=Tally.of({TOKENS: 10}),
        accounts=(),
        owner="w",
        deadline=at + timedelta(seconds=9),
        on_expiry=OnExpiry.RELEASE,
        price_version=None,
    )
    released = BudgetReleased(address=where, at=at, accounts=(), request_id=RequestId("done"))
    reconciled = BudgetReconciled(
        address=where,
        at=at,
        actual=Usage.of({TOKENS: 5}),
        charged=Usage.of({TOKENS: 5}),
        overrun=Usage.nothing(),
        late=False,
        accounts=(),
        request_id=RequestId("done"),
    )
    events = (reserved, released, reconciled) if closed else (reserved, reconciled, reconciled)
    ear.observer.updated("budget_reservation", Outcome.CHANGED, attempts=1, events=events)
    assert [point.count for point in ear.spread("turnkeep.budget.used")] == ([] if closed else [1])


# ---- switching it on ----------------------------------------------------------------------------


async def test_a_missing_extra_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [n for n in sys.modules if n.startswith("turnkeep_adapters.telemetry.otel")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra) as told:
        open_telemetry()
    assert str(told.value) == "this needs the extra 'otel': pip install 'turnkeep[otel]'"


async def test_without_an_sdk_it_costs_no_answer() -> None:
    async with open_keep("memory:", telemetry=open_telemetry()) as keep:
        await limit(keep)
        assert (await keep.budgets.account(AccountRef.user("acme", "ann")))[TOKENS].spent == 0


@pytest.fixture(params=["memory", "files", "postgres"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A kind of store, and the URL of one."""
    match request.param:
        case "memory":
            return "memory", "memory:"
        case "files":
            return "files", (tmp_path / "store").as_uri()
        case _:
            return "postgres", shared()[1].clone(for_good=True)


async def test_the_kind_of_the_store_is_told(ear: Ear, stored: tuple[str, str]) -> None:
    kind, url = stored
    async with open_keep(url, telemetry=ear.observer) as keep:
        await limit(keep)
    assert {value for name, value in ear.everything() if name == "turnkeep.store"} == {kind}


# ---- the page about it --------------------------------------------------------------------------


def test_the_page_names_every_instrument_and_every_outcome() -> None:
    page = TOP.joinpath("docs/telemetry.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(turnkeep\.[a-z_.]+)`", page))
    names = {name for name, _, _ in instruments.COUNTED.values()}
    others = (
        *(instruments.EVENTS, instruments.RESERVED, instruments.SPENT, instruments.OVERRUN),
        *(instruments.EFFORT, instruments.DURATION, instruments.AGE, instruments.USED),
    )
    names |= {name for name, _, _ in others}
    assert names <= told
    for name, unit, _ in (*instruments.COUNTED.values(), *others):
        rows = [line for line in page.splitlines() if line.startswith("| ") and f"`{name}`" in line]
        assert any(f"`{unit}`" in row or f", `{unit}`" in row for row in rows), name
    for outcome in Outcome:
        assert f"| `{outcome.value}` |" in page
