"""Reserving: nothing starts above a ceiling, whoever races, whatever fails."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from attrs import evolve

from tests.application.budgets.bank import (
    CODEC,
    DAILY,
    DAY_SECONDS,
    SLOTS,
    TENANT,
    TTL_SECONDS,
    USD,
    USER,
    WORK,
    Bank,
    reason,
    rid,
)
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.virtual.clock import NEW_YEAR
from turnkeep_application.budgets.budget_commands import account_key
from turnkeep_application.errors import Contended
from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_holds import AccountHolds
from turnkeep_domain.budgets.account_ref import AccountRef, cascade
from turnkeep_domain.budgets.bounds import HOLDS_MAX
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.dimensions import DIMENSIONS, Dimension
from turnkeep_domain.budgets.events import BudgetReserved
from turnkeep_domain.budgets.holds import Hold, OnExpiry, WindowId, hold_id
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import (
    AmountInvalid,
    AmountOverflow,
    BudgetApprovalNeeded,
    EstimateEmpty,
    LimitExceeded,
    ReservationSpent,
    TtlInvalid,
)
from turnkeep_domain.budgets.tallies import Tally
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import Corrupt, OutcomeUnknown, Unavailable
from turnkeep_ports.limits import BODY_BYTES_MAX, COMMIT_BYTES_MAX


def test_a_fitting_reserve_adds_one_hold_per_recorded_account_and_one_event(bank: Bank) -> None:
    """1."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)})
        await bank.budgets.meter(USER)
        before = len(await bank.stored_events())
        receipt = await bank.reserved()
        assert [ref for ref, _ in receipt.accounts] == [TENANT, USER]
        assert receipt.deadline == bank.clock.utc_now() + timedelta(seconds=TTL_SECONDS)
        for account in (TENANT, USER):
            assert len((await bank.record(account)).holds) == 1
            assert await bank.figures(account) == (0, 10)
        (event,) = (await bank.events())[before:]
        assert isinstance(event, BudgetReserved)
        assert event.estimate.as_mapping() == {USD: 10}
        view = await bank.budgets.reservation(WORK, rid("r1"))
        assert view is not None
        assert (view.receipt, view.owner) == (receipt, "w1")

    bank.run(scenario)


def test_without_any_account_a_reservation_costs_one_cell(bank: Bank) -> None:
    async def scenario() -> None:
        receipt = await bank.reserved(usd=2**62)
        assert receipt.accounts == ()
        assert len((await bank.snapshot()).cells) == 1
        shown = await bank.budgets.snapshot(WORK)
        assert [view.account for view in shown.accounts] == list(cascade(WORK))
        assert {view.metered_since for view in shown.accounts} == {None}

    bank.run(scenario)


def test_a_denial_changes_no_cell_and_tells_nothing(bank: Bank) -> None:
    """5."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10), SLOTS: Ceiling.of(0)})
        await bank.limit({USD: Ceiling.of(5)}, USER, id="l2")
        before = await bank.snapshot()
        denied = reason(await bank.ask(usd=11, slots=1), LimitExceeded)
        assert [(breach.account, breach.dimension) for breach in denied.breaches] == [
            (TENANT, USD),
            (TENANT, SLOTS),
            (USER, USD),
        ]
        assert await bank.snapshot() == before

    bank.run(scenario)


def test_an_expired_window_is_rolled_in_memory_alone(bank: Bank) -> None:
    """52: reads and refusals store no rollover."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        await bank.reserved(usd=9)
        await bank.reconciled(usd=9)
        await bank.clock.advance(DAY_SECONDS)
        before = await bank.snapshot()
        view = await bank.budgets.account(TENANT)
        assert (view[USD].spent, view.limit_revision) == (0, 1)
        reason(await bank.ask("r2", 11), LimitExceeded)
        assert await bank.snapshot() == before

    bank.run(scenario)


@pytest.mark.parametrize("bad", [1.0, True, -1, 2**63], ids=repr)
def test_what_is_no_amount_never_reaches_the_store(bank: Bank, bad: int) -> None:
    """10."""

    async def scenario() -> None:
        async with bank.suffering("") as (host, store):
            for dimension in (USD, SLOTS):
                answer = await bank.ask(on=host, estimate={dimension: bad})
                assert reason(answer, AmountInvalid).dimension is dimension
            reason(await bank.ask(on=host, estimate={}), EstimateEmpty)
            reason(await bank.ask(on=host, estimate={USD: 0}), EstimateEmpty)
            reason(await bank.ask(on=host, ttl_ms=999), TtlInvalid)
            for usage in ({USD: bad}, {SLOTS: 1}):
                answer = await host.reconcile(WORK, rid("r"), request_id=rid("c"), usage=usage)
                reason(answer, AmountInvalid)
            assert store.calls == ()

    bank.run(scenario)


def test_wrong_kinds_are_told_before_anything_is_read(bank: Bank) -> None:
    async def scenario() -> None:
        async with bank.suffering("") as (host, store):
            with pytest.raises(InvalidValue):
                await bank.ask(on=host, scope=Scope.of("acme", None))
            with pytest.raises(InvalidValue):
                await bank.ask(on=host, estimate={"usd_nano": 1})  # type: ignore[dict-item]  # that is tried
            with pytest.raises(InvalidValue):
                await host.reconcile(WORK, rid(""), request_id=rid("c"), usage={})
            with pytest.raises(InvalidValue):
                await host.release(WORK, rid("r"), request_id=None)  # type: ignore[arg-type]  # that is tried
            with pytest.raises(InvalidValue):
                await host.set_limit("acme", None, by=None, request_id=rid("l"))  # type: ignore[arg-type]  # that is tried
            with pytest.raises(InvalidValue):
                await host.reservations(WORK)  # type: ignore[arg-type]  # that is tried
            assert store.calls == ()

    bank.run(scenario)


def test_other_tenants_and_other_missions_never_move(bank: Bank) -> None:
    """12."""

    async def scenario() -> None:
        named = AccountRef.mission("acme", "ada", "m1", project="_")
        absent = AccountRef.mission("acme", "ada", "m1")
        other = AccountRef.tenant("other")
        for number, account in enumerate((named, absent, other)):
            await bank.limit({USD: Ceiling.of(1)}, account, id=f"l{number}")
        before = await bank.snapshot()
        await bank.reserved(usd=10**6)
        assert [c for c in (await bank.snapshot()).cells if c in before.cells] == list(before.cells)
        await bank.reserved("r2", 1, scope=Scope.of("acme", "ada", mission="m1"))
        assert await bank.figures(absent) == (0, 1)
        assert await bank.figures(named) == (0, 0)

    bank.run(scenario)


def test_an_agents_ceiling_binds_in_every_project(bank: Bank) -> None:
    """11."""

    async def scenario() -> None:
        agent = AccountRef.agent("acme", "ada", "scout")
        await bank.limit({USD: Ceiling.of(10)}, agent)
        await bank.reserved("r1", 6, scope=Scope.of("acme", "ada", agent="scout", project="a"))
        other = Scope.of("acme", "ada", agent="scout", project="b")
        denied = reason(await bank.ask("r1", 6, scope=other), LimitExceeded)
        assert [(breach.account, breach.reserved) for breach in denied.breaches] == [(agent, 6)]
        await bank.reserved("r1", 4, scope=other)

    bank.run(scenario)


def test_a_stale_last_account_leaves_nothing_on_the_first(bank: Bank) -> None:
    """13: with every attempt stale, nobody holds anything."""

    async def scenario() -> None:
        for number, account in enumerate((TENANT, USER)):
            await bank.limit({USD: Ceiling.of(10)}, account, id=f"l{number}")
        async with bank.suffering("commit#1: hold before") as (host, store):
            asked = asyncio.create_task(bank.ask(on=host))
            await store.reached("before")
            await bank.limit({USD: Ceiling.of(9)}, USER, id="later")
            store.release("before")
            denied = reason(await asked, LimitExceeded)
        assert [breach.account for breach in denied.breaches] == [USER]
        assert await bank.figures(TENANT) == (0, 0)
        async with bank.suffering("commit#*: stale") as (host, _):
            with pytest.raises(Contended):
                await bank.ask("r2", 1, on=host)
        assert await bank.figures(TENANT) == (0, 0)

    bank.run(scenario)


def test_a_repeated_reserve_returns_the_original_receipt_and_adds_no_hold(bank: Bank) -> None:
    """17."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        receipt = await bank.reserved()
        before = await bank.snapshot()
        assert await bank.ask(on=bank.rival) == receipt
        assert await bank.snapshot() == before
        await bank.reconciled(usd=4)
        again = await bank.ask()
        assert isinstance(again, Receipt)
        assert (again.status, again.standing) == (
            ReservationStatus.ACTIVE,
            ReservationStatus.RECONCILED,
        )
        assert await bank.figures() == (4, 0)

    bank.run(scenario)


def test_the_same_id_with_another_estimate_is_refused(bank: Bank) -> None:
    """18."""

    async def scenario() -> None:
        await bank.reserved()
        assert reason(await bank.ask(usd=11), RequestIdReused) == RequestIdReused(rid("r1"))
        reason(await bank.ask(on_expiry=OnExpiry.CHARGE), RequestIdReused)
        assert isinstance(await bank.ask(scope=Scope.of("acme", "bob")), Receipt), "another scope"

    bank.run(scenario)


def test_a_denied_id_may_succeed_later(bank: Bank) -> None:
    """19."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(5)})
        reason(await bank.ask(), LimitExceeded)
        await bank.limit({USD: Ceiling.of(10)}, id="l2")
        await bank.reserved()

    bank.run(scenario)


@pytest.mark.parametrize(
    "script",
    [
        *("commit#1: lose-after", "commit#1: land-late 1", "commit#1: land-late 4"),
        *("commit#1: lose-before", "commit#*: lose-before", "commit#*: lose-after"),
    ],
)
def test_a_reserve_of_unknown_fate_holds_once_when_it_is_repeated(bank: Bank, script: str) -> None:
    """20."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)})
        async with bank.suffering(script) as (host, _):
            with suppress(OutcomeUnknown, Unavailable):
                await bank.ask(on=host)
            await bank.reserved()
        assert await bank.figures() == (0, 10)
        assert (await bank.kinds()).count("reserved") == 1

    bank.run(scenario)


def test_an_id_that_was_pruned_stays_spent(bank: Bank) -> None:
    """21."""

    async def scenario() -> None:
        await bank.reserved()
        await bank.reconciled()
        ended = bank.clock.utc_now()
        await bank.clock.advance(30 * DAY_SECONDS - 1)
        assert (await bank.budgets.prune()).reservations == 0
        await bank.clock.advance(1)
        before = await bank.snapshot()
        assert (await bank.budgets.prune(dry_run=True)).reservations == 1
        assert await bank.snapshot() == before
        pruned = await bank.budgets.prune()
        assert (pruned.reservations, pruned.gates, pruned.more) == (1, 0, False)
        assert reason(await bank.ask(), ReservationSpent).at == ended
        for answer in (
            await bank.budgets.release(WORK, rid("r1"), request_id=rid("x")),
            await bank.budgets.reconcile(WORK, rid("r1"), request_id=rid("x"), usage={}),
            await bank.budgets.extend(WORK, rid("r1"), ttl_ms=60_000),
        ):
            reason(answer, ReservationSpent)
        assert await bank.budgets.reservation(WORK, rid("r1")) is None
        assert b"w1" not in b"".join(cell.entry.body for cell in (await bank.snapshot()).cells)

    bank.run(scenario)


def test_of_a_hundred_racers_for_one_slot_exactly_one_wins(bank: Bank) -> None:
    """53: tasks of two hosts."""

    async def scenario() -> None:
        await bank.limit({SLOTS: Ceiling.of(1)})
        hosts = (bank.budgets, bank.rival)
        answers = await asyncio.gather(
            *(
                bank.ask(f"r{n}", 0, slots=1, on=hosts[n % 2], scope=Scope.of("acme", f"u{n}"))
                for n in range(24)
            ),
            return_exceptions=True,
        )
        won = [answer for answer in answers if isinstance(answer, Receipt)]
        assert len(won) == 1
        assert await bank.figures(TENANT, SLOTS) == (0, 1)
        lost = [answer for answer in answers if not isinstance(answer, Receipt)]
        for answer in lost:
            if not isinstance(answer, Contended):
                reason(answer, LimitExceeded)

    bank.run(scenario)


def test_of_200_racers_under_a_ceiling_of_100_exactly_100_win(bank: Bank) -> None:
    """54."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)})
        lanes = asyncio.Semaphore(8)

        async def race(number: int) -> object:
            scope = Scope.of("acme", f"u{number}")
            while True:
                try:
                    async with lanes:
                        host = (bank.budgets, bank.rival)[number % 2]
                        return await bank.ask("once", 1, on=host, scope=scope)
                except Contended:
                    continue

        answers = await asyncio.gather(*(race(number) for number in range(200)))
        won = [answer for answer in answers if isinstance(answer, Receipt)]
        assert len(won) == 100
        for answer in answers:
            if not isinstance(answer, Receipt):
                reason(answer, LimitExceeded)
        assert await bank.figures() == (0, 100)
        assert (await bank.kinds()).count("reserved") == 100

    bank.run(scenario)


def test_at_the_first_request_racers_are_counted_too(bank: Bank) -> None:
    """The admission race at the first request: no racer sees an account that nobody has made."""

    async def scenario() -> None:
        await bank.budgets.meter(TENANT)
        await bank.limit({SLOTS: Ceiling.of(3)})
        async with (
            bank.suffering("commit#1: hold x") as (first, one),
            bank.suffering("commit#1: hold x") as (second, other),
        ):
            tasks = [
                asyncio.create_task(bank.ask("a", 0, slots=2, on=first)),
                asyncio.create_task(bank.ask("b", 0, slots=2, on=second)),
            ]
            await one.reached("x")
            await other.reached("x")
            one.release("x")
            other.release("x")
            answers = await asyncio.gather(*tasks)
        assert sum(isinstance(answer, Receipt) for answer in answers) == 1
        assert await bank.figures(TENANT, SLOTS) == (0, 2)

    bank.run(scenario)


def test_overlapping_cascades_finish_without_deadlock(bank: Bank) -> None:
    """55."""

    async def scenario() -> None:
        scopes = [
            Scope.of("acme", user, agent=agent, project=project)
            for user, agent, project in (("ada", "a", "p"), ("bob", "a", "p"), ("ada", "b", "q"))
        ]
        accounts = {ref for scope in scopes for ref in cascade(scope)}
        for number, account in enumerate(sorted(accounts, key=lambda ref: ref.path)):
            await bank.limit({USD: Ceiling.of(1_000)}, account, id=f"l{number}")

        async def work(number: int) -> None:
            scope = scopes[number % len(scopes)]
            await bank.reserved(f"r{number}", 1, scope=scope)
            await bank.reconciled(f"r{number}", 1, scope=scope)

        await asyncio.gather(*(work(number) for number in range(9)))
        assert await bank.figures() == (9, 0)

    bank.run(scenario)


def test_a_corrupt_account_admits_nothing(bank: Bank) -> None:
    """57."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        cell = await bank.cell(account_key(TENANT).address)
        await bank.write(cell, cell.entry.body.replace(b'"max":10', b'"max":-1'))
        before = await bank.snapshot()
        with pytest.raises(Corrupt):
            await bank.ask()
        assert await bank.snapshot() == before

    bank.run(scenario)


@pytest.mark.parametrize(
    "script",
    ["load#*: fail-before", "commit#*: fail-before", "commit#*: lose-before", "load#*: stall"],
)
def test_a_storage_error_admits_nothing(bank: Bank, script: str) -> None:
    """57."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with bank.suffering(script) as (host, _):
            with pytest.raises((Unavailable, OutcomeUnknown)):
                await bank.ask(on=host)
        assert await bank.figures() == (0, 0)

    bank.run(scenario)


def test_a_hundred_paused_racers_open_one_gate(bank: Bank) -> None:
    """48: with as many as the store takes in one go."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10, pause_bp=9_000)})
        racers = 100 if bank.make.__name__ == "memory" else 20
        answers = await asyncio.gather(
            *(bank.ask(f"r{n}", 9, on=(bank.budgets, bank.rival)[n % 2]) for n in range(racers)),
            return_exceptions=True,
        )
        gates = {
            reason(answer, BudgetApprovalNeeded).gate
            for answer in answers
            if not isinstance(answer, Contended)
        }
        assert len(gates) == 1
        page = await bank.budgets.gates(ScopePrefix(scope=WORK, depth=1))
        assert [view.gate.id for view in page.entries] == list(gates)
        assert (await bank.kinds()).count("gate_opened") == 1

    bank.run(scenario)


def test_overflow_is_refused_of_an_account_without_limits(bank: Bank) -> None:
    """9."""

    async def scenario() -> None:
        await bank.budgets.meter(TENANT)
        await bank.reserved(usd=2**63 - 1)
        assert reason(await bank.ask("r2", 1), AmountOverflow) == AmountOverflow(TENANT, USD)
        assert isinstance(await bank.ask("r2", 0, slots=1), Receipt)

    bank.run(scenario)


def test_an_account_with_all_the_holds_that_it_may_have_fits_its_cell() -> None:
    scope = Scope.of("acme", "ada")
    hold = Hold(
        id=hold_id(scope, "r"),
        tally=Tally.of(dict.fromkeys(DIMENSIONS, 2**63 - 1)),
        window=WindowId(2**63 - 1, NEW_YEAR),
        deadline=NEW_YEAR,
        on_expiry=OnExpiry.RELEASE,
    )
    holds = [evolve(hold, id=hold_id(scope, f"r{number}")) for number in range(HOLDS_MAX)]
    full = evolve(Account.metered(TENANT, now=NEW_YEAR), holds=AccountHolds.of(holds))
    # Eight of them are in one commit at most.
    assert 8 * len(CODEC.encode(full)) < COMMIT_BYTES_MAX
    assert 2 * len(CODEC.encode(full)) < BODY_BYTES_MAX


def test_each_dimension_denies_alone_through_the_store(bank: Bank) -> None:
    """3."""

    async def scenario() -> None:
        await bank.limit({dimension: Ceiling.of(5) for dimension in DIMENSIONS})
        for dimension in DIMENSIONS:
            wanted: dict[Dimension, int] = dict.fromkeys(DIMENSIONS, 5) | {dimension: 6}
            denied = reason(await bank.ask(estimate=wanted), LimitExceeded)
            assert [breach.dimension for breach in denied.breaches] == [dimension]
        assert isinstance(await bank.ask(estimate=dict.fromkeys(DIMENSIONS, 5)), Receipt)

    bank.run(scenario)


def test_a_reserve_that_was_decided_and_commits_past_its_deadline_is_none(bank: Bank) -> None:
    """A process that is paused between load and commit for longer than the work may last."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with bank.suffering("commit#1: hold paused") as (host, store):
            asked = asyncio.create_task(bank.ask(on=host, ttl_ms=1_000))
            await store.reached("paused")
            await bank.clock.advance(2)
            store.release("paused")
            receipt = await asked
            assert isinstance(receipt, Receipt)
            commits = [c for c in store.calls if c.operation is Operation.COMMIT]
            assert len(commits) == 2, "the first came too late, and was decided again"
        assert receipt.deadline == bank.clock.utc_now() + timedelta(seconds=1)

    bank.run(scenario)
