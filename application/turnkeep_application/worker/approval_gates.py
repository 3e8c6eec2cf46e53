"""An approval gate: a handler puts one exact call before people and waits for them.

A yes has its time. Where that was up before the call was made, or the run ended that had asked, the
same call is asked again, as its next attempt, at a place of its own in the journal: so a replay
finds every attempt, and which of them the call was made with.
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
from turnkeep_domain.approvals.refusals import RaiseRefusal
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Refused
from turnkeep_domain.principals import Principal
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import EffectKind
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.refusals import BlockRefusal

# Its place in the journal makes each call one of its own, so that none is asked for twice.
_FIRST: Final = 1
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
    """One call that the handler has asked for, as often as it had to be.

    Attributes:
        gate: The place in the journal of the first attempt.
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

    def attempts(self) -> int:
        """How often it was asked and granted so far, as the journal has it.

        Raises:
            GateClosed: The last attempt was not granted.
        """
        attempt = _FIRST
        while (known := self.gates.disposition(self._place(attempt + 1))) is not None:
            require_granted(self._place(attempt + 1), known)
            attempt += 1
        return attempt

    async def ask(self, attempt: int) -> None:
        """Asks it, and passes if that is granted already.

        Raises:
            GateClosed: It is decided otherwise.
            RunLeft: The run waits.
            CallRefused: It cannot be asked.
        """
        place, wanted = self._place(attempt), self.wanted
        turns, claim = self.runner.turns, self.runner.claim

        async def ask() -> RunStanding | Disposition | Refused[BlockRefusal | RaiseRefusal]:
            return await turns.require_approval(
                claim,
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

        self.gates.answered(place, await self.runner.ask(ask))

    def _place(self, attempt: int) -> EffectId:
        if attempt == _FIRST:
            return self.gate
        return EffectId(f"{_AGAIN}{self.runner.key(self.gate)}", attempt - _FIRST - 1)

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
        approval = call.approval(_FIRST)
        gate = Gate.of(kind=GateKind.APPROVAL, ref=Ref(approval), effect=id)
        if not runner.require_same(id, kind=EffectKind.GATE, mode=None, arguments=gate.arguments):
            await runner.diverge()
        if (known := self.gates.disposition(id)) is not None:
            require_granted(id, known)
        else:
            await call.ask(_FIRST)
        self._asked[approval] = call
        return approval

    def asked(self, approval: str) -> AskedCall | None:
        """The call that this handler has asked for under that id; None where it has not."""
        return self._asked.get(approval)

    def _call(self, id: EffectId, wanted: ApprovalRequest) -> AskedCall:
        spelt = canonical(wanted.input)
        if not isinstance(spelt, CanonicalInput):
            raise CallRefused(spelt, spelt.code)
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
