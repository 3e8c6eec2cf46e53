"""A web surface of gates: people see what an agent waits for, and answer it.

The handlers are plain functions, as FastAPI, Starlette or Django call them once they are routed:
they take who is signed in and what was sent, and answer a status and a body. A client supplies
neither scope nor actor. Run it: `python examples/gates_web.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from secrets import token_bytes
from typing import Final

from attrs import frozen

from turnkeep import (
    ApprovalView,
    CapabilityId,
    Coded,
    Contended,
    CorrelationId,
    Dispatch,
    Effect,
    GateAnswered,
    GateOption,
    GateProblem,
    GateRef,
    GrantOutcome,
    GrantToken,
    InvalidGateRef,
    InvalidValue,
    InvocationId,
    Keep,
    Offer,
    OutcomeUnknown,
    Principal,
    Refused,
    RequestId,
    Scope,
    ScopePrefix,
    Unavailable,
    open_keep,
)

SCOUT: Final = Principal.agent("scout")
SEND: Final = CapabilityId("mail.send")


@frozen(kw_only=True)
class Session:
    """Who is signed in, as the host's own authentication says it."""

    tenant: str
    user: str

    @property
    def person(self) -> Principal:
        """Who answers."""
        return Principal.person(self.user)

    def scope(self, thread: str) -> Scope:
        """Where the gates of one of this user's threads are."""
        return Scope.of(self.tenant, self.user, agent=SCOUT.id, thread=thread)


@frozen(kw_only=True)
class Response:
    """What a framework sends."""

    status: int
    body: Mapping[str, object]


def problem(told: GateProblem) -> Response:
    """A refusal or a doubt, with the status that it has."""
    return Response(status=told.status, body=told.body)


async def guarded(answer: Callable[[], Awaitable[Response]]) -> Response:
    """What a framework has as its exception handler: after a 503 the same is sent again."""
    try:
        return await answer()
    except (Contended, Unavailable, OutcomeUnknown) as doubt:
        return problem(GateProblem.of(doubt))


# ---- GET /gates ---------------------------------------------------------------------------------


async def list_gates(keep: Keep, session: Session, *, after: str | None = None) -> Response:
    """All gates of the user, over all threads, oldest first."""

    async def answer() -> Response:
        everywhere = ScopePrefix.owner(session.scope("any"))
        try:
            page = await keep.approvals.list_pending(everywhere, after=after)
        except InvalidValue:  # the client has altered `after`
            return problem(GateProblem.malformed())
        gates = [_row(view) for view in page.approvals]
        shown_at = page.read_at.isoformat()
        return Response(status=200, body={"gates": gates, "shown_at": shown_at, "next": page.next})

    return await guarded(answer)


def _row(view: ApprovalView) -> dict[str, object]:
    return {
        "ref": str(view.ref),
        "thread": view.scope.thread,
        "tool": view.action.capability,
        "effects": sorted(effect.value for effect in view.effects),
        "options": _options(view),
        "expires_at": view.expires_at.isoformat(),
    }


def _options(view: ApprovalView) -> list[str]:
    always = [GateOption.ALWAYS_ALLOW] if Offer.ALWAYS in view.offers else []
    return [option.value for option in (GateOption.ALLOW_ONCE, *always, GateOption.DENY)]


# ---- GET /threads/{thread}/gates/{ref} ----------------------------------------------------------


async def show_gate(keep: Keep, session: Session, thread: str, ref: str) -> Response:
    """One gate with what its decider should read; both texts are safe to show as they are."""

    async def answer() -> Response:
        gate = GateRef.parse(ref)
        if isinstance(gate, InvalidGateRef):
            return problem(GateProblem.of(Refused(gate)))
        scope = session.scope(thread)
        view = await keep.approvals.get(scope, gate.id)
        if view is None:
            return Response(status=404, body={"code": "unknown_gate", "retryable": False})
        payload = await keep.approvals.payload(scope, gate.id)
        texts = {} if payload is None else {"why": payload.reason, "what": payload.display}
        return Response(status=200, body={**_row(view), "state": view.state.value, **texts})

    return await guarded(answer)


# ---- POST /threads/{thread}/answers -------------------------------------------------------------


async def answer_gate(
    keep: Keep, session: Session, thread: str, sent: Mapping[str, object]
) -> Response:
    """An answer: `option`, `decision_id`, and either `ref` or, of a bare yes or no, `shown_at`."""

    async def answer() -> Response:
        try:
            option = GateOption(sent["option"])
            decision_id = RequestId(_text(sent["decision_id"]))
            ref = None if sent.get("ref") is None else _text(sent["ref"])
            shown_at = None if ref else datetime.fromisoformat(_text(sent["shown_at"]))
            told = await keep.approvals.answer(
                session.scope(thread),
                decider=session.person,
                ref=ref,
                option=option,
                decision_id=decision_id,
                shown_at=shown_at,
            )
        except (KeyError, ValueError):  # InvalidValue is one too
            return problem(GateProblem.malformed())
        match told:
            case GateAnswered(ref=gate, outcome=outcome):
                body = {"ref": str(gate), "state": outcome.state.value, "missing": outcome.missing}
                return Response(status=200, body=body)
            case refused:
                return problem(GateProblem.of(refused))

    return await guarded(answer)


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case _:
            raise ValueError("a text was expected")


# ---- the agent's side ---------------------------------------------------------------------------


async def ask(keep: Keep, session: Session, thread: str, invocation: str) -> ApprovalView:
    """The agent wants to send a mail, and may not do that unasked."""
    view = await keep.approvals.raise_request(
        session.scope(thread),
        invocation=InvocationId(invocation),
        action=Dispatch.of(SEND),
        effects=frozenset({Effect.COMMUNICATES}),
        requester=SCOUT,
        correlation_id=CorrelationId(thread),
        input={"to": "bo@acme.example"},
        reason="Bo asked for the report.",
        display="mail to bo@acme.example",
        offers=frozenset(Offer),
    )
    match view:
        case Refused(reason):
            raise RuntimeError(reason.code)
        case _:
            return view


async def resume(
    keep: Keep, view: ApprovalView, send: Callable[[], Awaitable[str]]
) -> str | Refused[Coded]:
    """Makes the approved call once at most, wherever this process is cut off.

    Whoever is refused on the way calls nothing: another has it, it was made, or it was taken back.
    """
    approvals, scope = keep.approvals, view.scope
    token, attempt = GrantToken(token_bytes(16)), token_bytes(8).hex()
    claimed = await approvals.claim(
        scope,
        view.id,
        by=SCOUT,
        invocation=view.invocation,
        action=view.action,
        effects=view.effects,
        input={"to": "bo@acme.example"},
        token=token,
        request_id=RequestId(f"claim {attempt}"),
    )
    if isinstance(claimed, Refused):
        return claimed
    begun = await approvals.begin(
        scope, view.id, token=token, request_id=RequestId(f"begin {attempt}")
    )
    if not isinstance(begun, GrantOutcome):
        return begun
    result = await send()
    await approvals.consume(scope, view.id, token=token, request_id=RequestId(f"consume {attempt}"))
    return result


async def main() -> None:
    """A short day of this surface."""
    ada, thread = Session(tenant="acme", user="ada"), "t1"
    async with open_keep("memory:") as keep:
        first, second = (
            await ask(keep, ada, thread, "call-1"),
            await ask(keep, ada, thread, "call-2"),
        )
        listed = await list_gates(keep, ada)
        print("GET /gates:", listed.status, len(listed.body["gates"]), "gates")  # type: ignore[arg-type]  # it is a list
        bare = {"option": "allow_once", "decision_id": "d1", "shown_at": listed.body["shown_at"]}
        unclear = await answer_gate(keep, ada, thread, bare)
        print("POST yes:", unclear.status, unclear.body["code"])
        yes = {"ref": str(first.ref), "option": "allow_once", "decision_id": "d2"}
        for attempt in ("POST yes to the first:", "POST it again:"):
            told = await answer_gate(keep, ada, thread, yes)
            print(attempt, told.status, told.body["state"])
        no = {"ref": str(second.ref), "option": "deny", "decision_id": "d3"}
        print("POST no to the second:", (await answer_gate(keep, ada, thread, no)).status)
        late = {"ref": str(second.ref), "option": "allow_once", "decision_id": "d4"}
        told = await answer_gate(keep, ada, thread, late)
        print("POST yes to the second:", told.status, told.body["code"], told.body["state"])

        async def send() -> str:
            return "sent"

        print("The call:", await resume(keep, first, send))
        again = await resume(keep, first, send)
        print("The call again:", again if isinstance(again, str) else again.reason.code)


if __name__ == "__main__":
    asyncio.run(main())
