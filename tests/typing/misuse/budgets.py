"""A reservation taken for granted, amounts of no dimension, and a hold that is not entered."""

from turnkeep import AccountRef, Dimension, Keep, Limits, Principal, Receipt, RequestId, Scope


async def refusal_overlooked(keep: Keep, scope: Scope, turn: RequestId) -> Receipt:
    return await keep.budgets.reserve(  # expect: return-value
        scope, id=turn, estimate={Dimension.USD_NANO: 1}, owner="w"
    )


async def amounts_of_no_dimension(keep: Keep, scope: Scope, turn: RequestId) -> None:
    await keep.budgets.reserve(
        scope,
        id=turn,
        estimate={"usd_nano": 1},  # expect: dict-item
        owner="w",
    )


async def a_float(keep: Keep, scope: Scope, turn: RequestId) -> None:
    await keep.budgets.reconcile(
        scope,
        turn,
        request_id=turn,
        usage={Dimension.USD_NANO: 0.5},  # expect: dict-item
    )


async def a_scope_for_an_account(keep: Keep, scope: Scope) -> None:
    await keep.budgets.meter(scope)  # expect: arg-type


async def without_anybody(keep: Keep, limits: Limits, click: RequestId) -> None:
    await keep.budgets.set_limit(  # expect: call-arg
        AccountRef.tenant("acme"), limits, request_id=click
    )


async def not_entered(keep: Keep, scope: Scope, turn: RequestId) -> None:
    held = keep.budgets.hold(scope, id=turn, estimate={Dimension.USD_NANO: 1}, owner="w")
    held.use({Dimension.USD_NANO: 1})  # expect: attr-defined


async def absence_overlooked(keep: Keep, scope: Scope, turn: RequestId) -> str:
    view = await keep.budgets.reservation(scope, turn)
    return view.owner  # expect: union-attr


async def never_awaited(keep: Keep) -> None:
    keep.budgets.expire_due()  # expect: unused-coroutine


async def somebody_in_text(keep: Keep, limits: Limits, click: RequestId) -> Principal | None:
    await keep.budgets.set_limit(
        AccountRef.tenant("acme"),
        limits,
        by="bo",  # expect: arg-type
        request_id=click,
    )
    return None
