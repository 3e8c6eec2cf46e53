"""An approval gate: a handler puts one exact call before people and waits for them.

A yes has its time. Where that was up before the call was made, the same call is asked again, as its
next attempt, at a place of its own in the journal: so a replay finds that it was.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from turnkeep_application.worker.exits import CallRefused
from turnkeep_application.worker.gates import Gates, require_granted
from turnkeep_application.worker.runner import Runner
from turnkeep_domain.approvals.approval_id import ApprovalId, approval_id
from turnkeep_domain.approvals.calls import Action, Call, Effect
from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.fingerprint import Fingerprint, fingerprint_of
from turnkeep_domain.approvals.names import InvocationId
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import IdSpent, RaiseRefusal
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Refused
from turnkeep_domain.principals import Principal
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.limits import RETRIES_MAX
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.refusals import BlockRefusal

# Its place in the journal makes each call one of its own, so that none is asked for twice. But what
# a run had asked when it was called off was withdrawn along: the one that repeats it asks anew.
_ATTEMPTS_MAX: Final = RETRIES_MAX + 1

FIRST: Final = 1
"""The attempt under whose id a call is known, however often it has to be asked."""

# No host's own name for a gate begins like this.
_AGAIN: Final = "turnkeep.approval_again."


@frozen(kw_only=True)
class ApprovalRequest:
    """What a handler wants approved; as of `RunContext.require_approval`."""

    action: Action
    effects: frozenset[Effect]
    input: Json | JsonText
    reason: str
    display: str
    requester: Principal | None
    lifetime_seconds: int | None
    quorum: Quorum | None
    offers: frozenset[Offer] | None
    cause: ConsentRule


@frozen(kw_only=True)
class AskedCall:
    """One call that the handler asks for, as often as it has to be.

    Attributes:
        gate: The place in the journal where it is asked first.
    """

    runner: Runner
    gates: Gates
    gate: EffectId
    invocation: InvocationId
    fingerprint: Fingerprint = field(repr=False)
    wanted: ApprovalRequest = field(repr=False)

    def approval(self, attempt: int) -> ApprovalId:
        """The approval of one attempt."""
        return approval_id(self.fingerprint, attempt)

    async def ask(self) -> None:
        """Asks it, or finds that it was, and passes once it is granted.

        Raises:
            GateClosed: It is decided otherwise.
            RunLeft: The run waits.
            CallRefused: It cannot be asked.
        """

        async def wait() -> RunStanding | Disposition | Refused[BlockRefusal | RaiseRefusal]:
            answer = await self._put(self.gate, FIRST)
            for attempt in range(FIRST + 1, _ATTEMPTS_MAX + 1):
                if not isinstance(answer, Refused) or not isinstance(answer.reason, IdSpent):
                    break
                answer = await self._put(self.gate, attempt)
            return answer

        await self.gates.waited(self._at(self.gate), wait)

    async def ask_again(self, attempt: int) -> None:
        """Asks it anew, at a place of its own; as `ask`."""
        place = self._place(attempt)
        await self.gates.waited(self._at(place), lambda: self._put(place, attempt))

    def require_not_closed(self, attempt: int) -> None:
        """Lets an attempt pass that was granted, or was never asked anew.

        Raises:
            GateClosed: It was asked anew, and not granted.
        """
        place = self._place(attempt)
        known = self.gates.disposition(place)
        if known is not None:
            require_granted(place, known)

    def _place(self, attempt: int) -> EffectId:
        return EffectId(f"{_AGAIN}{self.runner.key(self.gate)}", attempt)

    def _at(self, place: EffectId) -> Gate:
        """What a call waits for; the same, however often it was put before people."""
        return Gate.of(kind=GateKind.APPROVAL, ref=Ref(self.approval(FIRST)), effect=place)

    async def _put(
        self, place: EffectId, attempt: int
    ) -> RunStanding | Disposition | Refused[BlockRefusal | RaiseRefusal]:
        wanted = self.wanted
        return await self.runner.turns.require_approval(
            self.runner.claim,
            place,
            invocation=self.invocation,
            action=wanted.action,
            effects=wanted.effects,
            requester=self._requester(),
            input=wanted.input,
            reason=wanted.reason,
            display=wanted.display,
            lifetime_seconds=wanted.lifetime_seconds,
            quorum=wanted.quorum,
            attempt=attempt,
            offers=wanted.offers,
            cause=wanted.cause,
        )

    def _requester(self) -> Principal:
        if self.wanted.requester is not None:
            return self.wanted.requester
        agent = self.runner.run.scope.agent
        return self.runner.run.turn.actor if agent is None else Principal.agent(agent)


@frozen
class ApprovalGates:
    """The approvals that one handler asks for."""

    runner: Runner
    gates: Gates
    _asked: dict[str, AskedCall] = field(factory=dict, init=False, repr=False)

    async def require(self, name: str, wanted: ApprovalRequest) -> ApprovalId:
        """As `RunContext.require_approval` promises."""
        runner = self.runner
        id = runner.journal.next_call(name)
        runner.tenancy.require_open()
        call = self._call(id, wanted)
        await call.ask()
        approval = call.approval(FIRST)
        self._asked[approval] = call
        return approval

    def asked(self, approval: str) -> AskedCall | None:
        """The call that this handler has asked for under that id; None where it has not."""
        return self._asked.get(approval)

    def _call(self, id: EffectId, wanted: ApprovalRequest) -> AskedCall:
        spelt = canonical(wanted.input)
        if not isinstance(spelt, CanonicalInput):
            # The same input is refused in every replay: nothing is to be remembered of it.
            raise CallRefused(spelt, spelt.code, id)
        invocation = InvocationId(self.runner.key(id))
        scope = self.runner.run.scope
        call = Call(scope=scope, invocation=invocation, action=wanted.action, input=spelt)
        return AskedCall(
            runner=self.runner,
            gates=self.gates,
            gate=id,
            invocation=invocation,
            fingerprint=fingerprint_of(call),
            wanted=wanted,
        )
