"""An effect: one call in the journal of a run, so that none that may have happened is repeated.

```text
    intend --> Intended --a--> Done        a  the runner settles it, or an operator
                  |------a--> NotDone      b  its claim ended, or the runner does not know
                  |                        c  a runner that lost its claim reports: evidence alone
                  '--b--> Uncertain --d--> Done, NotDone
                            ^  |           d  an operator settles it
                            '-c'
```

Calls of the modes `keyed` and `safe` are entered as Done or NotDone at once. A NotDone that is to
be redone is intended, or settled, anew. The module is long because the states of one entry, and
what its cells are, stand together.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, sorted_from
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey, idempotency_key
from turnkeep_domain.turns.events import EffectUncertain, told_of
from turnkeep_domain.turns.gates import Disposition
from turnkeep_domain.turns.limits import EVIDENCE_MAX, OUTPUT_BYTES_MAX
from turnkeep_domain.turns.names import Category, RunId, ref
from turnkeep_domain.turns.spend_ids import once_reserved

if TYPE_CHECKING:
    from turnkeep_domain.turns.run import Run


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


@frozen
class Unclear:
    """Not even the runner that called a `once` step knows whether it happened; never stored."""


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
class JournalCall:
    """A call as a handler makes it: its place in the journal, and what it was given."""

    id: EffectId = field(validator=of_kind(EffectId))
    kind: EffectKind = field(validator=of_kind(EffectKind))
    mode: Mode = field(validator=of_kind(Mode))
    arguments: Digest = field(validator=of_kind(bytes), repr=False)


@frozen(kw_only=True)
class RunEffect:
    """One call, its arguments by digest alone, and what became of it.

    Attributes:
        scope: The full scope of the thread.
        journal: The run whose journal it stands in.
        run: The run that entered it, or that last did it again.
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
    def key(self) -> IdempotencyKey:
        """Under which the outside world may know the call, however often it is made."""
        return idempotency_key(self.scope, self.journal, self.id)

    @property
    def reservation(self) -> RequestId | None:
        """Of a spend of which nobody knows whether it happened: what it reserved; else None."""
        match self.state:
            case Intended(epoch=epoch) | Uncertain(epoch=epoch) if self.kind is EffectKind.SPEND:
                return once_reserved(self.key, run=self.run, epoch=epoch)
            case _:
                return None

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet whether it happened."""
        return isinstance(self.state, Intended | Uncertain)

    @property
    def is_to_be_redone(self) -> bool:
        """Whether a replay does it again."""
        return isinstance(self.state, NotDone) and self.state.redo

    def is_call(self, call: JournalCall) -> bool:
        """Whether it was entered by a call of this kind and mode, with these arguments."""
        return (self.id, self.kind, self.mode, self.arguments) == (
            call.id,
            call.kind,
            call.mode,
            call.arguments,
        )

    def is_of(self, run: RunId, epoch: int, token: Digest) -> bool:
        """Whether it is open since this very claim.

        The run counts: what one pass grants has one token, and may have one epoch.
        """
        match self.state:
            case Intended() | Uncertain():
                own = (self.run, self.state.epoch, self.state.token)
                return own == (run, epoch, token)
            case _:
                return False

    def become_uncertain(
        self, *, run: Run, now: datetime
    ) -> Changed[RunEffect, EffectState] | Unchanged[EffectState]:
        """Its claim has ended, and nobody told what became of it.

        Args:
            run: The run after that change, of which the event tells.
            now: The decision's.
        """
        state = self.state
        if not isinstance(state, Intended):
            return Unchanged(state)
        uncertain = Uncertain(since=now, epoch=state.epoch, token=state.token, evidence=())
        event = EffectUncertain(**told_of(run, now), effect=self.id)
        return Changed(evolve(self, state=uncertain), uncertain, (event,))

    def redone(self) -> RunEffect:
        """It is to be done again, if surely nothing happened; else it stays as it is."""
        if not isinstance(self.state, NotDone):
            return self
        return evolve(self, state=evolve(self.state, redo=True))

    def with_evidence(self, outcome: Outcome, now: datetime) -> RunEffect:
        """A runner that has lost its claim says what became of the step; that decides nothing.

        What is repeated, and what comes after 8 reports, is not kept.
        """
        match self.state:
            case Uncertain() as state:
                pass
            case Intended(epoch=epoch, token=token):
                state = Uncertain(since=now, epoch=epoch, token=token, evidence=())
            case _:
                return self
        known = any(evidence.outcome == outcome for evidence in state.evidence)
        if known or len(state.evidence) == EVIDENCE_MAX:
            return evolve(self, state=state)
        evidence = (*state.evidence, Evidence(outcome=outcome, at=now))
        return evolve(self, state=evolve(state, evidence=evidence))


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


# Sorted by journal, then by time, so that one scan of a prefix reads one journal as it grew.
def _index(effect: RunEffect) -> Index:
    sort = f"{effect.journal}/{sorted_from(effect.entered_at)}/{effect.key}"
    return Index(state=effect_state_of(effect.state), due_at=None, sort=sort)


EFFECTS: Final[Collection[RunEffect]] = Collection(
    name="effect",
    members=(RunEffect,),
    permanent=False,
    index=_index,
    identity=lambda effect: Identity(effect.scope, effect.id.cell_id(effect.journal)),
    marks=lambda _: None,
)
