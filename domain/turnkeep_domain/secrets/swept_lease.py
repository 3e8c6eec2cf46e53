"""A swept lease: the tombstone of a secret lease that ended a while ago."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import Binding, moment, raw
from turnkeep_domain.secrets.lease_ref import SecretLeaseId, lease_id, work_scope
from turnkeep_domain.secrets.limits import TOMBSTONE_KEPT
from turnkeep_domain.secrets.receipts import digest
from turnkeep_domain.secrets.sealing import seal


@frozen(kw_only=True)
class SweptLease:
    """What is left: that there was such a lease, and a digest of what it was. It goes in time.

    Nobody can choose the id of a lease, so none is asked for again.
    """

    id: SecretLeaseId = field(validator=lease_id)
    scope: Scope = field(validator=work_scope)
    issued_at: datetime = field(validator=instant)
    ended_at: datetime = field(validator=instant)
    swept_at: datetime = field(validator=instant)
    digest: Digest = field(validator=digest, repr=False)
    seal: bytes = field(validator=seal, repr=False)

    @property
    def envelope(self) -> bytes:
        """There is none."""
        return b""

    def may_go(self, now: datetime) -> bool:
        """Whether it was kept long enough."""
        return self.swept_at + TOMBSTONE_KEPT <= now

    def binding(self) -> Binding:
        """Everything that it says, but for its seal."""
        return Binding.of(
            "turnkeep/secret-lease-swept/v1",
            Address("secret_lease", self.scope, self.id),
            moment(self.issued_at),
            moment(self.ended_at),
            moment(self.swept_at),
            raw(self.digest),
        )
