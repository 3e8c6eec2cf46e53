"""An announcement: something that is made known once, to whoever asks or waits."""

from __future__ import annotations

import asyncio

from attrs import define, field


@define(eq=False)
class Announcement:
    """Made known once and never taken back."""

    _event: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    @property
    def announced(self) -> bool:
        """Whether it was made known."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Returns once it was made known; at once if it was before."""
        await self._event.wait()

    def announce(self) -> None:
        """Makes it known; may be repeated."""
        self._event.set()
