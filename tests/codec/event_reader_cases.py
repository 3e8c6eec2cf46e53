"""The cases of event readers' golden files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_domain.decisions import Changed
from turnkeep_domain.event_readers.reader import EventReader, ReaderName

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
REGISTERED: Final = EventReader.registered(ReaderName("mirror ü"), cursor=b"", now=NOW).state


def moved(cursor: bytes) -> EventReader:
    decision = REGISTERED.advance(cursor, now=NOW + timedelta(seconds=1))
    assert isinstance(decision, Changed)
    return decision.state


EVENT_READER_RECORDS: Final[dict[tuple[str, str], object]] = {
    ("event_reader", "registered"): REGISTERED,
    ("event_reader", "moved"): moved(bytes(range(32))),
}
