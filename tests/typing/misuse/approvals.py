"""A use case called with plain text, without its request id, or with its refusal overlooked."""

from turnkeep import ApprovalOutcome, Keep, Principal, RequestId, Scope, open_keep


async def plain_text(keep: Keep, scope: Scope) -> None:
    await keep.approvals.approve(
        scope,
        "x",
        by="ann",  # expect: arg-type
        decision_id="click-1",  # expect: arg-type
    )


async def without_a_request_id(keep: Keep, scope: Scope, ann: Principal) -> None:
    await keep.approvals.approve(scope, "x", by=ann)  # expect: call-arg


async def refusal_overlooked(
    keep: Keep, scope: Scope, ann: Principal, click: RequestId
) -> ApprovalOutcome:
    return await keep.approvals.approve(  # expect: return-value
        scope, "x", by=ann, decision_id=click
    )


async def absence_overlooked(keep: Keep, scope: Scope) -> str:
    approval = await keep.approvals.get(scope, "x")
    return approval.state.value  # expect: no-any-return, union-attr


async def never_awaited(keep: Keep, scope: Scope) -> None:
    keep.approvals.expire(scope, "x")  # expect: unused-coroutine


async def a_scope_for_a_prefix(keep: Keep, scope: Scope) -> None:
    await keep.approvals.list_pending(scope)  # expect: arg-type


async def not_entered() -> Keep:
    return open_keep("memory:")  # expect: return-value


async def an_outcome_rewritten(outcome: ApprovalOutcome) -> None:
    outcome.missing = 0  # expect: misc
