"""A claim: that one inbound event is one message of one thread, wherever it is delivered again."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import optional_identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import DIGEST_BYTES
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.names import ClaimId, MessageId, name
from turnkeep_domain.threads.refusals import EventActorMismatch, EventPayloadMismatch

CLAIMED: Final = "claimed"


def require_payload_digest(digest: bytes | None) -> None:
    """Refuses what is neither a digest nor absent.

    Raises:
        InvalidValue: It is something else.
    """
    if digest is not None and (type(digest) is not bytes or len(digest) != DIGEST_BYTES):
        raise InvalidValue("payload_digest", f"must have {DIGEST_BYTES} bytes, or be absent")


@frozen(kw_only=True)
class InboundClaim:
    """What is known of a delivered event; the event itself is not.

    Attributes:
        scope: The owner's.
        claim_id: The hash of binding and event id.
        payload_digest: Of what was delivered; None once that is erased.
        due_at: When it may be forgotten, its thread being deleted; None before.
    """

    scope: Scope = field(validator=of_kind(Scope))
    claim_id: ClaimId = field(validator=name)
    thread_id: ThreadId = field(validator=name)
    message_id: MessageId = field(validator=name)
    actor: str | None = field(validator=optional_identifier)
    payload_digest: bytes | None = field(repr=False)
    claimed_at: datetime = field(validator=instant)
    due_at: datetime | None = field(validator=optional_instant)

    @payload_digest.validator
    def _is_digest(self, _: object, digest: bytes | None) -> None:
        require_payload_digest(digest)

    def mismatch(
        self, actor: str | None, payload_digest: bytes
    ) -> Refused[EventActorMismatch | EventPayloadMismatch] | None:
        """Why a delivery is another one than that which was claimed; None where it is the same."""
        if actor != self.actor:
            return Refused(EventActorMismatch())
        if self.payload_digest is not None and payload_digest != self.payload_digest:
            return Refused(EventPayloadMismatch())
        return None

    def cleared(self) -> InboundClaim:
        """The claim after what was delivered is erased."""
        return evolve(self, payload_digest=None)

    def orphaned(self, until: datetime) -> InboundClaim:
        """The claim after its thread was deleted; it is kept until then."""
        return evolve(self, payload_digest=None, due_at=until)


INBOUND: Final[Collection[InboundClaim]] = Collection(
    name="inbound",
    members=(InboundClaim,),
    permanent=False,
    index=lambda claim: Index(state=CLAIMED, due_at=claim.due_at, sort=claim.claim_id),
    identity=lambda claim: Identity(claim.scope, claim.claim_id),
    marks=lambda _: None,
)
