"""A swept session: the tombstone of a credential session that ended a while ago. It stays."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_domain.credentials.session_id import SessionDigest, session_digest
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import Binding, moment, raw
from turnkeep_domain.secrets.lease_ref import work_scope
from turnkeep_domain.secrets.receipts import digest
from turnkeep_domain.secrets.sealing import seal


@frozen(kw_only=True)
class SweptSession:
    """What is left, for ever: a bearer chooses its own id, and must not open it a second time.

    Attributes:
        arguments: What it was opened with, so that a repeat is told from another.
        deadline: What its opening was answered.
    """

    id: SessionDigest = field(validator=session_digest)
    scope: Scope = field(validator=work_scope)
    arguments: Digest = field(validator=digest, repr=False)
    opened_at: datetime = field(validator=instant)
    deadline: datetime = field(validator=instant)
    ended_at: datetime = field(validator=instant)
    swept_at: datetime = field(validator=instant)
    seal: bytes = field(validator=seal, repr=False)

    @property
    def envelope(self) -> bytes:
        """There is none."""
        return b""

    def binding(self) -> Binding:
        """Everything that it says, but for its seal."""
        return Binding.of(
            "turnkeep/credential-session-swept/v1",
            Address("credential_session", self.scope, self.id),
            raw(self.arguments),
            moment(self.opened_at),
            moment(self.deadline),
            moment(self.ended_at),
            moment(self.swept_at),
        )
