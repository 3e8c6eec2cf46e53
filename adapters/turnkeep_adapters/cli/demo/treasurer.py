"""A treasurer: says what the tasks of a demonstration may cost, and how many tools are in use."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import frozen

from turnkeep import (
    AccountRef,
    Ceiling,
    Keep,
    Lifetime,
    Limits,
    LimitsRevised,
    LimitsSet,
    Principal,
    Refused,
    RequestId,
    RequestIdReused,
)
from turnkeep_adapters.cli.demo.costs import MONEY, PLACES, allowance_of
from turnkeep_adapters.cli.demo.errand import Errand, tenant_of
from turnkeep_adapters.cli.demo.stamina import insisting

TREASURER: Final = Principal.person("tilda")
# Fewer than there are hands, so that some have to wait for their turn.
_PLACES: Final = 5
_MONEY_MAX: Final = 1_000 * 10**9


@frozen(kw_only=True)
class Treasurer:
    """Whoever sets the ceilings: one for the tenant, and one for each task."""

    keep: Keep
    seed: int

    async def open(self) -> None:
        """Limits the tenant.

        Raises:
            RuntimeError: The keep does not let it.
        """
        limits = Limits.of(Lifetime(), {MONEY: Ceiling.of(_MONEY_MAX), PLACES: Ceiling.of(_PLACES)})
        tenant = AccountRef.tenant(str(tenant_of(self.seed).tenant))
        answer = await insisting(
            partial(
                self.keep.budgets.set_limit,
                tenant,
                limits,
                by=TREASURER,
                request_id=RequestId("open"),
            )
        )
        match answer:
            case LimitsSet():
                return
            case Refused(reason):
                raise RuntimeError(f"the tenant could not be limited: {reason.code}")

    async def allow(self, errand: Errand) -> None:
        """Raises the ceiling of a task by what an errand may cost, once, whoever else does so too.

        Raises:
            RuntimeError: The keep does not let it.
        """
        account = AccountRef.thread(errand.scope)
        budgets, allowance = self.keep.budgets, allowance_of(errand, self.seed)
        while True:
            view = await insisting(partial(budgets.account, account))
            ceiling = view[MONEY].ceiling
            known = 0 if ceiling is None else ceiling.max
            answer = await insisting(
                partial(
                    budgets.set_limit,
                    account,
                    Limits.of(Lifetime(), {MONEY: Ceiling.of(known + allowance)}),
                    by=TREASURER,
                    request_id=errand.request_id,
                    expected_revision=view.limit_revision,
                )
            )
            match answer:
                case LimitsSet() | Refused(RequestIdReused()):
                    return  # the latter: in an earlier demonstration, from another ceiling
                case Refused(LimitsRevised()):
                    continue
                case Refused(reason):
                    raise RuntimeError(f"a task could not be limited: {reason.code}")
