"""An effect id: the place of one call in the journal of a run."""

from __future__ import annotations

import hashlib
import json
from typing import Final, NewType

from attrs import field, frozen

from turnkeep_domain.identifiers import IDENTIFIER_BYTES_MAX, identifier
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.version_8 import version_8

IdempotencyKey = NewType("IdempotencyKey", str)
"""A UUID of version 8 under which the outside world may know a call, however often it is made."""

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


def words_of(effect: EffectId | None) -> tuple[str, int] | tuple[None, None]:
    """What tells this call, or that none was named, in the digest of a command's arguments."""
    return (None, None) if effect is None else (effect.name, effect.ordinal)


def idempotency_key(scope: Scope, journal: RunId, effect: EffectId) -> IdempotencyKey:
    """The key of one call: the same for each time that it is made, in any process and any run.

    Args:
        scope: The full scope of the thread.
        journal: The run in whose journal the call stands.
        effect: Its place there.
    """
    parts = [*scope.components(), journal, effect.name, effect.ordinal]
    return IdempotencyKey(version_8(json.dumps(parts, separators=(",", ":")).encode()))
