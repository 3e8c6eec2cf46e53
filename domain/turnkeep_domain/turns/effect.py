"""An effect: one call in the journal of a run, so that none that may have happened is repeated."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition
from turnkeep_domain.turns.limits import EVIDENCE_MAX, OUTPUT_BYTES_MAX
from turnkeep_domain.turns.names import Category, RunId, ref


class EffectKind(Enum):
    """What a journal entry stands for."""

    STEP = "step"
    GATE = "gate"
    CHILD = "child"
    SPEND = "spend"


class Mode(Enum):
    """What a step promises about being called twice.

    `ONCE` must never be; `KEYED` may be, under the same idempotency key; `SAFE` may be.
    """

    ONCE = "once"
    KEYED = "keyed"
    SAFE = "safe"


@frozen(kw_only=True)
class Done:
    """It happened.

    Attributes:
        output: What it returned, opaque, at most 64 KiB; of a gate or a child, empty.
        disposition: How a gate ended; None for all else.
    """

    output: bytes = field(validator=of_kind(bytes), repr=False)
    disposition: Disposition | None = field(validator=of_kind(Disposition, type(None)))

    @output.validator
    def _within_bounds(self, _: object, output: bytes) -> None:
        if len(output) > OUTPUT_BYTES_MAX:
            raise InvalidValue("output", f"must have at most {OUTPUT_BYTES_MAX} bytes")


@frozen(kw_only=True)
class NotDone:
    """Surely nothing happened.

    Attributes:
        redo: Whether a replay does it again, instead of failing in the same way.
    """

    category: Category = field(validator=ref)
    redo: bool = field(validator=of_kind(bool))


Outcome: TypeAlias = Done | NotDone


@frozen(kw_only=True)
class Intended:
    """A `once` step is about to be called, or was."""

    epoch: int = field(validator=count)
    token: Digest = field(validator=of_kind(bytes), repr=False)


@frozen(kw_only=True)
class Evidence:
    """What a runner that had lost its claim reported of its own step; it decides nothing."""

    outcome: Outcome = field(validator=of_kind(Done, NotDone))
    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class Uncertain:
    """A `once` step may or may not have happened; only an operator can settle it.

    Attributes:
        epoch: Of the claim under which it was intended.
        token: The digest of that claim's token.
    """

    since: datetime = field(validator=instant)
    epoch: int = field(validator=count)
    token: Digest = field(validator=of_kind(bytes), repr=False)
    evidence: tuple[Evidence, ...] = field(
        validator=deep_iterable(of_kind(Evidence), of_kind(tuple))
    )

    @evidence.validator
    def _within_bounds(self, _: object, evidence: tuple[Evidence, ...]) -> None:
        if len(evidence) > EVIDENCE_MAX:
            raise InvalidValue("evidence", f"must be at most {EVIDENCE_MAX}")


EffectState: TypeAlias = Intended | Outcome | Uncertain


@frozen(kw_only=True)
class Effect:
    """One call, its arguments by digest alone, and what became of it.

    Attributes:
        scope: The full scope of the thread.
        journal: The run whose journal it stands in.
        run: The run that entered it.
        arguments: The digest of what it was called with.
    """

    scope: Scope = field(validator=of_kind(Scope))
    journal: RunId = field(validator=identifier)
    id: EffectId = field(validator=of_kind(EffectId))
    run: RunId = field(validator=identifier)
    kind: EffectKind = field(validator=of_kind(EffectKind))
    mode: Mode = field(validator=of_kind(Mode))
    arguments: Digest = field(validator=of_kind(bytes), repr=False)
    state: EffectState = field(validator=of_kind(Intended, Done, NotDone, Uncertain))
    entered_at: datetime = field(validator=instant)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.state, Intended | Uncertain) and self.mode is not Mode.ONCE:
            raise InvalidValue("state", "must be settled unless the step is called once at most")

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet whether it happened."""
        return isinstance(self.state, Intended | Uncertain)


def effect_state_of(state: EffectState) -> str:
    """The state in one word, as stores search by it."""
    match state:
        case Intended():
            return "intended"
        case Done():
            return "done"
        case NotDone():
            return "not_done"
        case Uncertain():
            return "uncertain"
        case _:
            assert_never(state)


# Sorted by journal, then by name, so that one scan of a prefix reads one journal.
def _index(effect: Effect) -> Index:
    sort = f"{effect.journal}/{effect.entered_at:%Y%m%d%H%M%S%f}/{effect.id.ordinal}"
    return Index(state=effect_state_of(effect.state), due_at=None, sort=sort)


EFFECTS: Final[Collection[Effect]] = Collection(
    name="effect",
    members=(Effect,),
    permanent=False,
    index=_index,
    identity=lambda effect: Identity(effect.scope, effect.id.cell_id(effect.journal)),
    marks=lambda _: None,
)
