"""Tellers: coroutines of one process that all book on tills, and count what is acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from benchmarks.loss import require_count
from benchmarks.tills import SCOPE, TILLS, TillCodec, booking, till_key
from turnkeep import Container, RequestId
from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_application.errors import Contended
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import START, EventPage, EventQuery, RecordStore

READ_SECONDS: Final = 30.0
PAGE: Final = 500
_NUMBERS: Final = itertools.count()


@frozen
class Tellers:
    """The writers of one process.

    Attributes:
        till: On which all of them book.
        with_ids: Whether each booking has a request id, so that doubts can be resolved.
    """

    loop: UpdateLoop
    till: str
    tallies: Tallies
    with_ids: bool = False
    _acknowledged: list[int] = field(factory=lambda: [0], init=False)
    _unknown: list[str] = field(factory=list, init=False)

    @classmethod
    def on(
        cls, store: RecordStore, till: str, rounds: RoundSettings, *, with_ids: bool = False
    ) -> Tellers:
        """Tellers on a store, with their own update loop."""
        container, tallies = Container(), Tallies()
        loop = UpdateLoop(
            store=store,
            codec=TillCodec(),
            clock=container.clock(),
            random=container.random(),
            ids=container.ids(),
            telemetry=tallies,
            rounds=rounds,
        )
        return cls(loop, till, tallies, with_ids)

    def beside(self, till: str) -> Tellers:
        """Tellers of the same process at another till."""
        return Tellers(self.loop, till, self.tallies, self.with_ids)

    async def seconds(self, writers: int, times: int) -> float:
        """What one booking takes on average, with so many writers at once."""
        started = time.perf_counter()
        await asyncio.gather(*(self._repeat(times) for _ in range(writers)))
        return (time.perf_counter() - started) / (times * writers)

    async def _repeat(self, times: int) -> None:
        for _ in range(times):
            await self.book()

    async def book(self) -> None:
        """One booking. A teller that loses every race, or is not served, begins it anew."""
        where = till_key(self.till)
        request_id = RequestId(f"r{next(_NUMBERS)}") if self.with_ids else None
        decide = booking(where, request_id)
        while True:
            try:
                await self.loop.update([where], decide)
            except (Contended, Unavailable):
                continue
            except OutcomeUnknown:
                self._unknown.append(where.address.id)
            else:
                self._acknowledged[0] += 1
            return

    async def require_all(self) -> None:
        """Nothing was lost: the till and its events count what was acknowledged.

        Of what was told to be unknown, each may be there or not.

        Raises:
            Lost: They do not.
        """
        acknowledged, at = self._acknowledged[0], till_key(self.till).address
        store, deadline = self.loop.store, Deadline.after(self.loop.clock, READ_SECONDS)
        cell = (await store.load([at], deadline=deadline)).cells[at]
        total = TillCodec().decode(TILLS, at, cell.entry.body).total
        if not 0 < total - acknowledged <= len(self._unknown):
            require_count("bookings", acknowledged=acknowledged, found=total)
        told = await _told(store, deadline)
        require_count("events of a till", acknowledged=total, found=told.count(self.till))


async def _told(store: RecordStore, deadline: Deadline) -> Sequence[str]:
    everybody = ScopePrefix(scope=SCOPE, depth=0)
    query = EventQuery(collections=frozenset({TILLS.name}), prefix=everybody)
    told: list[str] = []
    after = START
    while True:
        page = await store.events(query, after=after, limit=PAGE, deadline=deadline)
        assert isinstance(page, EventPage)
        if page.next == after:
            return told
        told += [event.address.id for event in page.events]
        after = page.next
