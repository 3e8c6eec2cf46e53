"""An import mark: that a store is being filled from an export, and how far that has come.

As long as it is there, what is in the store is not whole, and nobody opens a keep on it.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, unique
from typing import Final, Self

from attrs import evolve, field, frozen

from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index, Key, key
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope

_NAME: Final = "import"
_ID: Final = "import"
_NOBODY: Final = Scope.of(None, None)


@unique
class ImportStage(Enum):
    """What is being done."""

    FILLING = "filling"
    CLEARING = "clearing"


@frozen(kw_only=True)
class ImportMark:
    """How far an import has come.

    Attributes:
        export: The id of the export that it is filled from.
        chapters: How many chapters of it are in the store as a whole.
        pieces: How many pieces of the next one are; only a chapter that is too large has several.
        place: The digest of the export up to there, so that no other one goes on.
        began_at: By the store's clock.
    """

    export: str = field(validator=identifier)
    stage: ImportStage = field(validator=of_kind(ImportStage))
    chapters: int = field(validator=of_kind(int))
    pieces: int = field(validator=of_kind(int))
    place: str = field(validator=identifier)
    began_at: datetime = field(validator=instant)

    def with_piece(self) -> Self:
        """One piece of the next chapter further."""
        return evolve(self, pieces=self.pieces + 1)

    def with_chapter(self, place: str) -> Self:
        """At the end of the next chapter."""
        return evolve(self, chapters=self.chapters + 1, pieces=0, place=place)

    def clearing(self) -> Self:
        """Given up: what it has brought is deleted again, and nothing more comes."""
        return evolve(self, stage=ImportStage.CLEARING)


IMPORTS: Final[Collection[ImportMark]] = Collection(
    name=_NAME,
    members=(ImportMark,),
    permanent=False,
    index=lambda mark: Index(state=mark.stage.value, due_at=None, sort=_ID),
    identity=lambda _: Identity(_NOBODY, _ID),
    marks=lambda _: None,
)

IMPORT: Final[Key[ImportMark]] = key(IMPORTS, _NOBODY, _ID)
"""Where it is kept."""
