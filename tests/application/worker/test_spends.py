"""A metered step begins only when its budgets hold what it may cost, and is charged once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from attrs import evolve

from tests.application.worker.sites import OPERATOR, SUBMITTER, Host, Site, VirtualSite, thread
from turnkeep_application.turns.spend import Spend
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import (
    CallRefused,
    GateClosed,
    StepNotDone,
    StepUncertain,
    TryAgain,
)
from turnkeep_application.worker.spends import Metered
from turnkeep_application.worker.step_values import digest
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.periods import Lifetime
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done, EffectKind, Mode, NotDone, RunEffect, Uncertain
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.run_states import Blocked, Failed, RunStatus

USD, SLOTS = Dimension.USD_NANO, Dimension.CONCURRENCY_SLOTS
MODES = list(Mode)
AGAIN = [Mode.KEYED, Mode.SAFE]
BO = Principal.person("bo")
TENANT = AccountRef.tenant("acme")
OWNER = ScopePrefix.owner(Scope.of("acme", "ada"))


async def limit(host: Host, ceiling: Ceiling, *, of: Dimension = USD, request: str = "l1") -> None:
    limits = Limits.of(Lifetime(), {of: ceiling})
    answer = await host.keep.budgets.set_limit(TENANT, limits, by=BO, request_id=RequestId(request))
    assert isinstance(answer, LimitsSet), answer


async def figures(host: Host, of: Dimension = USD) -> tuple[int, int]:
    """What the tenant has spent, and what is held."""
    view = (await host.keep.budgets.account(TENANT))[of]
    return view.spent, view.reserved


async def statuses(host: Host) -> list[ReservationStatus]:
    """Where every reservation stands."""
    found: list[ReservationStatus] = []
    for status in ReservationStatus:
        page = await host.keep.budgets.reservations(OWNER, status=status)
        found += [status] * len(page.entries)
    return found


def costing(
    used: int, value: object = "done", *, calls: list[str] | None = None
) -> Callable[[str], Awaitable[Metered[object]]]:
    async def step(key: str) -> Metered[object]:
        if calls is not None:
            calls.append(key)
        return Metered(value, {USD: used})

    return step


@pytest.mark.parametrize("mode", MODES)
def test_a_done_spend_is_charged_once_and_a_replay_reserves_nothing(site: Site, mode: Mode) -> None:
    calls, met = list[str](), list[object]()

    async def handler(ctx: RunContext) -> None:
        met.append(await ctx.spend("ask", {USD: 10}, costing(4, (1,), calls=calls), mode=mode))
        if len(met) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(10))
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert await figures(host) == (4, 0)
            assert await statuses(host) == [ReservationStatus.RECONCILED]
            entry = (await host.journal(run))["ask", 0]
            assert (entry.kind, entry.mode) == (EffectKind.SPEND, mode)
        assert met == [[1], [1]]
        assert len(calls) == 1

    site.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_denied_spend_starts_nothing_and_is_denied_in_every_replay(
    site: Site, mode: Mode
) -> None:
    """No replay makes the call that was refused beside the one that passed."""
    calls, codes = list[str](), list[str]()

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(9))

            async def handler(ctx: RunContext) -> None:
                try:
                    await ctx.spend("ask", {USD: 10}, costing(4, calls=calls), mode=mode)
                except CallRefused as refused:
                    codes.append(refused.code)
                    assert await figures(host) == (4 * len(calls), 0)
                await limit(host, Ceiling.of(20), request="l2")
                await ctx.spend("ask", {USD: 10}, costing(4, calls=calls), mode=mode)
                if len(codes) == 1:
                    raise TryAgain

            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert await figures(host) == (4, 0)
            assert sorted(await host.journal(run)) == [("ask", 0), ("ask", 1)]
        assert codes == ["budget.limit_exceeded"] * 2
        assert len(calls) == 1

    site.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_what_was_not_done_is_charged_nothing_and_holds_anew_when_it_is_redone(
    site: Site, mode: Mode
) -> None:
    epochs: list[int] = []

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> Metered[str]:
            epochs.append(ctx.epoch)
            if len(epochs) < 3:
                raise StepNotDone(Category("busy"))
            return Metered("done", {USD: 3})

        try:
            assert await ctx.spend("ask", {USD: 10}, step, mode=mode) == "done"
        except StepNotDone as error:
            raise TryAgain from error

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(10))
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert await figures(host) == (3, 0)
            standing = await statuses(host)
            assert standing == [ReservationStatus.RECONCILED] + [ReservationStatus.RELEASED] * 2
        assert len(set(epochs)) == 3

    site.run(scenario)


@pytest.mark.parametrize("outcome", ["done", "told", "not done", "given up"])
def test_what_is_uncertain_keeps_its_hold_until_an_operator_settles_it(
    site: Site, outcome: str
) -> None:
    """Done is charged the estimate, unless the operator has told what it came to."""

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> Metered[str]:
            if ctx.epoch == 1:
                raise RuntimeError("who knows")
            return Metered("done", {USD: 4})

        assert await ctx.spend("ask", {USD: 10}, step) in ("done", None)

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(10))
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.NEEDS_OPERATOR
                assert await figures(host) == (0, 10)
                entry = (await host.journal(run))["ask", 0]
                assert isinstance(entry.state, Uncertain)
                await decided(host, run, entry, outcome)
                final = await host.until(run, lambda view: view.status.final)
            given_up = outcome == "given up"
            assert final.status is (RunStatus.FAILED if given_up else RunStatus.COMPLETED)
            charged = {"done": (10, 0), "told": (7, 0), "not done": (4, 0), "given up": (0, 0)}
            assert await figures(host) == charged[outcome]

    site.run(scenario)


async def decided(host: Host, run: RunView, entry: RunEffect, outcome: str) -> None:
    done = Done(output=b"", disposition=None)
    not_done = NotDone(category=Category("void"), redo=outcome != "given up")
    settlements = {entry.id: done if outcome in ("done", "told") else not_done}
    if outcome == "told":
        assert entry.reservation is not None
        receipt = await host.keep.budgets.reconcile(
            run.scope, entry.reservation, request_id=RequestId("told"), usage={USD: 7}
        )
        assert isinstance(receipt, Receipt)
    request = RequestId("settle")
    if outcome == "given up":
        answer = await host.turns.give_up(
            run.address,
            settlements=settlements,
            category=Category("enough"),
            actor=OPERATOR,
            request_id=request,
        )
    else:
        answer = await host.turns.retry(
            run.address, settlements=settlements, actor=OPERATOR, request_id=request
        )
    assert isinstance(answer, RunStanding), answer


@pytest.mark.parametrize("scope", [thread(), Scope.of("acme", "ada", agent="scout")])
def test_a_failed_run_that_is_done_again_settles_what_it_left_held(
    site: Site, scope: Scope
) -> None:
    """Without a thread, the run that is done again counts its claims from 1, as the first did."""

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> Metered[str]:
            if ctx.run.lineage.retry_of is None:
                raise RuntimeError("who knows")
            return Metered("done", {USD: 4})

        await ctx.spend("ask", {USD: 10}, step)

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(20))
            run = await host.submit(scope)
            async with host.worker(handler):
                await host.settled(run)
                entry = (await host.journal(run))["ask", 0]
                left = await host.turns.give_up(
                    run.address,
                    settlements={},
                    category=Category("later"),
                    actor=OPERATOR,
                    request_id=RequestId("leave"),
                )
                assert isinstance(left, RunStanding)
                assert await figures(host) == (0, 10)
                again = await host.turns.retry(
                    run.address,
                    settlements={entry.id: NotDone(category=Category("void"), redo=True)},
                    actor=OPERATOR,
                    request_id=RequestId("again"),
                )
                assert isinstance(again, RunStanding), again
                renamed = await host.turns.get(evolve(run.address, id=again.run))
                assert renamed is not None
                assert (await host.settled(renamed)).status is RunStatus.COMPLETED
            assert await figures(host) == (4, 0)

    site.run(scenario)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", ["approved", "declined"])
def test_a_paused_budget_blocks_the_run_and_its_answer_lets_it_go(
    site: Site, mode: Mode, answer: str
) -> None:
    calls, codes, approved = list[str](), list[str](), answer == "approved"

    async def handler(ctx: RunContext) -> None:
        try:
            await ctx.spend("ask", {USD: 10}, costing(4, calls=calls), mode=mode)
        except CallRefused as refused:
            codes.append(refused.code)

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(10, pause_bp=5_000))
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
                assert isinstance(view.state, Blocked)
                gate = await the_gate(host)
                assert view.state.gate.kind is GateKind.RESOURCE
                assert (view.state.gate.ref, view.state.until) == (Ref(gate.id), gate.expires_at)
                assert calls == []
                assert await figures(host) == (0, 0)
                await answered(host, gate, approved=approved)
                final = await host.until(run, lambda view: view.status.final)
                assert final.status is RunStatus.COMPLETED
            assert await figures(host) == ((4, 0) if approved else (0, 0))
        assert codes == ([] if approved else ["budget.approval_declined"])
        assert len(calls) == approved

    site.run(scenario)


def is_blocked(view: RunView) -> bool:
    return isinstance(view.state, Blocked)


async def the_gate(host: Host) -> BudgetGate:
    everyone = ScopePrefix(scope=Scope.of("acme", None), depth=1)
    (view,) = (await host.keep.budgets.gates(everyone)).entries
    return view.gate


async def answered(host: Host, gate: BudgetGate, *, approved: bool) -> None:
    budgets, request = host.keep.budgets, RequestId(f"answer {gate.id}")
    if approved:
        answer = await budgets.approve_gate(
            TENANT, gate.id, new_max=max(gate.least_max, 1_000), by=BO, request_id=request
        )
    else:
        answer = await budgets.cancel_gate(TENANT, gate.id, by=BO, request_id=request)
    assert isinstance(answer, BudgetGate), answer


def test_many_runs_wait_for_one_gate_and_go_on_at_once_when_it_is_answered(
    virtual: VirtualSite,
) -> None:
    """The hint, not the sweep: no sweep comes in this time."""

    async def handler(ctx: RunContext) -> None:
        await ctx.spend("ask", {USD: 10}, costing(1))

    async def scenario() -> None:
        async with virtual.host() as host:
            await limit(host, Ceiling.of(10, pause_bp=5_000))
            runs = [await host.submit(thread(f"t{n}")) for n in range(5)]
            async with host.worker(handler, sweep_seconds=3_600.0):
                for run in runs:
                    assert (await host.settled(run)).status is RunStatus.BLOCKED
                before = virtual.clock.monotonic()
                await answered(host, await the_gate(host), approved=True)
                for run in runs:
                    final = await host.until(run, lambda view: view.status.final)
                    assert final.status is RunStatus.COMPLETED
                assert virtual.clock.monotonic() - before < 60
            assert await figures(host) == (5, 0)

    virtual.run(scenario)


def test_a_run_waits_as_long_as_its_gate_is_open_and_a_sweep_finds_it_after(site: Site) -> None:
    """Whoever answers the gate need not be near a worker: no hint is heard here."""

    async def handler(ctx: RunContext) -> None:
        await ctx.spend("ask", {USD: 10}, costing(1))

    async def scenario() -> None:
        async with site.host() as host:
            await limit(host, Ceiling.of(10, pause_bp=5_000))
            run = await host.submit()
            async with host.worker(handler):
                before = await host.settled(run)
                await site.sleep(1)
                assert (await host.turns.sweep()).resumed == 0
                assert await host.turns.get(run.address) == before
            await answered(host, await the_gate(host), approved=True)
            assert [(await host.turns.sweep()).resumed for _ in range(2)] == [1, 0]
            view = await host.turns.get(run.address)
            assert view is not None
            assert view.status is RunStatus.QUEUED

    site.run(scenario)


def test_a_call_whose_hold_is_over_before_it_could_be_made_is_not_made(
    virtual: VirtualSite,
) -> None:
    """As where the store was away for so long, between the commit and its answer."""
    calls, met = list[str](), list[str]()

    async def scenario() -> None:
        async with virtual.host() as host:

            async def handler(ctx: RunContext) -> None:
                arguments = digest("args", None, {USD.value: 10}, OnExpiry.RELEASE.value)
                same = Spend(
                    id=EffectId("ask", 0),
                    mode=Mode.ONCE,
                    arguments=arguments,
                    estimate={USD: 10},
                    ttl_ms=1_000,
                )
                assert isinstance(await host.turns.begin_spend(ctx.claim, same), Receipt)
                await virtual.sleep(2)
                try:
                    await ctx.spend("ask", {USD: 10}, costing(1, calls=calls), ttl_ms=1_000)
                except StepNotDone as error:
                    met.append(error.category)

            await limit(host, Ceiling.of(10))
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert await figures(host) == (0, 0)
        assert (calls, met) == ([], ["budget.reservation_expired"])

    virtual.run(scenario)


def test_a_gate_that_nobody_answers_is_followed_by_another(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        await ctx.spend("ask", {USD: 10}, costing(1))

    async def scenario() -> None:
        async with virtual.host() as host:
            await limit(host, Ceiling.of(10, pause_bp=5_000))
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                first = await the_gate(host)
            await virtual.sleep(timedelta(hours=24).total_seconds())
            async with host.worker(handler):
                await host.until(run, lambda view: view.version > 3 and is_blocked(view))
                second = await the_gate(host)
                assert first.id != second.id
                await answered(host, second, approved=True)
                final = await host.until(run, lambda view: view.status.final)
                assert final.status is RunStatus.COMPLETED
            assert await figures(host) == (1, 0)

    virtual.run(scenario)


def test_a_host_may_deny_the_wait_and_every_replay_meets_that(virtual: VirtualSite) -> None:
    met: list[Disposition] = []

    async def handler(ctx: RunContext) -> None:
        try:
            await ctx.spend("ask", {USD: 10}, costing(1))
        except GateClosed as closed:
            met.append(closed.disposition)
        if len(met) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            await limit(host, Ceiling.of(10, pause_bp=5_000))
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                gate = await the_gate(host)
                standing = await host.turns.resume(
                    run.address,
                    kind=GateKind.RESOURCE,
                    ref=Ref(gate.id),
                    disposition=Disposition.DENIED,
                    actor=SUBMITTER,
                    request_id=RequestId("no"),
                )
                assert isinstance(standing, RunStanding), standing
                final = await host.until(run, lambda view: view.status.final)
                assert final.status is RunStatus.COMPLETED
            assert await figures(host) == (0, 0)
        assert met == [Disposition.DENIED] * 2

    virtual.run(scenario)


def test_a_gate_of_the_hosts_own_is_nobodys_to_sweep(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        until = ctx.run.updated_at + timedelta(days=1)
        await ctx.gate("disk", kind=GateKind.RESOURCE, ref=Ref("disk"), until=until)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                await virtual.sleep(600)
                assert (await host.settled(run)).status is RunStatus.BLOCKED

    virtual.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_hold_lasts_as_long_as_its_work(virtual: VirtualSite, mode: Mode) -> None:
    """Extended at half of its life by commands of its own; without them it ends at its deadline."""

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> Metered[str]:
            await virtual.sleep(500)
            return Metered("done", {USD: 4})

        await ctx.spend("ask", {USD: 10, SLOTS: 1}, step, mode=mode, ttl_ms=60_000)

    async def scenario() -> None:
        async with virtual.host() as host:
            await limit(host, Ceiling.of(1), of=SLOTS)
            run = await host.submit()
            async with host.worker(handler):
                await host.until(run, lambda view: view.status is RunStatus.RUNNING)
                for _ in range(48):
                    await virtual.sleep(10)
                    assert await figures(host, SLOTS) == (0, 1)
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert await figures(host, SLOTS) == (0, 0)
            await virtual.sleep(600)
            assert await figures(host) == (4, 0)

    virtual.run(scenario)


@pytest.mark.parametrize("on_expiry", list(OnExpiry))
@pytest.mark.parametrize("mode", AGAIN)
def test_a_step_that_is_cut_off_and_may_be_made_again_leaves_no_hold(
    virtual: VirtualSite, mode: Mode, on_expiry: OnExpiry
) -> None:
    begun = asyncio.Event()

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> Metered[str]:
            begun.set()
            await virtual.sleep(10_000)
            raise AssertionError("it was to be cut off")

        await ctx.spend("ask", {USD: 10}, step, mode=mode, on_expiry=on_expiry)

    async def scenario() -> None:
        async with virtual.host() as host:
            await limit(host, Ceiling.of(10))
            run = await host.submit()
            async with host.worker(handler):
                await begun.wait()
                assert await figures(host) == (0, 10)
                answer = await host.turns.request_cancel(
                    run.address, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c")
                )
                assert isinstance(answer, RunStanding)
                assert (await host.settled(run)).status is RunStatus.CANCELLED
            charged = 10 if on_expiry is OnExpiry.CHARGE else 0
            assert await figures(host) == (charged, 0)

    virtual.run(scenario)


def test_another_estimate_in_the_same_place_is_another_call(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        await ctx.spend("ask", {USD: 10 * ctx.epoch}, costing(1))
        raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
            assert view.state == Failed(category=Category("replay_diverged"), effect=None)

    virtual.run(scenario)


@pytest.mark.parametrize("amount", [-1, 1.5, True, 2**63])
def test_an_amount_that_is_none_is_refused_and_nothing_is_remembered_of_it(
    virtual: VirtualSite, amount: object
) -> None:
    async def handler(ctx: RunContext) -> None:
        with pytest.raises(CallRefused) as refused:
            await ctx.spend("ask", {USD: amount}, costing(1))  # type: ignore[dict-item]  # it is tried
        assert refused.value.code == "budget.amount_invalid"
        with pytest.raises(CallRefused) as refused:
            await ctx.spend("ask", {}, costing(1))
        assert refused.value.code == "budget.estimate_empty"
        assert refused.value.effect == EffectId("ask", 1)
        await ctx.spend("ask", {USD: 1}, costing(1))

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
            # An estimate of nothing is one all the same, as far as the journal can tell.
            assert sorted(await host.journal(run)) == [("ask", 1), ("ask", 2)]

    virtual.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_tells_no_usage_is_uncertain_or_not_done(
    virtual: VirtualSite, mode: Mode
) -> None:
    met: list[type[Exception]] = []

    async def handler(ctx: RunContext) -> None:
        async def step(key: str) -> Metered[str]:
            return "no usage"  # type: ignore[return-value]  # it is tried

        try:
            await ctx.spend("ask", {USD: 1}, step, mode=mode)
        except (StepNotDone, StepUncertain) as error:
            met.append(type(error))

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
        assert met == [StepUncertain if mode is Mode.ONCE else StepNotDone]

    virtual.run(scenario)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fate", ["lose-before", "lose-after", "land-late 1", "fail-before"])
@pytest.mark.parametrize("commit", [1, 2])
def test_one_hold_and_one_charge_whatever_answer_is_lost(
    virtual: VirtualSite, mode: Mode, fate: str, commit: int
) -> None:
    calls: list[str] = []

    async def scenario() -> None:
        in_collection = "budget_reservation"
        script = f"commit#{commit} in {in_collection}: {fate}"
        async with virtual.host() as host, virtual.suffering(script) as (sick, faulty):
            await limit(host, Ceiling.of(10))

            async def handler(ctx: RunContext) -> None:
                async def step(key: str) -> Metered[str]:
                    calls.append(key)
                    assert await figures(host) == (0, 10)
                    assert await statuses(host) == [ReservationStatus.ACTIVE]
                    return Metered("done", {USD: 4})

                await ctx.spend("ask", {USD: 10}, step, mode=mode)

            run = await host.submit()
            async with sick.worker(handler):
                final = await host.until(run, lambda view: view.status.final)
                assert final.status is RunStatus.COMPLETED
            assert await figures(host) == (4, 0)
            assert await statuses(host) == [ReservationStatus.RECONCILED]
            assert faulty.unspent == ()
        assert len(calls) == 1

    virtual.run(scenario)
