"""Stored messages: the cells of a thread's messages, found by their numbers.

Numbers have no gaps, so a range of them is a scan from one place on, in whatever thread's scope a
fork shares it with. What is missing in a range is damage, unless the thread was deleted meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from turnkeep_application.reading import Reading
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.messages import MESSAGES, Message, sorted_at
from turnkeep_domain.threads.segments import Segment
from turnkeep_ports.clock import Deadline
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.scans import Place, Position, Sorted, position
from turnkeep_ports.store import Cell

FIRST_CHUNK: Final = 32
"""Messages of a first read, while nothing is known of how large they are."""


class Hole(Exception):
    """A message of a range is not there; its only argument is its number."""


@frozen
class StoredMessage:
    """A message, and how many bytes it takes."""

    message: Message
    size_bytes: int


@frozen(kw_only=True)
class StoredMessages:
    """The messages of one thread, by its segments.

    Attributes:
        thread: The thread that shows them.
        segments: Where they are kept, the thread's own scope included.
        deadline: Of all reads together.
    """

    reading: Reading
    thread: ThreadAddress
    segments: Sequence[Segment]
    deadline: Deadline

    async def between(self, first: int, last: int) -> list[StoredMessage]:
        """The messages `first` to `last`, all of them, in order.

        Raises:
            Hole: One is not there.
            Corrupt, SchemaTooNew: One is unreadable.
        """
        found: list[StoredMessage] = []
        for segment in self.segments:
            begin, end = max(first, segment.first), min(last, segment.last)
            if begin <= end:
                found += await self._within(segment, begin, end)
        if len(found) != last - first + 1:
            raise Hole(first + len(found))
        return found

    async def _within(self, segment: Segment, first: int, last: int) -> list[StoredMessage]:
        home = self.thread.beside(segment.thread_id)
        found: list[StoredMessage] = []
        while first <= last:
            limit = min(last - first + 1, PAGE_MAX)
            for cell in await messages_from(self.reading, home, first, limit, self.deadline):
                stored = self._decoded(cell)
                if stored.message.sequence != first:
                    raise Hole(first)
                found.append(stored)
                first += 1
                limit -= 1
            if limit:
                raise Hole(first)
        return found

    def _decoded(self, cell: Cell) -> StoredMessage:
        message = self.reading.codec.decode(MESSAGES, cell.address, cell.entry.body)
        return StoredMessage(message, len(cell.entry.body))


async def messages_from(
    reading: Reading,
    thread: ThreadAddress,
    first: int,
    limit: int,
    deadline: Deadline,
) -> tuple[Cell, ...]:
    """The cells of a thread's own messages from a number on, in order."""
    query = _query(thread, None)
    page = await reading.page(query, after=_before(query, first), limit=limit, deadline=deadline)
    return page.cells


async def first_draft(
    reading: Reading, thread: ThreadAddress, first: int, last: int, deadline: Deadline
) -> int | None:
    """The number of a thread's first draft in a range; None where all of it is settled.

    Drafts are found by their state, so it costs nothing that there are many messages. What is
    settled stays so, and what is appended later has a later number: None stands for good.
    """
    query = _query(thread, MessageState.DRAFT)
    page = await reading.page(query, after=_before(query, first), limit=1, deadline=deadline)
    for cell in page.cells:
        sequence = int(cell.entry.index.sort)
        if sequence <= last:
            return sequence
    return None


def _query(thread: ThreadAddress, state: MessageState | None) -> Sorted:
    return Sorted(
        collection=MESSAGES.name,
        prefix=ScopePrefix.exactly(thread.scope),
        state=None if state is None else state.value,
    )


def _before(query: Sorted, sequence: int) -> Position:
    """The place before every message with that number or a later one."""
    return position(query, Place(sorted_at(sequence).encode(), b""))
