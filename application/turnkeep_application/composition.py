"""A composition: what an attempt has decided, as the conditional writes of one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from turnkeep_application.records import Records
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Key
from turnkeep_ports.codec import Codec
from turnkeep_ports.limits import check_command
from turnkeep_ports.store import (
    ABSENT,
    Cell,
    Check,
    Delete,
    Entry,
    EventDraft,
    Expectation,
    Put,
    Write,
)


@frozen
class Composition:
    """Writes of distinct cells, with the events that they cause."""

    writes: tuple[Write, ...]
    events: tuple[EventDraft, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be stored."""
        return all(isinstance(write, Check) for write in self.writes)


def compose(
    records: Records,
    events: Sequence[Event],
    *,
    cells: Mapping[Address, Cell],
    checked: Sequence[Address],
    codec: Codec,
) -> Composition:
    """Turns a decided view into writes: changed cells are put, what was merely read is checked.

    Equality is decided on encoded bytes and index: a record that encodes to what is loaded is not
    written, and deleting an absent cell is nothing.

    Args:
        records: The view after the decision.
        events: What the decision tells.
        cells: The loaded cells.
        checked: The addresses on which the decision rests.
        codec: Encodes records and events.

    Raises:
        PayloadTooLarge: More than 64 writes or 256 events.
    """
    writes: dict[Address, Write] = {}
    for key, record in records.written():
        write = write_of(key, record, cells.get(key.address), codec)
        if write is not None:
            writes[key.address] = write
    changed = bool(writes)
    for address in checked:
        if address not in writes:
            writes[address] = Check(address, expected(cells.get(address)))
    drafts = tuple(draft_of(event, codec) for event in events) if changed else ()
    composition = Composition(tuple(writes.values()), drafts)
    check_command(composition.writes, composition.events)
    return composition


def expected(cell: Cell | None) -> Expectation:
    """What a loaded cell is expected to be still."""
    return ABSENT if cell is None else cell.revision


def write_of(
    key: Key[object], record: object | None, cell: Cell | None, codec: Codec
) -> Put | Delete | None:
    """What makes a loaded cell hold a record (None: be absent); None where it does already."""
    if record is None:
        return None if cell is None else Delete(key.address, cell.revision)
    entry = Entry(body=codec.encode(record), index=key.collection.index_of(record))
    if cell is not None and cell.entry == entry:
        return None
    return Put(key.address, expected(cell), entry)


def draft_of(event: Event, codec: Codec) -> EventDraft:
    """An event as a commit carries it."""
    return EventDraft(
        address=event.address, kind=event.kind, at=event.at, body=codec.encode_event(event)
    )
