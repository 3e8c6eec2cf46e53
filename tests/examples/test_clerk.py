"""The clerk pays once, what a person has allowed, and not more than the budget has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest

from examples.clerk import clerk
from turnkeep import (
    AccountRef,
    Ceiling,
    Completed,
    Dimension,
    Failed,
    Keep,
    Lifetime,
    Limits,
    Principal,
    RequestId,
    RunStatus,
    RunView,
    Scope,
    ScopePrefix,
    Worker,
    open_keep,
)

ANN: Final = Principal.person("ann")
RENT: Final = Scope.of("acme", "ann", agent="clerk", thread="rent")
SECONDS: Final = 30.0


@pytest.fixture
async def keep() -> AsyncIterator[Keep]:
    async with open_keep("memory:") as keep, Worker(keep, clerk):
        yield keep


async def asked(keep: Keep) -> RunView:
    """A run that waits for a person."""
    run = await keep.turns.submit(RENT, actor=ANN, request_id=RequestId("1"))
    assert isinstance(run, RunView)
    waiting = await keep.turns.wait(run.address, timeout_seconds=SECONDS)
    assert waiting is not None
    assert waiting.status is RunStatus.BLOCKED
    return waiting


async def ended(keep: Keep, waiting: RunView) -> RunView:
    view = await keep.turns.wait(
        waiting.address, after_version=waiting.version, timeout_seconds=SECONDS
    )
    assert view is not None
    return view


async def test_what_is_approved_is_paid_and_what_was_used_is_charged(keep: Keep) -> None:
    limits = Limits.of(Lifetime(), {Dimension.USD_NANO: Ceiling.of(10**9)})
    account = AccountRef.user("acme", "ann")
    await keep.budgets.set_limit(account, limits, by=ANN, request_id=RequestId("limit"))
    waiting = await asked(keep)
    (question,) = (await keep.approvals.list_pending(ScopePrefix.owner(RENT))).approvals
    payload = await keep.approvals.payload(RENT, question.id)
    assert payload is not None
    assert payload.display == "Send 1200 to landlord"
    await keep.approvals.approve(RENT, question.id, by=ANN, decision_id=RequestId("click"))
    done = await ended(keep, waiting)
    assert isinstance(done.state, Completed)
    assert (done.state.result_ref or "").startswith("receipt:")
    spent = (await keep.budgets.account(account)).dimensions
    (money,) = [each for each in spent if each.dimension is Dimension.USD_NANO]
    assert money.spent == 7_000_000


async def test_what_is_denied_is_not_paid(keep: Keep) -> None:
    waiting = await asked(keep)
    (question,) = (await keep.approvals.list_pending(ScopePrefix.owner(RENT))).approvals
    await keep.approvals.deny(RENT, question.id, by=ANN, decision_id=RequestId("click"))
    done = await ended(keep, waiting)
    assert isinstance(done.state, Failed)
    assert done.state.category == "denied"
    names = {effect.id for effect in await keep.turns.journal(done.address)}
    assert not any("send the money" in name for name in map(str, names))
