"""Limiting: the first limit binds at once, and no change loses spend or holds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.application.budgets.bank import (
    BO,
    DAILY,
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
from turnkeep_application.errors import Contended
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef, cascade
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.gate_id import GateStatus
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Lifetime, Rolling
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    BudgetApprovalNeeded,
    LimitExceeded,
    LimitsInvalid,
    LimitsRevised,
)
from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import OutcomeUnknown, Unavailable

ONE_SLOT = {SLOTS: Ceiling.of(1)}
MONTHLY = Calendar("UTC", CalendarUnit.MONTH)


def test_the_first_limit_adopts_what_runs(bank: Bank) -> None:
    """15: below the running count it admits nobody."""

    async def scenario() -> None:
        for number in range(3):
            await bank.reserved(f"r{number}", 0, slots=1)
        await bank.reserved("other", 0, slots=1, scope=Scope.of("acme", "bob"))
        await bank.limit({SLOTS: Ceiling.of(2)}, USER)
        assert await bank.figures(USER, SLOTS) == (0, 3)
        reason(await bank.ask("r9", 0, slots=1), LimitExceeded)
        await bank.reserved("r8", 0, slots=1, scope=Scope.of("acme", "bob"))
        for number in range(2):
            await bank.budgets.release(WORK, rid(f"r{number}"), request_id=rid("c"))
        await bank.reserved("r9", 0, slots=1)

    bank.run(scenario)


@pytest.mark.parametrize("account", cascade(WORK), ids=lambda ref: ref.level.value)
def test_an_account_of_any_level_adopts_its_own_and_no_others(bank: Bank, account: object) -> None:
    async def scenario() -> None:
        ref = next(each for each in cascade(WORK) if each == account)
        await bank.reserved("mine", 0, slots=1)
        for number, scope in enumerate(
            [Scope.of("acme", "bob"), Scope.of("other", "ada", agent="scout", thread="t1")]
        ):
            await bank.reserved(f"r{number}", 0, slots=1, scope=scope)
        await bank.limit(ONE_SLOT, ref)
        held = 2 if ref == TENANT else 1
        assert await bank.figures(ref, SLOTS) == (0, held)
        receipt = await bank.budgets.release(WORK, rid("mine"), request_id=rid("c"))
        assert isinstance(receipt, Receipt)
        assert await bank.figures(ref, SLOTS) == (0, held - 1)

    bank.run(scenario)


@pytest.mark.parametrize("account", [TENANT, USER], ids=["tenant", "user"])
def test_more_than_a_page_of_what_runs_is_adopted(
    bank: Bank, account: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnkeep_application.budgets.budget_limiting._CELLS", 2)

    async def scenario() -> None:
        for number in range(7):
            await bank.reserved(f"r{number}", 0, slots=1)
        await bank.limit({SLOTS: Ceiling.of(7)}, account)
        assert await bank.figures(account, SLOTS) == (0, 7)

    bank.run(scenario)


def test_what_has_ended_or_is_overdue_is_not_adopted(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.reserved("done", 5)
        await bank.reconciled("done", 5)
        await bank.reserved("overdue", 5, on_expiry=OnExpiry.CHARGE)
        await bank.clock.advance(TTL_SECONDS)
        await bank.limit({USD: Ceiling.of(10)})
        assert await bank.figures() == (0, 0), "what was spent before is unknown to it"
        assert "adopted" not in await bank.kinds()

    bank.run(scenario)


@pytest.mark.parametrize("at", ["commit#1: hold x", "commit#2: hold x", "load#1: hold x"])
def test_a_first_limit_racing_a_reserve_binds_it_or_adopts_its_hold(bank: Bank, at: str) -> None:
    """14: the reserve lands between any two steps of the limit."""

    async def scenario() -> None:
        async with bank.suffering(at) as (host, store):
            limiting = asyncio.create_task(bank.limit(ONE_SLOT, on=host))
            await bank.clock.settle()
            waits = bool(store.calls) and not limiting.done()
            answer = await bank.ask("r1", 0, slots=1)
            if waits:
                store.release("x")
            await limiting
        assert isinstance(answer, Receipt)
        assert await bank.figures(TENANT, SLOTS) == (0, 1)
        reason(await bank.ask("r2", 0, slots=1), LimitExceeded)

    bank.run(scenario)


def test_a_reserve_that_loaded_before_the_first_limit_is_decided_again(bank: Bank) -> None:
    """14: the absence of the account was checked."""

    async def scenario() -> None:
        async with bank.suffering("commit#1: hold x") as (host, store):
            asked = asyncio.create_task(bank.ask("r1", 0, slots=2, on=host))
            await store.reached("x")
            await bank.limit(ONE_SLOT)
            store.release("x")
            reason(await asked, LimitExceeded)

    bank.run(scenario)


@pytest.mark.parametrize(
    "script",
    [
        f"{op}#{number}: {fault}"
        for op, numbers, faults in (
            ("commit", (1, 2, 3, 4), ("fail-before", "lose-after", "lose-before", "stall")),
            ("load", (1, 2, 3), ("fail-before",)),
            ("scan", (1,), ("fail-before", "stall")),
        )
        for number in numbers
        for fault in faults
    ],
)
def test_a_first_limit_that_is_cut_off_anywhere_and_repeated_equals_one(
    bank: Bank, script: str
) -> None:
    """16."""

    async def scenario() -> None:
        for number in range(2):
            await bank.reserved(f"r{number}", 0, slots=1)
        async with bank.suffering(script) as (host, _):
            limiting = asyncio.create_task(bank.limit(ONE_SLOT, on=host))
            await bank.clock.settle()
            limiting.cancel()
            await asyncio.gather(limiting, return_exceptions=True)
        # A reserve in between binds or is adopted; nobody gets a slot that is not there.
        await bank.limit(ONE_SLOT)
        assert await bank.figures(TENANT, SLOTS) == (0, 2)
        account = await bank.record()
        assert (account.limit_revision, len(account.holds)) == (1, 2)
        kinds = await bank.kinds()
        assert [kinds.count(k) for k in ("metered", "adopted", "limit_changed")] == [1, 2, 1]

    bank.run(scenario)


def test_two_hosts_that_limit_first_together_agree(bank: Bank) -> None:
    """16: nobody's write is the last that wins."""

    async def scenario() -> None:
        await bank.reserved("r1", 0, slots=1)
        answers = await asyncio.gather(
            *(
                host.set_limit(
                    TENANT,
                    Limits.of(Lifetime(), {SLOTS: Ceiling.of(number)}),
                    by=BO,
                    request_id=rid(f"l{number}"),
                    expected_revision=0,
                )
                for number, host in enumerate((bank.budgets, bank.rival))
            )
        )
        assert sum(answer == LimitsSet(1) for answer in answers) == 1
        (lost,) = [answer for answer in answers if answer != LimitsSet(1)]
        assert reason(lost, LimitsRevised) == LimitsRevised(0, 1)
        assert await bank.figures(TENANT, SLOTS) == (0, 1)

    bank.run(scenario)


def test_what_cannot_be_adopted_keeps_the_account_unlimited(bank: Bank) -> None:
    async def scenario() -> None:
        for number in range(2):
            await bank.reserved(f"r{number}", 2**62)
        answer = await bank.budgets.set_limit(
            TENANT,
            Limits.of(Lifetime(), {USD: Ceiling.of(1)}),
            by=BO,
            request_id=rid("l"),
        )
        assert reason(answer, AmountOverflow) == AmountOverflow(TENANT, USD)
        assert (await bank.record()).limits is None

    bank.run(scenario)


def test_a_repeated_or_equal_limit_changes_nothing(bank: Bank) -> None:
    """44."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        before = await bank.snapshot()
        assert await bank.limit({USD: Ceiling.of(10)}, period=DAILY) == LimitsSet(1)
        assert await bank.limit({USD: Ceiling.of(10)}, period=DAILY, id="l2") == LimitsSet(1)
        assert await bank.snapshot() == before
        await bank.limit({USD: Ceiling.of(11)}, period=DAILY, id="l3")
        assert await bank.limit({USD: Ceiling.of(10)}, period=DAILY) == LimitsSet(1), "a repeat"
        assert (await bank.record()).limit_revision == 2
        reused = await bank.budgets.set_limit(TENANT, None, by=BO, request_id=rid("l3"))
        reason(reused, RequestIdReused)

    bank.run(scenario)


def test_limits_that_cannot_be_kept_meter_nothing(bank: Bank) -> None:
    async def scenario() -> None:
        wrong = Limits.of(Rolling(60_001), {})
        answer = await bank.budgets.set_limit(TENANT, wrong, by=BO, request_id=rid("l"))
        assert reason(answer, LimitsInvalid).field == "period.length_ms"
        stale = await bank.budgets.set_limit(
            TENANT, Limits.of(DAILY, {}), by=BO, request_id=rid("l"), expected_revision=3
        )
        assert reason(stale, LimitsRevised) == LimitsRevised(3, 0)
        lifted = await bank.budgets.set_limit(TENANT, None, by=BO, request_id=rid("l"))
        assert lifted == LimitsSet(0)
        assert (await bank.snapshot()).cells == ()

    bank.run(scenario)


def test_a_change_of_the_period_carries_spend_and_lowering_keeps_holds(bank: Bank) -> None:
    """45."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(50)}, period=DAILY)
        await bank.reserved("r1", 9)
        await bank.reconciled("r1", 9)
        await bank.reserved("r2", 20)
        await bank.limit({USD: Ceiling.of(10)}, period=MONTHLY, id="l2")
        assert await bank.figures() == (9, 20)
        reason(await bank.ask("r3", 1), LimitExceeded)
        await bank.reconciled("r2", 3)
        assert await bank.figures() == (12, 0)

    bank.run(scenario)


def test_a_change_of_limits_cancels_open_gates(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10, pause_bp=1)})
        gate = reason(await bank.ask(), BudgetApprovalNeeded).gate
        await bank.limit({USD: Ceiling.of(10, pause_bp=10_000)}, id="l2")
        view = await bank.budgets.gate(TENANT, gate)
        assert view is not None
        assert view.status is GateStatus.CANCELLED
        assert (await bank.record()).gates == ()
        assert (await bank.kinds())[-2:] == ["limit_changed", "gate_cancelled"]
        await bank.reserved("r2", 9)

    bank.run(scenario)


def test_metering_is_idempotent_and_told_once(bank: Bank) -> None:
    async def scenario() -> None:
        first = await bank.budgets.meter(TENANT)
        await bank.clock.advance(5)
        assert await bank.rival.meter(TENANT) == first
        assert await bank.kinds() == ["metered"]
        await bank.reserved("r1", 7)
        assert await bank.figures() == (0, 7)

    bank.run(scenario)


@pytest.mark.parametrize("script", ["commit#*: lose-before", "commit#1: land-late 3"])
def test_a_change_of_unknown_fate_counts_once_when_it_is_repeated(bank: Bank, script: str) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with bank.suffering(script) as (host, _):
            with suppress(OutcomeUnknown, Unavailable, Contended):
                await bank.limit({USD: Ceiling.of(20)}, id="l2", on=host)
            assert await bank.limit({USD: Ceiling.of(20)}, id="l2") == LimitsSet(2)
        assert (await bank.record()).limit_revision == 2

    bank.run(scenario)


def test_accounts_are_listed_in_pages(bank: Bank) -> None:
    async def scenario() -> None:
        for account in cascade(WORK):
            await bank.budgets.meter(account)
        prefix = ScopePrefix(scope=WORK, depth=1)
        found: list[object] = []
        after: str | None = None
        while True:
            page = await bank.budgets.accounts(prefix, after=after, limit=3)
            found += [view.account for view in page.entries]
            after = page.next
            if after is None:
                break
        assert len(found) == 8
        assert set(found) == set(cascade(WORK))
        owner = await bank.budgets.accounts(ScopePrefix.owner(WORK))
        assert len(owner.entries) == 5

    bank.run(scenario)
