"""An export: a store as one stream of chapters, under an id of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from turnkeep_application.transfers.chapters import Chapter
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant


@frozen(kw_only=True)
class ExportHead:
    """What an export begins with.

    Attributes:
        export: Its id; no other export has it.
        taken_at: The moment that it shows, by the clock of its store.
        cells: How many there are.
        events: How many there are.
    """

    export: str = field(validator=identifier)
    taken_at: datetime = field(validator=instant)
    cells: int
    events: int


@frozen
class Passage:
    """One chapter of an export, as it is read.

    Attributes:
        chapter: None where it was passed over.
        place: The digest of the export up to its end.
    """

    chapter: Chapter | None
    place: str


class ExportSource(Protocol):
    """An export that is being read, from its beginning to its end, once.

    Errors: `ExportDamaged`, as soon as it is noticed; the last one at the end.
    """

    @property
    def head(self) -> ExportHead:
        """What it began with."""
        ...

    def passages(self, *, skip: int) -> Iterator[Passage]:
        """Its chapters; the first `skip` are passed over."""
        ...
