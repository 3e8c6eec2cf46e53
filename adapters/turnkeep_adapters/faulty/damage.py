"""Damage: what was stored, with bodies that no codec can read."""

from __future__ import annotations

from attrs import evolve

from turnkeep_ports.scans import Page
from turnkeep_ports.store import Cell, CursorLost, EventPage, Loaded, StoredEvent


def cut(body: bytes) -> bytes:
    """The first half of a body, as a torn write leaves it; never the body itself."""
    return body[: len(body) // 2] if body else b"\xff"


def damaged_load(loaded: Loaded, collection: str | None) -> Loaded:
    """The loaded cells, those of the collection (None: all) damaged."""
    cells = {address: _cell(cell, collection) for address, cell in loaded.cells.items()}
    return evolve(loaded, cells=cells)


def damaged_page(page: Page, _: str | None) -> Page:
    """The page, all its cells damaged: they are of one collection."""
    return evolve(page, cells=tuple(_cell(cell, None) for cell in page.cells))


def damaged_events(page: EventPage | CursorLost, collection: str | None) -> EventPage | CursorLost:
    """The events, those of the collection (None: all) damaged; a lost cursor has none."""
    match page:
        case CursorLost():
            return page
        case EventPage():
            return evolve(page, events=tuple(_event(event, collection) for event in page.events))


def _cell(cell: Cell, collection: str | None) -> Cell:
    if collection is not None and cell.address.collection != collection:
        return cell
    return evolve(cell, entry=evolve(cell.entry, body=cut(cell.entry.body)))


def _event(event: StoredEvent, collection: str | None) -> StoredEvent:
    if collection is not None and event.address.collection != collection:
        return event
    return evolve(event, body=cut(event.body))
