"""The formats of grants: every class of a grant that is stored, under its tag and schema.

`turnkeep_adapters.codec.formats` says when a schema rises, and takes them in with all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnkeep_adapters.codec.format import Format
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.grant_events import (
    GrantAborted,
    GrantBegan,
    GrantClaimed,
    GrantConsumed,
    GrantExtended,
    GrantIssued,
    GrantSettled,
    GrantWithdrawn,
)
from turnkeep_domain.approvals.grant_phases import (
    ActiveGrant,
    ClaimedGrant,
    ConsumedGrant,
    DispatchingGrant,
    RevokedGrant,
)

GRANT_RECORDS: Final = (Format(cls=Grant, tag="grant", schema=1, upcasters=()),)

GRANT_EVENTS: Final = (
    Format(cls=GrantIssued, tag="grant.issued", schema=1, upcasters=()),
    Format(cls=GrantClaimed, tag="grant.claimed", schema=1, upcasters=()),
    Format(cls=GrantBegan, tag="grant.began", schema=1, upcasters=()),
    Format(cls=GrantExtended, tag="grant.extended", schema=1, upcasters=()),
    Format(cls=GrantAborted, tag="grant.aborted", schema=1, upcasters=()),
    Format(cls=GrantConsumed, tag="grant.consumed", schema=1, upcasters=()),
    Format(cls=GrantSettled, tag="grant.settled", schema=1, upcasters=()),
    Format(cls=GrantWithdrawn, tag="grant.revoked", schema=1, upcasters=()),
)

GRANT_VARIANTS: Final[Mapping[type[object], str]] = {
    ActiveGrant: "active",
    ClaimedGrant: "claimed",
    ConsumedGrant: "consumed",
    DispatchingGrant: "dispatching",
    RevokedGrant: "revoked",
}
