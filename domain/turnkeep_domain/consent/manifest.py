"""A manifest: what a host declares of one tool, once, for the consent to its calls."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind


@frozen(kw_only=True)
class Manifest:
    """What a host declares of a tool; a tool without a manifest is always asked about.

    Attributes:
        capability: The tool; a manifest of another is a mistake of the host.
        forbids: Nobody may use it.
        always_asks: It is asked about every time, whatever was allowed.
        exempt: It need not be asked about, unless something above forbids or asks.
        standing: Users may allow it once for all.
        auto_approvable: Auto-approval lets it pass.
    """

    capability: CapabilityId = field(validator=identifier)
    forbids: bool = field(validator=of_kind(bool))
    always_asks: bool = field(validator=of_kind(bool))
    exempt: bool = field(validator=of_kind(bool))
    standing: bool = field(validator=of_kind(bool))
    auto_approvable: bool = field(validator=of_kind(bool))

    @classmethod
    def of(
        cls,
        capability: str,
        *,
        forbids: bool = False,
        always_asks: bool = False,
        exempt: bool = False,
        standing: bool = False,
        auto_approvable: bool = False,
    ) -> Manifest:
        """The manifest of a tool, which permits nothing unless told.

        Raises:
            InvalidValue: The capability is no identifier.
        """
        return cls(
            capability=CapabilityId(capability),
            forbids=forbids,
            always_asks=always_asks,
            exempt=exempt,
            standing=standing,
            auto_approvable=auto_approvable,
        )
