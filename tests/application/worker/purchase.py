"""A purchase: a run that makes one call across all aggregates, as docs/flows.md writes it.

It is approved by a person, paid for by a budget and made with a secret. `require_bought_once` holds
what the store says afterwards against the world outside, whoever was killed on the way.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from attrs import frozen

from tests.application.secrets.spellings import spellings
from tests.application.turns.invariants import Whole, require_invariants
from tests.application.worker.errand import everything
from tests.application.worker.outside import Deed, Outside
from tests.application.worker.sites import Host
from turnkeep_adapters.cipher.aes_gcm import AesGcmCipher
from turnkeep_adapters.cipher.master_key import MasterKey, fit
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, GateClosed, StepNotDone
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.approvals.canonical import Json
from turnkeep_domain.approvals.events import ApprovalApproved
from turnkeep_domain.approvals.grant_events import GrantConsumed, GrantIssued, GrantSettled
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.events import BudgetReconciled, BudgetReleased, BudgetReserved
from turnkeep_domain.budgets.periods import Lifetime
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import ReconcileRefusal, ReleaseRefusal
from turnkeep_domain.decisions import Refused
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.events import SecretLeaseIssued, SecretLeaseUsed
from turnkeep_domain.secrets.generations import ABSENT
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.states import SecretOutcome
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.run_states import Completed

USD: Final = Dimension.USD_NANO
HANDLE: Final = "card-of-the-house"
MATERIAL: Final = b"tok-5d2e90b7-open-sesame"
_SPELT: Final = spellings(MATERIAL)
ORDER: Final[dict[str, Json]] = {"cents": 5}
ESTIMATE: Final = {USD: 10}
COST: Final = 7
ROOM: Final = 16
"""For one purchase; a hold that leaks leaves none."""
HOLD_MS: Final = 86_400_000
LEAST: Final = 12
"""Commits of one purchase: two claims, the question, two for the hold, two for the secret, two for
the payment, two for the bill, and the end."""


def _key() -> MasterKey:
    key = fit(hashlib.sha256(b"of all purchases").digest())
    assert isinstance(key, MasterKey)
    return key


CIPHER: Final = AesGcmCipher.of((_key(),))


@frozen
class Purchasing:
    """The handler of a purchase.

    Attributes:
        budgets: Those of the keep whose worker calls it.
        outside: Where it pays.
        shut: Whether nobody takes its money there, for sure.
    """

    budgets: Budgets
    outside: Outside
    shut: bool = False

    async def __call__(self, ctx: RunContext) -> Ref:
        yes = await ctx.require_approval(
            "may it pay",
            action=Dispatch.of("pay", {"usd_nano": ESTIMATE[USD]}),
            effects=frozenset({Effect.FINANCIAL}),
            input=ORDER,
            reason="because",
            display="pay",
            lifetime_seconds=86_400,
        )
        held = RequestId(await ctx.effect("hold", partial(self._hold, ctx), mode="keyed"))
        with await ctx.secret(HANDLE) as token:
            try:
                paid = await ctx.effect("pay", partial(self._pay, ctx, token), ORDER, grant=yes)
            except (CallRefused, GateClosed, StepNotDone):
                paid = None
        if paid is None:
            await ctx.effect("give back", partial(self._give_back, ctx, held), mode="keyed")
            return Ref("not bought")
        bill = partial(self._bill, ctx, held, {USD: paid["cost"]})
        await ctx.effect("bill", bill, mode="keyed")
        return Ref("bought")

    async def _hold(self, ctx: RunContext, key: str) -> str:
        held = await self.budgets.reserve(
            ctx.run.scope,
            id=RequestId(key),
            estimate=ESTIMATE,
            owner=ctx.run.id,
            ttl_ms=HOLD_MS,
        )
        if isinstance(held, Refused):
            raise StepNotDone(Category(held.reason.code))
        if held.standing is not ReservationStatus.ACTIVE:
            raise StepNotDone(Category("hold_over"))
        return held.id

    async def _pay(self, ctx: RunContext, token: Material, key: str) -> dict[str, int]:
        assert token.reveal() == MATERIAL
        if self.shut:
            raise StepNotDone(Category("bank_closed"))
        self.outside.do(Deed("pay", ctx.run.id, key))
        return {"cost": COST}

    async def _give_back(self, ctx: RunContext, held: RequestId, key: str) -> None:
        require_closed(await self.budgets.release(ctx.run.scope, held, request_id=RequestId(key)))

    async def _bill(
        self, ctx: RunContext, held: RequestId, usage: dict[Dimension, int], key: str
    ) -> None:
        require_closed(
            await self.budgets.reconcile(
                ctx.run.scope, held, request_id=RequestId(key), usage=usage
            )
        )


def require_closed(answer: Receipt | Refused[ReconcileRefusal] | Refused[ReleaseRefusal]) -> None:
    if isinstance(answer, Refused):
        raise StepNotDone(Category(answer.reason.code))


def receipt_of(_: EffectId) -> Json:
    """What a payment returned of which an operator found that it happened."""
    return {"cost": COST}


async def prepare(host: Host, user: str) -> None:
    """Gives a user a budget and a card."""
    limits = Limits.of(Lifetime(), {USD: Ceiling.of(ROOM)})
    answer = await host.keep.budgets.set_limit(
        AccountRef.user("acme", user), limits, by=Principal.person("bo"), request_id=_ONCE
    )
    assert isinstance(answer, LimitsSet)
    with Material.of(MATERIAL) as material:
        kept = await host.keep.secrets.put(
            Scope.of("acme", user), HANDLE, material=material, expected=ABSENT, request_id=_ONCE
        )
    assert isinstance(kept, SecretOutcome), kept


_ONCE: Final = RequestId("first")


async def require_bought_once(host: Host, outside: Outside, runs: Sequence[RunView]) -> None:
    """Fails unless each run, of a user each, has bought once, and nothing is left of it.

    The deed was done once, on one yes that was used once, under one hold that was closed at its
    cost, with a secret that no lease gave out twice and that is nowhere.
    """
    whole = await everything(host)
    require_invariants(whole)
    _require_no_material(whole)
    for run in runs:
        view = await host.turns.get(run.address)
        assert view is not None
        assert view.state == Completed(result_ref=Ref("bought")), view.state
        assert view.open == ()
        deeds = [deed for deed in outside.deeds() if deed.run == run.id]
        assert len(deeds) == 1, f"it was paid {len(deeds)} times"
        _require_told_once(_events_of(whole, str(run.scope.user)))
        account = await host.keep.budgets.account(AccountRef.user("acme", str(run.scope.user)))
        assert (account[USD].spent, account[USD].reserved) == (COST, 0)


async def require_not_bought(host: Host, outside: Outside, run: RunView) -> None:
    """Fails unless a run has left everything as it was."""
    whole = await everything(host)
    require_invariants(whole)
    view = await host.turns.get(run.address)
    assert view is not None
    assert view.state == Completed(result_ref=Ref("not bought")), view.state
    assert outside.deeds() == []
    told = {type(event) for event in whole.events}
    assert BudgetReleased in told
    assert not told & {BudgetReconciled, GrantConsumed}
    account = await host.keep.budgets.account(AccountRef.user("acme", str(run.scope.user)))
    assert (account[USD].spent, account[USD].reserved) == (0, 0)


def _events_of(whole: Whole, user: str) -> list[Event]:
    return [event for event in whole.events if event.address.scope.user == user]


def _require_told_once(events: Iterable[Event]) -> None:
    told = Counter[type[Event]]()
    uses, leases = Counter[str](), set[str]()
    for event in events:
        told[type(event)] += 1
        match event:
            case SecretLeaseIssued():
                leases.add(event.address.id)
            case SecretLeaseUsed():
                uses[event.address.id] += 1
            case GrantSettled(happened=False):
                told[GrantSettled] -= 1
            case _:
                pass
    for kind in (ApprovalApproved, GrantIssued, BudgetReserved, BudgetReconciled):
        assert told[kind] == 1, (kind, told[kind])
    assert told[GrantConsumed] + told[GrantSettled] == 1
    assert uses.keys() <= leases
    assert set(uses.values()) == {1}


def _require_no_material(whole: Whole) -> None:
    bodies = [cell.entry.body for cell in whole.cells]
    bodies += [stored.body for stored in whole.stored_events]
    for body in bodies:
        require_no_material_in(body)


def require_no_material_in(stored: bytes) -> None:
    """Fails where what is stored has the material, however it is spelt."""
    assert not any(spelt in stored for spelt in _SPELT)
