"""An event merge: pages of several mounts' logs as one page, each mount's order kept.

Of the heads of the mounts' pages the one that says the earliest time comes first. That orders
nothing but what is in view: a commit to one mount may show before an earlier one to another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from attrs import evolve

from turnkeep_ports.store import Cursor, EventPage, StoredEvent


def merged(
    pages: Mapping[int, EventPage],
    places: Sequence[bytes],
    *,
    limit: int,
    keeps: Callable[[int, StoredEvent], bool],
    cursor: Callable[[Sequence[bytes]], Cursor],
) -> EventPage:
    """One page of several.

    Args:
        pages: By the number of the mount, each read from the place of its mount.
        places: Where the reader stands in every mount.
        limit: How many events at most; what is beyond is read again from where this page ends.
        keeps: Whether an event is of a record that this mount keeps.
        cursor: The cursor of such places.
    """
    at = list(places)
    queues = {number: deque(page.events) for number, page in pages.items()}
    told: list[StoredEvent] = []
    while len(told) < limit:
        waiting = [number for number, queue in queues.items() if queue]
        if not waiting:
            break
        number = min(waiting, key=lambda each: (queues[each][0].at, each))
        event = queues[number].popleft()
        at[number] = event.cursor
        if keeps(number, event):
            told.append(evolve(event, cursor=cursor(at)))
    for number, queue in queues.items():
        if not queue:
            at[number] = pages[number].next
    return EventPage(tuple(told), cursor(at))
