"""A gate: what a blocked run waits for, and how it was let go."""

from __future__ import annotations

from enum import Enum
from typing import Self

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest, digest_of
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.limits import AWAITED_MAX
from turnkeep_domain.turns.names import Ref, ref


class GateKind(Enum):
    """What a gate waits for."""

    APPROVAL = "approval"
    AUTH = "auth"
    RESOURCE = "resource"
    DEPENDENT_RUN = "dependent_run"
    EXTERNAL_TOOL = "external_tool"


class Disposition(Enum):
    """How a gate ended; the handler sees it after the run is resumed."""

    GRANTED = "granted"
    DENIED = "denied"
    ELAPSED = "elapsed"
    WITHDRAWN = "withdrawn"


@frozen(kw_only=True)
class Gate:
    """What a run waits for.

    Attributes:
        ref: What exactly: of an approval its id, of awaited runs the call that joins them.
        effect: The call that waits, where its disposition is journaled.
        awaited: The runs that are still to end, at most 16; empty for all other kinds.
        arguments: The digest of what the call was given, which stays while runs end.
    """

    kind: GateKind = field(validator=of_kind(GateKind))
    ref: Ref = field(validator=ref)
    effect: EffectId = field(validator=of_kind(EffectId))
    awaited: tuple[RunAddress, ...] = field(
        validator=deep_iterable(of_kind(RunAddress), of_kind(tuple))
    )
    arguments: Digest = field(validator=of_kind(bytes), repr=False)

    @awaited.validator
    def _within_bounds(self, _: object, awaited: tuple[RunAddress, ...]) -> None:
        if len(set(awaited)) != len(awaited) or len(awaited) > AWAITED_MAX:
            raise InvalidValue("awaited", f"must be at most {AWAITED_MAX} distinct runs")
        if bool(awaited) != (self.kind is GateKind.DEPENDENT_RUN):
            raise InvalidValue("awaited", "must name runs exactly where a gate waits for runs")

    @classmethod
    def of(
        cls,
        *,
        kind: GateKind,
        ref: Ref,
        effect: EffectId,
        awaited: tuple[RunAddress, ...] = (),
    ) -> Self:
        """A gate as a call names it.

        Args:
            kind: What it waits for.
            ref: What exactly.
            effect: The call that waits.
            awaited: Of runs that are joined, all, those that have ended included.

        Raises:
            InvalidValue: A rule of a field is broken.
        """
        ids = tuple(run.id for run in awaited)
        arguments = digest_of("gate", kind.value, ref, ids)
        return cls(kind=kind, ref=ref, effect=effect, awaited=awaited, arguments=arguments)
