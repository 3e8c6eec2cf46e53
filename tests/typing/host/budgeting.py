"""A host in types: it reserves before it calls a model, and tells each refusal apart."""

from typing import assert_never

from turnkeep import (
    AccountRef,
    BudgetApprovalDeclined,
    BudgetApprovalNeeded,
    Calendar,
    CalendarUnit,
    Ceiling,
    Dimension,
    Keep,
    LimitExceeded,
    Limits,
    LimitsSet,
    PriceList,
    Principal,
    Receipt,
    Refused,
    RequestId,
    ReservationStatus,
    Scope,
    TokenCounts,
)

USD = Dimension.USD_NANO


async def may_start(keep: Keep, scope: Scope, turn: RequestId, prices: PriceList) -> str | None:
    """None where it may; else what to tell."""
    estimate = prices.estimate("large", input_tokens=10, max_output_tokens=20)
    if isinstance(estimate, Refused):
        return estimate.reason.sentence
    answer = await keep.budgets.reserve(scope, id=turn, estimate=estimate, owner="w")
    match answer:
        case Receipt(standing=ReservationStatus.ACTIVE):
            return None
        case Receipt():
            return "it is over"
        case Refused(LimitExceeded(breaches=breaches)):
            return f"{breaches[0].dimension.value} at {breaches[0].limit}"
        case Refused(BudgetApprovalNeeded(gate=gate)):
            return f"ask about {gate}"
        case Refused(BudgetApprovalDeclined(until=until)):
            return until.isoformat()
        case Refused(reason):
            return reason.code
        case _:
            assert_never(answer)


async def finish(keep: Keep, scope: Scope, turn: RequestId, prices: PriceList) -> bool:
    usage = prices.price("large", TokenCounts(input=5, output=7))
    if isinstance(usage, Refused):
        return False
    answer = await keep.budgets.reconcile(
        scope, turn, request_id=RequestId(f"{turn}:done"), usage=usage
    )
    return isinstance(answer, Receipt)


async def stream(keep: Keep, scope: Scope, turn: RequestId) -> int:
    async with keep.budgets.hold(scope, id=turn, estimate={USD: 5}, owner="w") as held:
        held.use({USD: 1})
    return 0 if held.used is None else held.used[USD]


async def limited(keep: Keep, by: Principal, click: RequestId) -> int:
    daily = Limits.of(Calendar("UTC", CalendarUnit.DAY), {USD: Ceiling.of(5, warn_bp=7_500)})
    answer = await keep.budgets.set_limit(
        AccountRef.tenant("acme"), daily, by=by, request_id=click, expected_revision=0
    )
    return answer.limit_revision if isinstance(answer, LimitsSet) else -1
