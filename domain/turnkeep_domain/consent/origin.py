"""An origin: what a call comes from, as far as consent depends on it."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind


@frozen(kw_only=True)
class Origin:
    """What a call comes from: the host's own word, for example on a trigger that nobody watches.

    Attributes:
        name: For explanations; never compared.
        forbids: Nothing that comes from here may be done.
        always_asks: Everything that comes from here is asked about, whatever was allowed.
    """

    name: str = field(validator=identifier)
    forbids: bool = field(validator=of_kind(bool))
    always_asks: bool = field(validator=of_kind(bool))

    @classmethod
    def of(cls, name: str, *, forbids: bool = False, always_asks: bool = False) -> Origin:
        """An origin of this name, which narrows nothing unless told.

        Raises:
            InvalidValue: The name is no identifier.
        """
        return cls(name=name, forbids=forbids, always_asks=always_asks)


ORDINARY: Final = Origin.of("ordinary")
"""An origin that narrows nothing."""
