"""Transferring: a whole store as one stream, and back into another store of any kind.

An export shows one moment, whatever is written meanwhile. An import is all there, or the store says
that it is not: no keep opens on it until the import has been repeated to its end, or rolled back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO
from uuid import uuid4

from attrs import define, field

from turnkeep.opening import closed_store
from turnkeep.settings import Settings
from turnkeep_adapters.codec.formats import EVENTS, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.transfers.export_reader import ExportReader
from turnkeep_adapters.transfers.export_writer import Exportation, ExportWriter
from turnkeep_application.transfers.exports import ExportHead
from turnkeep_application.transfers.importing import Cleared, Imported, Importing
from turnkeep_application.transfers.marking import CALL_SECONDS
from turnkeep_application.transfers.wholeness import require_whole
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unsupported
from turnkeep_ports.snapshots import Snapshots
from turnkeep_ports.store import RecordStore


def silent(done: int, total: int | None) -> None:
    """Tells nobody."""


async def export_store(
    store: str | RecordStore,
    to: BinaryIO,
    *,
    settings: Settings | None = None,
    on_progress: Callable[[int, int | None], None] = silent,
) -> Exportation:
    """Writes everything that a store keeps at one moment, while others may go on writing to it.

    Every record and every event after the floor, exact to the byte, commit by commit. Secrets stay
    sealed: whoever has the keys can open them in the store that this is brought into.

    Args:
        store: Its URL, as `open_keep` takes it; or the store itself, opened.
        to: Where to; what was there before is not looked at.
        settings: Bounds of the store; None for the defaults.
        on_progress: Is told how many records and events are written, and of how many.

    Raises:
        Unsupported: The store cannot be read as a whole at one moment: a composite one (export its
            stores by themselves), or one of another make.
        ImportUnfinished: The store is not whole itself.
        Unavailable: The store did not serve.
        OSError: It cannot be written.
    """
    clock = SystemClock()
    async with _opened(store, settings) as source:
        if not isinstance(source, Snapshots):
            raise Unsupported("reading everything at one moment, which an export needs")
        await require_whole(source, deadline=Deadline.after(clock, CALL_SECONDS))
        deadline = Deadline.after(clock, CALL_SECONDS)
        async with source.snapshot(deadline=deadline) as snapshot:
            head = ExportHead(
                export=uuid4().hex,
                taken_at=snapshot.now,
                cells=snapshot.cell_count,
                events=snapshot.event_count,
            )
            count = _Count(on_progress, head.cells + head.events)
            return await ExportWriter(to).write(snapshot, head, count.further)


async def import_store(
    store: str | RecordStore,
    source: BinaryIO,
    *,
    settings: Settings | None = None,
    on_progress: Callable[[int, int | None], None] = silent,
) -> Imported:
    """Brings an export into an empty store; repeated, it goes on where it was cut off.

    Every commit of the export is one commit here: with its id, its records and its events, in the
    order of the log. Revisions and cursors are the new store's own. Where the source can be read
    twice, it is verified before anything is written.

    Args:
        store: Its URL, as `open_keep` takes it; or the store itself, opened. Nobody else may use
            it meanwhile.
        source: The export, from its first byte on.
        settings: Bounds of the store; None for the defaults.
        on_progress: Is told how many records and events are there, and of how many.

    Raises:
        ExportDamaged: It is no whole export. Read once only, this may turn out at its end, and the
            import stays unfinished.
        TransferRefused: The store is not empty, or another import is unfinished in it.
        Unsupported: The store is a composite one.
        Unavailable: The store did not serve; repeat it.
        OSError: The source cannot be read.
    """
    if source.seekable():
        begin = source.tell()
        ExportReader(source).verify()
        source.seek(begin)
    reader = ExportReader(source)
    count = _Count(on_progress, reader.head.cells + reader.head.events)
    async with _opened(store, settings) as target:
        return await _importing(target, count).fill(reader)


async def roll_back_import(
    store: str | RecordStore,
    *,
    settings: Settings | None = None,
    on_progress: Callable[[int, int | None], None] = silent,
) -> Cleared:
    """Deletes what an unfinished import has brought; repeated, it goes on where it was cut off.

    Raises:
        TransferRefused: No import is unfinished in the store; nothing is deleted.
        Unavailable: The store did not serve; repeat it.
    """
    async with _opened(store, settings) as target:
        return await _importing(target, _Count(on_progress, None)).clear()


def _importing(store: RecordStore, count: _Count) -> Importing:
    return Importing(
        store=store,
        codec=JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS),
        clock=SystemClock(),
        ids=SystemIds(),
        on_progress=count.further,
    )


@asynccontextmanager
async def _opened(
    store: str | RecordStore, settings: Settings | None
) -> AsyncIterator[RecordStore]:
    if not isinstance(store, str):
        yield store
        return
    async with closed_store(store, Settings() if settings is None else settings) as opened:
        yield opened


@define
class _Count:
    """How much is done, told to whoever wants to know."""

    told: Callable[[int, int | None], None]
    total: int | None
    done: int = field(default=0)

    def further(self, more: int) -> None:
        self.done += more
        self.told(self.done, self.total)
