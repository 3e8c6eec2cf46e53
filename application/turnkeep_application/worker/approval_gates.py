"""An approval gate: a handler puts one exact call before people and waits for them."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_application.worker.exits import CallRefused
from turnkeep_application.worker.gates import Gates
from turnkeep_application.worker.runner import Runner
from turnkeep_domain.approvals.approval_id import approval_id
from turnkeep_domain.approvals.calls import Action, Call, Effect
from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.fingerprint import fingerprint_of
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


@frozen
class ApprovalGates:
    """The approvals that one handler asks for."""

    runner: Runner
    gates: Gates

    async def require(self, name: str, wanted: ApprovalRequest) -> None:
        """As `RunContext.require_approval` promises."""
        runner = self.runner
        id = runner.journal.next_call(name)
        runner.tenancy.require_open()
        invocation = InvocationId(runner.key(id))
        gate = self._gate(id, invocation, wanted)
        turns, claim = runner.turns, runner.claim

        async def put(
            attempt: int,
        ) -> RunStanding | Disposition | Refused[BlockRefusal | RaiseRefusal]:
            return await turns.require_approval(
                claim,
                id,
                invocation=invocation,
                action=wanted.action,
                effects=wanted.effects,
                requester=self._requester(wanted),
                input=wanted.input,
                reason=wanted.reason,
                display=wanted.display,
                lifetime_seconds=wanted.lifetime_seconds,
                quorum=wanted.quorum,
                attempt=attempt,
                offers=wanted.offers,
                cause=wanted.cause,
            )

        async def ask() -> RunStanding | Disposition | Refused[BlockRefusal | RaiseRefusal]:
            answer = await put(1)
            for attempt in range(2, _ATTEMPTS_MAX + 1):
                if not isinstance(answer, Refused) or not isinstance(answer.reason, IdSpent):
                    break
                answer = await put(attempt)
            return answer

        await self.gates.waited(gate, ask)

    def _gate(self, id: EffectId, invocation: InvocationId, wanted: ApprovalRequest) -> Gate:
        spelt = canonical(wanted.input)
        if not isinstance(spelt, CanonicalInput):
            # The same input is refused in every replay: nothing is to be remembered of it.
            raise CallRefused(spelt, spelt.code, id)
        scope = self.runner.run.scope
        call = Call(scope=scope, invocation=invocation, action=wanted.action, input=spelt)
        approval = approval_id(fingerprint_of(call), 1)
        return Gate.of(kind=GateKind.APPROVAL, ref=Ref(approval), effect=id)

    def _requester(self, wanted: ApprovalRequest) -> Principal:
        if wanted.requester is not None:
            return wanted.requester
        agent = self.runner.run.scope.agent
        return self.runner.run.turn.actor if agent is None else Principal.agent(agent)
