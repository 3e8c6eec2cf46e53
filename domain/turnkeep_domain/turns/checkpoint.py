"""A checkpoint: what a handler saved, so that its next run may skip work."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.limits import CHECKPOINT_BYTES_MAX
from turnkeep_domain.turns.names import RunId


class CheckpointKind(Enum):
    """At which point of a handler it was saved."""

    BEFORE_MODEL = "before_model"
    BEFORE_EFFECT = "before_effect"
    BEFORE_BLOCK = "before_block"
    FINAL = "final"


@frozen(kw_only=True)
class Checkpoint:
    """A handler's own state, opaque and hidden from every rendering.

    Attributes:
        sequence: 1 for the first of its run.
        schema: The host's number for the format of `payload`.
        ordinals: How often each name had been called when it was saved, sorted by name; loading
            it goes on from there.
        payload: At most 65,536 bytes.
    """

    scope: Scope = field(validator=of_kind(Scope))
    run: RunId = field(validator=identifier)
    sequence: int = field(validator=count)
    kind: CheckpointKind = field(validator=of_kind(CheckpointKind))
    schema: int = field(validator=count)
    ordinals: tuple[tuple[str, int], ...] = field(validator=of_kind(tuple))
    payload: bytes = field(validator=of_kind(bytes), repr=False)
    saved_at: datetime = field(validator=instant)

    @payload.validator
    def _within_bounds(self, _: object, payload: bytes) -> None:
        if len(payload) > CHECKPOINT_BYTES_MAX:
            raise InvalidValue("payload", f"must have at most {CHECKPOINT_BYTES_MAX} bytes")


def checkpoint_id(run: RunId, sequence: int) -> str:
    """The id of its cell."""
    return f"{run}/{sequence:08}"


def _index(checkpoint: Checkpoint) -> Index:
    # Due from when it was saved: the sweep asks for those that are old enough.
    return Index(
        state=checkpoint.kind.value,
        due_at=checkpoint.saved_at,
        sort=checkpoint_id(checkpoint.run, checkpoint.sequence),
    )


CHECKPOINTS: Final[Collection[Checkpoint]] = Collection(
    name="checkpoint",
    members=(Checkpoint,),
    permanent=False,
    index=_index,
    identity=lambda saved: Identity(saved.scope, checkpoint_id(saved.run, saved.sequence)),
    marks=lambda _: None,
)
