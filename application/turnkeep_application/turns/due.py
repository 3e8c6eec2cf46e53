"""Due records: those whose time has come, as a sweep finds them, earliest first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

from attrs import frozen

from turnkeep_application.errors import Contended
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_domain.keys import Address, Collection
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Corrupt, OutcomeUnknown, SchemaTooNew, Unavailable
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.scans import Due, Position

T = TypeVar("T")

_EARLY: Final = datetime.min.replace(tzinfo=UTC)
_TOGETHER: Final = 16


@frozen(kw_only=True)
class DuePage(Generic[T]):
    """Some due records, earliest first.

    Attributes:
        unreadable: What lay among them and could not be read; it counts for no limit, so that it
            hides none of the others.
        next: Where the next page begins; None where no more are due.
    """

    records: tuple[T, ...]
    unreadable: tuple[Unreadable, ...]
    next: Position | None


@frozen
class DueRecords:
    """Finds them; safe to ask on any number of hosts at once."""

    _reading: Reading

    async def of(
        self,
        collection: Collection[T],
        states: frozenset[str],
        *,
        limit: int,
        age: timedelta = timedelta(0),
        after: Position | None = None,
    ) -> DuePage[T]:
        """Up to `limit` records that have been due for `age`.

        Raises:
            Unavailable: The store did not serve.
        """
        deadline = self._reading.deadline()
        records: list[T] = []
        unreadable: list[Unreadable] = []
        by = await self._now(collection, states, deadline) - age
        query = Due(collection=collection.name, states=states, by=by)
        while len(records) < limit:
            cells = min(limit - len(records), PAGE_MAX)
            page = await self._reading.page(query, after=after, limit=cells, deadline=deadline)
            for cell in page.cells:
                record = self._reading.decoded(collection, cell)
                if isinstance(record, Unreadable):
                    unreadable.append(record)
                else:
                    records.append(record)
            after = page.next
            if after is None:
                break
        return DuePage(records=tuple(records), unreadable=tuple(unreadable), next=after)

    async def tidied(
        self,
        collection: Collection[T],
        states: frozenset[str],
        tidy: Callable[[T], Awaitable[bool]],
        address: Callable[[T], Address],
        *,
        limit: int,
    ) -> tuple[int, tuple[Unreadable, ...]]:
        """Tidies due records until that has stored something for `limit` of them, or none is left.

        What fails, however often, counts for nothing: it hides none of those that come after it.
        The arguments are as of the function `tidied`.

        Raises:
            Unavailable: The store did not serve.
        """
        done, after = 0, None
        unreadable: list[Unreadable] = []
        while done < limit:
            page = await self.of(collection, states, limit=limit - done, after=after)
            unreadable += page.unreadable
            changed, damaged = await tidied(page.records, tidy, address)
            done += changed
            unreadable += damaged
            after = page.next
            if after is None:
                break
        return done, tuple(unreadable)

    async def _now(
        self, collection: Collection[T], states: frozenset[str], deadline: Deadline
    ) -> datetime:
        """The store's clock, which a page tells, an empty one too."""
        query = Due(collection=collection.name, states=states, by=_EARLY)
        return (await self._reading.page(query, after=None, limit=1, deadline=deadline)).now


async def tidied(
    items: Sequence[T], tidy: Callable[[T], Awaitable[bool]], address: Callable[[T], Address]
) -> tuple[int, tuple[Unreadable, ...]]:
    """Tidies one after another, some at once; one that cannot be dealt with stops no other.

    What raced, or did not reach the store, is left to the next sweep.

    Args:
        items: What is due.
        tidy: Deals with one, and says whether anything was stored.
        address: Of an item, by which it is reported where something that it needs is unreadable.

    Returns:
        For how many something was stored, and which could not be read.
    """
    unreadable: list[Unreadable] = []

    async def one(item: T) -> bool:
        try:
            return await tidy(item)
        except (Corrupt, SchemaTooNew) as error:
            unreadable.append(Unreadable(address(item), error.code))
        except (Contended, Unavailable, OutcomeUnknown):
            pass
        return False

    done = 0
    for begin in range(0, len(items), _TOGETHER):
        batch = [one(item) for item in items[begin : begin + _TOGETHER]]
        done += sum(await asyncio.gather(*batch))
    return done, tuple(unreadable)
