"""A granted step: a step of a run that a yes allows, at most once because journal and grant say so.

The grant is begun in the commit of the step's intent. What becomes of the step is told to the grant
in the commit that settles it (see `turnkeep_application.turns.grants_along`). So neither is ever
known to have happened without the other.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import evolve, field, frozen

from turnkeep_application.approval_cells import approval_key, grant_key
from turnkeep_application.consent_cells import policy_key
from turnkeep_application.grant_premises import disabled, unapproved
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.course import earlier
from turnkeep_application.turns.run_commands import Found
from turnkeep_application.turns.unlisting import along_with_its_list
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Call
from turnkeep_domain.approvals.canonical import CanonicalInput
from turnkeep_domain.approvals.consent_refusals import ToolDisabled
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.grant_phases import GrantOutcome, GrantStep
from turnkeep_domain.approvals.grant_refusals import (
    GrantRevoked,
    GrantStepRefusal,
    NotApproved,
    NotGrantee,
)
from turnkeep_domain.approvals.grant_token import (
    GRANT_TOKEN_BYTES,
    GrantToken,
    grant_token_digest,
)
from turnkeep_domain.approvals.presented import PresentedCall
from turnkeep_domain.approvals.refusals import Unknown
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import EffectState
from turnkeep_domain.turns.effect_ids import EffectId, idempotency_key
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.refusals import IntendRefusal

GrantedRefusal: TypeAlias = Unknown | NotApproved | GrantStepRefusal | ToolDisabled


@frozen(kw_only=True)
class StepGrant:
    """The yes that a step is begun with.

    Attributes:
        approval: The approval's id, which is the grant's.
        input: What the step is called with: to the letter what was approved.
    """

    approval: str = field(validator=identifier)
    input: CanonicalInput = field(validator=of_kind(CanonicalInput), repr=False)


def step_token(claim: Claim, effect: EffectId) -> GrantToken:
    """The token under which a step holds its grant: known to whoever has the run's claim alone."""
    key = idempotency_key(claim.run.scope, claim.run.id, effect)
    material = hashlib.sha256(b"%b/%b" % (claim.token, key.encode())).digest()
    return GrantToken(material[:GRANT_TOKEN_BYTES])


@frozen(kw_only=True)
class GrantedBeginning:
    """The beginning of one step with its grant.

    Attributes:
        ttl: How long the step may take before its outcome counts as uncertain.
    """

    claim: Claim
    effect: EffectId
    grant: StepGrant
    ttl: timedelta

    @property
    def keys(self) -> tuple[ReadKey[object], ...]:
        """What it rests on, as far as that is known before anything is loaded."""
        scope, id = self.claim.run.scope, self.grant.approval
        return approval_key(scope, id), grant_key(scope, id)

    def along(
        self, found: Found, decision: Decision[Moved, EffectState, IntendRefusal]
    ) -> Decision[Records, EffectState, IntendRefusal | GrantedRefusal] | Need:
        """What the run answers to the intent, and the grant that is begun with it.

        In this order: the run; approved; asked by this very run; fingerprint; the tool not
        disabled; where the grant stands.
        """
        if not isinstance(decision, Changed):
            return found.carried_out(decision)
        scope, id, records = self.claim.run.scope, self.grant.approval, found.records
        approval, grant = records[approval_key(scope, id)], records[grant_key(scope, id)]
        missing = unapproved(approval, id, found.now)
        if missing is not None:
            return Refused(missing)
        if grant is None or not isinstance(approval, Approval):
            return Refused(Unknown(id))
        if grant.run != self.claim.run:
            return Refused(grant.end or NotGrantee(grant.grantee))
        policy = policy_key(scope, grant.capability)
        if policy not in records:
            return Need([policy])
        begun = self._begun(approval, grant, records, found.now)
        if isinstance(begun, Refused):
            return begun
        after = records.put(grant_key(scope, id), begun.state)
        if isinstance(begun, Settled):
            settled = Settled(after, begun.reason, begun.events, tidy=begun.tidy)
            return along_with_its_list(records, grant, settled, now=found.now)
        carried: Decision[Records, EffectState, IntendRefusal] | Need = found.carried_out(
            decision, records=after, told=begun.events
        )
        if not isinstance(carried, Changed):
            return carried
        return evolve(carried, valid_until=earlier(carried.valid_until, begun.valid_until))

    def _begun(
        self, approval: Approval, grant: Grant, records: Records, now: datetime
    ) -> (
        Changed[Grant, GrantOutcome]
        | Refused[GrantStepRefusal | ToolDisabled]
        | Settled[Grant, GrantRevoked]
    ):
        question, claim = approval.request.question, self.claim
        call = Call(
            scope=question.scope,
            invocation=question.invocation,
            action=question.action,
            input=self.grant.input,
        )
        presented = PresentedCall(
            by=grant.grantee, fingerprint=fingerprint_of(call), effects=question.effects
        )
        return grant.begin_step(
            presented,
            step=GrantStep(run=claim.run, effect=self.effect),
            token=grant_token_digest(step_token(claim, self.effect)),
            ttl=self.ttl,
            barred=disabled(records, question.scope, grant.capability),
            now=now,
        )
