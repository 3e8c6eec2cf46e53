"""An effect id: the place of one call in the journal of a run."""

from __future__ import annotations

import hashlib
from typing import Final

from attrs import field, frozen

from turnkeep_domain.identifiers import IDENTIFIER_BYTES_MAX, identifier
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.names import RunId

_HASHED: Final = "h-"


@frozen(order=True)
class EffectId:
    """A call's name, and how often that name was called before it in the same journal."""

    name: str = field(validator=identifier)
    ordinal: int = field(validator=count)

    def cell_id(self, journal: RunId) -> str:
        """The id of its cell; one of over 200 bytes is hashed."""
        plain = f"{journal}/{self.ordinal}/{self.name}"
        if len(plain.encode()) <= IDENTIFIER_BYTES_MAX:
            return plain
        return _HASHED + hashlib.sha256(plain.encode()).hexdigest()
