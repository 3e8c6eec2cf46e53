"""What a metered call holds and is charged follows the claim, commit by commit."""

from __future__ import annotations

import asyncio

import pytest
from attrs import frozen

from tests.application.turns.keep import ADA, Keep, step, thread
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.turns import spend_beginning
from turnkeep_application.turns.spend import Spend
from turnkeep_application.turns.turns import Turns
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.periods import Lifetime
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import LimitExceeded
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import Done, Intended, Mode, NotDone, Uncertain
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.refusals import (
    EffectsFull,
    LeaseExpired,
    ReplayDiverged,
    WrongState,
)

USD = Dimension.USD_NANO
ACCOUNT = AccountRef.user("acme", "ada")
OWNER = ScopePrefix.owner(thread())
DONE = Done(output=b"", disposition=None)
NOT_DONE = NotDone(category=Category("busy"), redo=False)
FOUR = Usage.of({USD: 4})


def spend(name: str = "ask", mode: Mode = Mode.ONCE, *, usd: int = 10) -> Spend:
    return Spend(
        id=step(name), mode=mode, arguments=digest_of("spend", name, usd), estimate={USD: usd}
    )


@frozen
class Bank:
    """Budgets on the store of a keep."""

    keep: Keep

    @property
    def budgets(self) -> Budgets:
        turns = self.keep.turns
        return Budgets(updates=turns.updates, reading=turns.reading, ids=turns.ids)

    async def limit(self, most: int) -> None:
        limits = Limits.of(Lifetime(), {USD: Ceiling.of(most)})
        answer = await self.budgets.set_limit(
            ACCOUNT, limits, by=ADA, request_id=RequestId("first")
        )
        assert isinstance(answer, LimitsSet)

    async def figures(self) -> tuple[int, int]:
        view = (await self.budgets.account(ACCOUNT))[USD]
        return view.spent, view.reserved

    async def active(self) -> int:
        page = await self.budgets.reservations(OWNER, status=ReservationStatus.ACTIVE)
        return len(page.entries)


async def claimed(keep: Keep) -> Claim:
    await keep.submitted()
    (granted,) = await keep.claimed()
    return granted.claim


async def begun(turns: Turns, claim: Claim, of: Spend) -> Receipt:
    receipt = await turns.begin_spend(claim, of)
    assert isinstance(receipt, Receipt), receipt
    return receipt


def test_a_repeated_beginning_and_settling_hold_once_and_charge_once(keep: Keep) -> None:
    async def scenario() -> None:
        bank = Bank(keep)
        await bank.limit(10)
        claim = await claimed(keep)
        for mode in Mode:
            of = spend(mode.value, mode, usd=2)
            first = await begun(keep.turns, claim, of)
            again = await begun(keep.rival, claim, of)
            assert (again.id, again.deadline) == (first.id, first.deadline)
            assert await bank.active() == 1
            for turns in (keep.turns, keep.rival):
                state = await turns.settle_spend(
                    claim, of, reservation=first.id, outcome=DONE, usage=Usage.of({USD: 1})
                )
                assert state == DONE
            assert await bank.active() == 0
            assert await keep.turns.begin_spend(claim, of) == DONE
        assert await bank.figures() == (3, 0)

    keep.run(scenario)


def test_a_denied_beginning_writes_nothing_at_all(keep: Keep) -> None:
    async def scenario() -> None:
        await Bank(keep).limit(9)
        claim = await claimed(keep)
        before = await keep.snapshot()
        for mode in Mode:
            refused = await keep.turns.begin_spend(claim, spend(mode.value, mode))
            assert isinstance(refused, Refused)
            assert isinstance(refused.reason, LimitExceeded)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_the_seventeenth_open_spend_holds_nothing(keep: Keep) -> None:
    async def scenario() -> None:
        bank = Bank(keep)
        await bank.limit(100)
        claim = await claimed(keep)
        for number in range(16):
            await begun(keep.turns, claim, spend(f"s{number}", usd=1))
        refused = await keep.turns.begin_spend(claim, spend("s16", usd=1))
        assert refused == Refused(EffectsFull("open"))
        assert await bank.figures() == (0, 16)

    keep.run(scenario)


def test_a_run_at_its_effects_limit_holds_nothing(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spend_beginning, "EFFECTS_MAX", 0)

    async def scenario() -> None:
        bank = Bank(keep)
        await bank.limit(100)
        claim = await claimed(keep)
        for mode in (Mode.KEYED, Mode.SAFE):
            refused = await keep.turns.begin_spend(claim, spend(mode.value, mode))
            assert refused == Refused(EffectsFull("effects"))
        assert await bank.figures() == (0, 0)

    keep.run(scenario)


def test_a_hold_with_another_estimate_is_another_call(keep: Keep) -> None:
    async def scenario() -> None:
        bank = Bank(keep)
        await bank.limit(100)
        claim = await claimed(keep)
        for mode in Mode:
            await begun(keep.turns, claim, spend(mode.value, mode))
            refused = await keep.turns.begin_spend(claim, spend(mode.value, mode, usd=11))
            assert refused == Refused(ReplayDiverged(step(mode.value)))
        assert await bank.figures() == (0, 30)

    keep.run(scenario)


def test_whoever_lost_the_claim_holds_nothing_and_lets_go_of_nothing(timed: Keep) -> None:
    """Its report is evidence, and leaves the hold as it is."""

    async def scenario() -> None:
        bank = Bank(timed)
        await bank.limit(100)
        claim = await claimed(timed)
        once, keyed = spend(), spend("draft", Mode.KEYED)
        held = [await begun(timed.turns, claim, of) for of in (once, keyed)]
        await timed.let_pass(90)
        for of in (spend("more"), spend("again", Mode.SAFE)):
            refused = await timed.turns.begin_spend(claim, of)
            assert isinstance(refused, Refused)
            assert isinstance(refused.reason, LeaseExpired)
        left = await timed.turns.abandon_spend(claim, keyed, reservation=held[1].id)
        assert isinstance(left, Refused)
        for of, receipt in zip((once, keyed), held, strict=True):
            told = await timed.turns.settle_spend(
                claim, of, reservation=receipt.id, outcome=DONE, usage=FOUR
            )
            assert isinstance(told, Refused)
        assert await bank.figures() == (0, 20)
        (entry,) = await timed.turns.journal(claim.run)
        assert isinstance(entry.state, Uncertain)
        assert [one.outcome for one in entry.state.evidence] == [DONE]

    timed.run(scenario)


@pytest.mark.parametrize("act", ["begins", "settles"])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_runner_that_is_paused_past_its_claim_neither_holds_nor_charges(
    timed: Keep, act: str, mode: Mode
) -> None:
    """Between load and commit, too: the store's clock judges the claim inside the write."""

    async def scenario() -> None:
        bank = Bank(timed)
        await bank.limit(100)
        claim = await claimed(timed)
        held = await begun(timed.turns, claim, spend(mode=mode))
        await timed.let_pass(85)
        slow = "commit#1 in budget_reservation: hold paused"
        async with timed.suffering(slow) as (turns, faulty):

            async def acts() -> object:
                if act == "begins":
                    return await turns.begin_spend(claim, spend("more", mode))
                return await turns.settle_spend(
                    claim, spend(mode=mode), reservation=held.id, outcome=DONE, usage=FOUR
                )

            task = asyncio.create_task(acts())
            await faulty.reached("paused")
            await timed.let_pass(6)
            faulty.release("paused")
            answer = await task
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, LeaseExpired)
        assert await bank.figures() == (0, 10)

    timed.run(scenario)


def test_a_run_that_is_called_off_begins_no_spend_and_settles_what_it_has_begun(
    keep: Keep,
) -> None:
    async def scenario() -> None:
        bank = Bank(keep)
        await bank.limit(100)
        claim = await claimed(keep)
        held = await begun(keep.turns, claim, spend())
        await keep.cancel(claim.run)
        for mode in Mode:
            refused = await keep.turns.begin_spend(claim, spend(mode.value, mode))
            assert isinstance(refused, Refused)
            assert isinstance(refused.reason, WrongState)
        state = await keep.turns.settle_spend(
            claim, spend(), reservation=held.id, outcome=NOT_DONE, usage=None
        )
        assert state == NOT_DONE
        assert await bank.figures() == (0, 0)

    keep.run(scenario)


def test_the_hold_that_an_earlier_claim_has_left_is_used_and_lasts_anew(timed: Keep) -> None:
    async def scenario() -> None:
        bank = Bank(timed)
        await bank.limit(10)
        claim = await claimed(timed)
        first = await begun(timed.turns, claim, spend("draft", Mode.KEYED))
        await timed.let_pass(600)
        await timed.turns.sweep()
        await timed.let_pass(100)
        (granted,) = await timed.claimed()
        again = await begun(timed.turns, granted.claim, spend("draft", Mode.KEYED))
        assert again.id == first.id
        assert (again.deadline - first.deadline).total_seconds() == 700
        await timed.let_pass(1_000)
        await timed.turns.sweep()
        await timed.let_pass(100)
        (granted,) = await timed.claimed()
        anew = await begun(timed.turns, granted.claim, spend("draft", Mode.KEYED))
        assert anew.id != first.id, "a hold that is over is no leave to start"
        assert await bank.figures() == (0, 10)

    timed.run(scenario)


def test_a_hold_that_was_closed_by_hand_does_not_keep_the_journal_waiting(keep: Keep) -> None:
    async def scenario() -> None:
        bank = Bank(keep)
        await bank.limit(10)
        claim = await claimed(keep)
        held = await begun(keep.turns, claim, spend())
        await bank.budgets.reconcile(
            thread(), held.id, request_id=RequestId("by hand"), usage={USD: 7}
        )
        state = await keep.turns.settle_spend(
            claim, spend(), reservation=held.id, outcome=DONE, usage=FOUR
        )
        assert state == DONE
        assert await bank.figures() == (7, 0)
        assert not any(
            isinstance(entry.state, Intended) for entry in await keep.turns.journal(claim.run)
        )

    keep.run(scenario)
