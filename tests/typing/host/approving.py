"""A host in types: it asks, looks at every answer, and decides; all that it imports is the face."""

from typing import assert_never

from turnkeep import (
    ApprovalOutcome,
    ApprovalView,
    CapabilityId,
    CorrelationId,
    Dispatch,
    Effect,
    Estimate,
    InvocationId,
    Keep,
    Principal,
    Refused,
    RequestId,
    Scope,
    ScopePrefix,
    StillPending,
    open_keep,
)


async def ask(keep: Keep, scope: Scope) -> str | None:
    asked = await keep.approvals.raise_request(
        scope,
        invocation=InvocationId("turn-7/call-1"),
        action=Dispatch(capability=CapabilityId("send_money"), estimate=Estimate.nothing()),
        effects=frozenset({Effect.FINANCIAL}),
        requester=Principal.agent("clerk"),
        correlation_id=CorrelationId("turn-7"),
        input={"to": "landlord", "amount": 1200},
        reason="The rent is due",
        display="Send 1200 to landlord",
    )
    match asked:
        case ApprovalView(id=id):
            return id
        case Refused():
            return None
        case _:
            assert_never(asked)


async def decide(keep: Keep, scope: Scope, id: str) -> str:
    answer = await keep.approvals.approve(
        scope, id, by=Principal.person("ann"), decision_id=RequestId("click-1")
    )
    match answer:
        case ApprovalOutcome(state=state):
            return state.value
        case Refused(reason):
            return type(reason).__name__
        case _:
            assert_never(answer)


async def follow(keep: Keep, scope: Scope, id: str) -> str:
    match await keep.approvals.wait(scope, id, seen=0, timeout_seconds=0):
        case ApprovalView(state=state):
            return state.value
        case StillPending():
            return "pending"
        case None:
            return "gone"


async def main() -> None:
    scope = Scope.of("acme", "ann")
    async with open_keep("memory:") as keep:
        id = await ask(keep, scope)
        if id is not None:
            await decide(keep, scope, id)
            await follow(keep, scope, id)
        await keep.approvals.list_pending(ScopePrefix.owner(scope))
