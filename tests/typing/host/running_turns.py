"""A host in types that submits, claims, journals and waits; all that it imports is the face."""

from typing import assert_never

from turnkeep import (
    Actor,
    Category,
    Claim,
    Disposition,
    Done,
    EffectId,
    Gate,
    GateKind,
    Intended,
    Keep,
    LeaseExpired,
    LeaseLost,
    Mode,
    NotDone,
    Principal,
    Ref,
    Refused,
    RequestId,
    RunAddress,
    RunStanding,
    RunView,
    Scope,
    ThreadBusy,
    Token,
    TurnPolicy,
    Uncertain,
    digest_of,
)

ANN = Principal.person("ann")


async def submit(keep: Keep, scope: Scope) -> RunAddress | str:
    run = await keep.turns.submit(
        scope,
        actor=ANN,
        request_id=RequestId("message-7"),
        payload=b"pay the rent",
        message_ref=Ref("messages/7"),
        policy=TurnPolicy.interactive(),
    )
    match run:
        case RunView():
            return run.address
        case Refused(ThreadBusy(run=busy)):
            return f"it still works on {busy}"
        case Refused(reason):
            return reason.code
        case _:
            assert_never(run)


async def work(keep: Keep, token: Token) -> None:
    found = await keep.turns.claim(holder="worker-1", token=token, count=2)
    for granted in found.granted:
        await step(keep, granted.claim)
    for lane in found.doubtful:
        await keep.turns.claim(holder="worker-1", token=token, lanes=[lane])


async def step(keep: Keep, claim: Claim) -> RunStanding | None:
    call, arguments = EffectId("pay", 0), digest_of("pay", 12)
    state = await keep.turns.intend(claim, call, arguments=arguments)
    match state:
        case Intended():
            done = Done(output=b"{}", disposition=None)
            await keep.turns.settle(claim, call, mode=Mode.ONCE, arguments=arguments, outcome=done)
        case Done() | NotDone() | Uncertain():
            pass
        case Refused(LeaseLost() | LeaseExpired()):
            return None
        case Refused(reason):
            raise RuntimeError(reason.code)
        case _:
            assert_never(state)
    ended = await keep.turns.complete(claim, result_ref=Ref("messages/8"))
    return None if isinstance(ended, Refused) else ended


async def wait_for_a_tool(keep: Keep, claim: Claim) -> Disposition | None:
    gate = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("job-1"), effect=EffectId("job", 0))
    answer = await keep.turns.block(claim, gate=gate)
    match answer:
        case Disposition():
            return answer
        case RunStanding() | Refused():
            return None
        case _:
            assert_never(answer)


async def look_after(keep: Keep, run: RunAddress) -> str:
    view = await keep.turns.wait(run, timeout_seconds=0)
    if view is None:
        return "none"
    if view.open:
        found = {call: NotDone(category=Category("checked"), redo=True) for call in view.open}
        olga = Actor.operator(Principal.person("olga"))
        await keep.turns.retry(run, settlements=found, actor=olga, request_id=RequestId("click-1"))
    return view.status.value
