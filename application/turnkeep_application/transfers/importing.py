"""Importing: an export brought into an empty store, chapter by chapter, by plain commits.

A mark stands in the store from the first commit to the last. Every commit puts it anew, expecting
it as it was: so whatever became of a commit, the mark tells; none is made twice; two imports of one
export help each other, and of two exports one is refused. While it stands, no keep opens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen

from turnkeep_application.capable import require_capable
from turnkeep_application.registry import EVERYTHING
from turnkeep_application.transfers.chapters import Chapter
from turnkeep_application.transfers.contents import Contents
from turnkeep_application.transfers.errors import TransferRefused
from turnkeep_application.transfers.exports import ExportSource
from turnkeep_application.transfers.marking import Marking
from turnkeep_application.transfers.pieces import pieces
from turnkeep_domain.transfers.import_mark import IMPORTS, ImportMark, ImportStage
from turnkeep_ports.clock import Clock
from turnkeep_ports.codec import Codec
from turnkeep_ports.errors import Unsupported
from turnkeep_ports.ids import Ids
from turnkeep_ports.snapshots import Snapshots
from turnkeep_ports.store import ABSENT, Put, RecordStore

_KNOWN: Final = frozenset(collection.name for collection in EVERYTHING)
_BEGINNING: Final = "nothing"
"""The place of an import that has brought nothing yet."""


@frozen(kw_only=True)
class Imported:
    """What an import has come to.

    Attributes:
        export: The id of the export that is now in the store.
        chapters: How many there are; each was a commit, and is one again.
        cells: How many there are.
        events: How many there are.
        resumed_after: How many chapters an earlier import had brought.
    """

    export: str
    chapters: int
    cells: int
    events: int
    resumed_after: int


@frozen(kw_only=True)
class Cleared:
    """What was deleted again.

    Attributes:
        export: The id of the export that had been begun.
        cells: How many.
    """

    export: str
    cells: int


@define(kw_only=True, eq=False)
class Importing:
    """One import into one store.

    Attributes:
        on_progress: Is told, now and then, how many cells and events are in the store.

    Raises:
        Unsupported: The store is made of several, or does not commit all or nothing.
    """

    store: RecordStore
    codec: Codec
    clock: Clock
    ids: Ids
    on_progress: Callable[[int], None]
    _marking: Marking = field(init=False)

    def __attrs_post_init__(self) -> None:
        if require_capable(self.store).apart:
            raise Unsupported("imports into several stores at once; import into each by itself")
        self._marking = Marking(store=self.store, codec=self.codec, clock=self.clock, ids=self.ids)

    async def fill(self, source: ExportSource) -> Imported:
        """Brings an export into the store, or goes on where that was cut off.

        Raises:
            TransferRefused: The store is not empty, or another export was begun there.
            ExportDamaged: The export is; what was brought stays, under the mark.
            Unavailable: The store did not serve; repeat it.
        """
        begun = await self._begun(source)
        done = resumed = begun.chapters
        brought = 0
        for passage in source.passages(skip=done):
            if passage.chapter is None:
                done -= 1
                if done == 0 and passage.place != begun.place:
                    raise TransferRefused("it began with another file under the same id")
                continue
            brought += 1
            await self._bring(passage.chapter, resumed + brought, passage.place)
            self.on_progress(len(passage.chapter.cells) + len(passage.chapter.events))
        if done:
            raise TransferRefused("more of another file under the same id is there already")
        await self._marking.change(None)
        return Imported(
            export=source.head.export,
            chapters=resumed + brought,
            cells=source.head.cells,
            events=source.head.events,
            resumed_after=resumed,
        )

    async def clear(self) -> Cleared:
        """Deletes what an unfinished import has brought, and its mark at last. Idempotent.

        Raises:
            TransferRefused: There is no unfinished import: nothing is deleted.
            Unavailable: The store did not serve; repeat it.
        """
        await self._marking.look()
        mark = self._marking.mark
        if mark is None:
            raise TransferRefused("there is no unfinished import in the store")
        if mark.stage is not ImportStage.CLEARING:
            await self._marking.change(mark.clearing())
        cells = await Contents(self._marking).clear(on_progress=self.on_progress)
        await self._marking.change(None)
        return Cleared(export=mark.export, cells=cells)

    async def _begun(self, source: ExportSource) -> ImportMark:
        """The mark, from which the import goes on."""
        now = await self._marking.look()
        mark = self._marking.mark
        if mark is None:
            await self._require_empty()
            mark = ImportMark(
                export=source.head.export,
                stage=ImportStage.FILLING,
                chapters=0,
                pieces=0,
                place=_BEGINNING,
                began_at=now,
            )
            await self._marking.change(mark)
            try:
                # From here on no keep opens; whoever came before may have written.
                await self._require_empty()
            except TransferRefused:
                await self._marking.change(None)
                raise
            return mark
        if mark.stage is ImportStage.CLEARING:
            raise TransferRefused("an import into it is being rolled back: finish that first")
        if mark.export != source.head.export:
            raise TransferRefused(
                "the import of another export into it is unfinished: finish it, or roll it back"
            )
        return mark

    async def _require_empty(self) -> None:
        if await Contents(self._marking).are_there():
            raise TransferRefused("the store is not empty")

    async def _bring(self, chapter: Chapter, number: int, place: str) -> None:
        """Brings one chapter, unless another process has."""
        named = {address.collection for address, _ in chapter.cells}
        if IMPORTS.name in named:
            raise TransferRefused("it is the export of a store that was not whole")
        if not isinstance(self.store, Snapshots) and not named <= _KNOWN:
            # What cannot be found there again could not be rolled back.
            raise TransferRefused("it has records of a kind that this release does not know")
        every = tuple(pieces(chapter, writes_max=self.store.capabilities.writes_max))
        for at, piece in enumerate(every):
            mark = self._marking.mark
            if mark is None:
                raise TransferRefused("another process has finished it, or has given it up")
            if (mark.chapters, mark.pieces) > (number - 1, at):
                continue
            last = at == len(every) - 1
            await self._marking.change(
                mark.with_chapter(place) if last else mark.with_piece(),
                [Put(address, ABSENT, entry) for address, entry in piece.cells],
                piece.events,
                commit_id=piece.commit_id,
            )
