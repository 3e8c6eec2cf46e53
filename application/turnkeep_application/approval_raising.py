"""Raising: from a call as a model gave it to an approval that people can decide."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_application.approval_cells import approval_key, payload_key
from turnkeep_application.approval_pending import PendingApprovals
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.reading import Reading
from turnkeep_application.records import Records
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.calls import Action, Call, Effect
from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.limits import require_lifetime
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import InputRefusal, RaiseRefusal, TooManyPending
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Key
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress


@frozen(kw_only=True)
class Asked:
    """What a caller asks, as it was handed over: `Approvals.raise_request` tells of each part."""

    invocation: InvocationId
    action: Action
    effects: frozenset[Effect]
    requester: Principal
    correlation_id: CorrelationId
    input: Json | JsonText = field(repr=False)
    reason: str = field(repr=False)
    display: str = field(repr=False)
    lifetime_seconds: int | None
    quorum: Quorum | None
    attempt: int
    offers: frozenset[Offer] | None
    cause: ConsentRule


@frozen(kw_only=True)
class Asking:
    """A question with all that is stored along with it, known before anything is loaded.

    Attributes:
        crowded: Whether too many wait in its scope already.
    """

    question: Question
    payload: ApprovalPayload
    lifetime_seconds: int
    pending_max: int
    crowded: bool

    @property
    def gate(self) -> Key[ApprovalRecord]:
        """Where the approval is stored."""
        return approval_key(self.question.scope, self.question.id)

    @property
    def shown(self) -> Key[ApprovalPayload]:
        """Where its reason and display are stored."""
        return payload_key(self.question.scope, self.question.id)

    def raised(
        self, records: Records, now: datetime
    ) -> Changed[Records, Approval] | Unchanged[Approval] | Refused[RaiseRefusal]:
        """The approval that is put before people; the one that was, where it was on equal terms."""
        record = records[self.gate]
        if record is not None:
            return record.asked_again(self.question)
        if self.crowded:
            return Refused(TooManyPending(self.pending_max))
        raised = Approval.raised(self.question, now=now, lifetime_seconds=self.lifetime_seconds)
        after = records.put(self.gate, raised.state).put(self.shown, self.payload)
        return Changed(after, raised.outcome, raised.events)


@frozen(kw_only=True)
class ApprovalRaising:
    """What comes before an approval is stored: spelling, fingerprint, redaction and the count."""

    reading: Reading
    settings: ApprovalSettings = field(factory=ApprovalSettings)

    async def asking(
        self, scope: Scope, asked: Asked, *, run: RunAddress | None
    ) -> Asking | Refused[InputRefusal]:
        """What is asked, as it can be stored.

        Raises:
            InvalidValue: A part but the input is of another class or breaks a rule.
            Unavailable: Those that wait could not be counted within one deadline.
        """
        settings = self.settings
        seconds = asked.lifetime_seconds
        seconds = settings.lifetime_seconds if seconds is None else seconds
        require_lifetime(seconds)
        offers = frozenset({Offer.ONCE}) if asked.offers is None else asked.offers
        require_kind("offers", offers, frozenset)
        self._require_offerable(offers, asked.effects)
        spelt = canonical(asked.input)
        if not isinstance(spelt, CanonicalInput):
            return Refused(spelt)
        question = _question(scope, asked, spelt, run, offers)
        payload = self._redacted(question, reason=asked.reason, display=asked.display)
        pending = PendingApprovals(self.reading)
        return Asking(
            question=question,
            payload=payload,
            lifetime_seconds=seconds,
            pending_max=settings.pending_max,
            crowded=await pending.reaches(settings.pending_max, scope),
        )

    def _require_offerable(self, offers: frozenset[Offer], effects: frozenset[Effect]) -> None:
        """Refuses to offer always what this host has asked each time."""
        require_kind("effects", effects, frozenset)
        if Offer.ALWAYS in offers and effects & self.settings.always_asked:
            raise InvalidValue("offers", "must not have always for what must be asked each time")

    def _redacted(self, question: Question, *, reason: str, display: str) -> ApprovalPayload:
        require_kind("reason", reason, str)
        require_kind("display", display, str)
        redact = self.settings.redact
        return ApprovalPayload.of(
            question.id, question.scope, reason=redact(reason), display=redact(display)
        )


def _question(
    scope: Scope,
    asked: Asked,
    spelt: CanonicalInput,
    run: RunAddress | None,
    offers: frozenset[Offer],
) -> Question:
    call = Call(scope=scope, invocation=asked.invocation, action=asked.action, input=spelt)
    return Question(
        scope=scope,
        attempt=asked.attempt,
        invocation=asked.invocation,
        action=asked.action,
        effects=asked.effects,
        requester=asked.requester,
        correlation_id=asked.correlation_id,
        fingerprint=fingerprint_of(call),
        cause=asked.cause,
        offers=offers,
        quorum=Quorum.owner(scope) if asked.quorum is None else asked.quorum,
        run=run,
    )
