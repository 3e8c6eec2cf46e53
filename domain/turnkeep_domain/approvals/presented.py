"""A presented call: what somebody is about to do with a yes, and who it is."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.fingerprint import Fingerprint, fingerprint
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal


@frozen(kw_only=True)
class PresentedCall:
    """Who would make which call, and what it may do to the world.

    Attributes:
        by: Who presents it.
        effects: What the host says that the call may do, as it stands now.
    """

    by: Principal = field(validator=of_kind(Principal))
    fingerprint: Fingerprint = field(validator=fingerprint, repr=False)
    effects: frozenset[Effect] = field(validator=deep_iterable(of_kind(Effect), of_kind(frozenset)))

    def words(self) -> tuple[str, ...]:
        """What tells this call from others in the digest of a command's arguments."""
        effects = sorted(effect.value for effect in self.effects)
        return (self.by.kind.value, self.by.id, self.fingerprint, *effects)
