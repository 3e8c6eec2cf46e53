"""A following: events told as they happen, until nobody reads, or for as long as was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self, TypeAlias

import click
from attrs import frozen

from turnkeep import (
    Cursor,
    CursorLost,
    InvalidValue,
    Keep,
    ReaderName,
    Recorded,
    Refused,
    ScopePrefix,
    UnreadableEvent,
)
from turnkeep_adapters.cli.events.telling import json_line, line_of

Told: TypeAlias = Recorded | UnreadableEvent | CursorLost


class Lost(Exception):
    """What came after a cursor was trimmed, or it is none of this store; the argument says so."""

    @classmethod
    def until(cls, floor: Cursor) -> Self:
        """Only what follows this cursor is left."""
        return cls(
            "the events after that cursor were trimmed, or it is of another store; "
            f"those that are left follow --after {floor.hex()}"
        )


@frozen(kw_only=True)
class Following:
    """What is followed, and how it is told.

    Attributes:
        reader: Under which name; None for none.
        idle_seconds: After how long without an event it ends; None for never.
    """

    prefix: ScopePrefix
    collections: frozenset[str] | None
    after: Cursor
    reader: ReaderName | None
    idle_seconds: float | None
    as_json: bool

    async def follow(self, keep: Keep) -> None:
        """Tells events on standard output.

        Raises:
            Lost: There are no events after the cursor any more.
        """
        after = await self._begin(keep)
        events = keep.events.follow(self.prefix, after=after, collections=self.collections)
        async for entry in self._until_idle(events):
            if isinstance(entry, CursorLost):
                raise Lost.until(entry.floor)
            click.echo(json_line(entry) if self.as_json else line_of(entry))
            if self.reader is not None:
                # Told before it is noted: after an interruption rather twice than never.
                await keep.events.advance(self.reader, entry.cursor)

    async def _begin(self, keep: Keep) -> Cursor:
        if self.reader is None:
            return self.after
        view = await keep.events.register(self.reader, after=self.after)
        if isinstance(view, Refused):
            raise InvalidValue("reader", f"is refused: {view.reason.code}")
        return view.cursor

    async def _until_idle(self, events: AsyncIterator[Told]) -> AsyncIterator[Told]:
        while True:
            try:
                async with asyncio.timeout(self.idle_seconds):
                    entry = await anext(events)
            except (TimeoutError, StopAsyncIteration):
                return
            yield entry
