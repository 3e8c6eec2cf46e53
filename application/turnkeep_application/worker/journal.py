"""A journal: what the calls of a run have come to so far, and which call comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from attrs import define, field

from turnkeep_domain.turns.effect import EffectState, RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import RunId


@define(eq=False)
class Journal:
    """One handler's reading of the journal, from its first line on.

    A call's id is its name and how often that name was called before it, whatever came of those
    calls. So the same handler meets the same ids in every replay, in whatever order it makes calls
    of distinct names.

    Attributes:
        run: The run in whose journal the entries stand.
    """

    run: RunId
    _entries: dict[EffectId, RunEffect] = field(repr=False)
    _called: dict[str, int] = field(factory=dict, init=False)

    @classmethod
    def of(cls, run: RunId, entries: Iterable[RunEffect]) -> Self:
        """The journal as it was read when the claim began."""
        return cls(run, {entry.id: entry for entry in entries})

    @property
    def ordinals(self) -> Mapping[str, int]:
        """How often each name has been called."""
        return dict(self._called)

    def next_call(self, name: str) -> EffectId:
        """The id of a call that is made now.

        Raises:
            InvalidValue: The name is no identifier.
        """
        id = EffectId(name, self._called.get(name, 0))
        self._called[name] = id.ordinal + 1
        return id

    def entry(self, id: EffectId) -> RunEffect | None:
        """What was known of a call when the claim began; None of one that is new."""
        return self._entries.get(id)

    def state(self, id: EffectId) -> EffectState | None:
        """What had become of a call; None of one that is new."""
        entry = self._entries.get(id)
        return None if entry is None else entry.state

    def go_on_from(self, ordinals: Iterable[tuple[str, int]]) -> None:
        """Counts calls as made that a checkpoint lets the handler skip."""
        for name, called in ordinals:
            self._called[name] = max(called, self._called.get(name, 0))
