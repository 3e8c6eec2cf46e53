"""A synchronous host in types: exact answers from a blocking keep, on whichever thread."""

from concurrent.futures import ThreadPoolExecutor
from typing import assert_never

from turnkeep import (
    ApprovalOutcome,
    BlockingApprovals,
    BlockingBudgetHold,
    BlockingHolding,
    BlockingKeep,
    BlockingTurns,
    BlockingWorker,
    CalledFromPortal,
    Dimension,
    Exported,
    Keep,
    KeepClosed,
    KeepForked,
    NotPending,
    Principal,
    Receipt,
    Refused,
    RequestId,
    RunContext,
    RunView,
    Scope,
    ScopePrefix,
    SessionId,
    Settings,
    StillPending,
    TurnkeepError,
    open_blocking_keep,
)

ANN = Principal.person("ann")
RENT = Scope.of("acme", "ann", thread="rent")


async def handler(ctx: RunContext) -> None:
    del ctx


def ask(turns: BlockingTurns) -> RunView | None:
    answer = turns.submit(RENT, actor=ANN, request_id=RequestId("1"), payload=b"pay")
    if isinstance(answer, Refused):
        code: str = answer.reason.code
        print(code)
        return None
    return turns.wait(answer.address, after_version=answer.version, timeout_seconds=5)


def decide(approvals: BlockingApprovals, id: str) -> str:
    view = approvals.wait(RENT, id, seen=1)
    match view:
        case None:
            return "there is none"
        case StillPending(view=pending):
            seen: int = pending.changes
            return f"still {seen}"
        case _:
            pass
    answer = approvals.approve(RENT, id, by=ANN, decision_id=RequestId("click"))
    match answer:
        case ApprovalOutcome(state=state):
            return state.value
        case Refused(NotPending()):
            return "it was decided"
        case Refused(reason):
            return reason.code
        case _:
            assert_never(answer)


def spend(keep: BlockingKeep) -> Receipt | None:
    with keep.budgets.hold(
        RENT, id=RequestId("call"), estimate={Dimension.USD_NANO: 5}, owner="w"
    ) as hold:
        held: BlockingBudgetHold = hold
        held.use({Dimension.USD_NANO: 1})
        longer = held.extend(ttl_ms=1_000)
    return longer if isinstance(longer, Receipt) else None


def under_a_lease(keep: BlockingKeep) -> int:
    with keep.leases.hold(RENT, "desk", holder="me", patience_seconds=0) as holding:
        desk: BlockingHolding = holding
        return desk.fence if not desk.wait_lost(0.1) and not desk.is_lost else 0


def export(keep: BlockingKeep) -> list[str]:
    lines: list[str] = []
    answer = keep.threads.export(RENT, "rent", write=lines.append)
    exported: Exported | None = None if isinstance(answer, Refused) else answer
    return lines if exported is not None else []


async def both(keep: Keep) -> tuple[bool, int]:
    view = await keep.leases.get(RENT, "desk")
    return view.vacant, 1


def main() -> None:
    with open_blocking_keep("memory:", settings=Settings.from_environment()) as keep:
        with BlockingWorker(keep, handler, concurrency=2) as worker:
            worker.drain()
        with ThreadPoolExecutor(4) as threads:
            waiting = [threads.submit(ask, keep.turns) for _ in range(4)]
            seen: list[RunView | None] = [each.result() for each in waiting]
        session: SessionId = keep.credentials.new_session_id()
        vacant, number = keep.run(both)
        late: bool = vacant and number > len(seen)
        page = keep.approvals.list_pending(ScopePrefix.owner(RENT), limit=5)
        ids: list[str] = [view.id for view in page.approvals]
        del session, late, ids
    try:
        keep.close()
    except (KeepClosed, KeepForked, CalledFromPortal) as error:
        known: TurnkeepError = error
        code: str = known.code
        raise LookupError(code) from error
