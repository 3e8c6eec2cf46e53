"""A cast: the askers and deciders of one process, at work on one feed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from attrs import frozen

from turnkeep import Keep
from turnkeep_adapters.cli.demo.askers import Asker
from turnkeep_adapters.cli.demo.deciders import Decider
from turnkeep_adapters.cli.demo.errand_desk import Desk
from turnkeep_adapters.cli.demo.feed import Feed
from turnkeep_adapters.cli.demo.ledger import Ledger

if TYPE_CHECKING:
    # A worker has no terminal, and need not load what draws on one.
    from turnkeep_adapters.cli.demo.audience import Audience


@frozen(kw_only=True)
class Cast:
    """How many act at once, and what their whims are drawn from."""

    askers: int
    deciders: int
    seed: int

    async def act(self, keep: Keep, feed: Feed, ledger: Ledger, audience: Audience) -> None:
        """Has every call of the feed decided.

        Raises:
            OSError: The ledger could not be kept, or the audience has gone.
        """
        desk = Desk()
        asker = Asker(
            keep=keep, desk=desk, feed=feed, ledger=ledger, audience=audience, seed=self.seed
        )
        decider = Decider(keep, desk)
        try:
            async with asyncio.TaskGroup() as group:
                deciding = [group.create_task(decider.work()) for _ in range(self.deciders)]
                async with asyncio.TaskGroup() as asking:
                    for _ in range(self.askers):
                        asking.create_task(asker.work())
                for task in deciding:
                    task.cancel()
        except ExceptionGroup as errors:
            # Whatever stopped one actor stopped them all.
            raise first_of(errors) from errors


def first_of(errors: ExceptionGroup[Exception]) -> Exception:
    """The first error of a group, however deep it lies."""
    error = errors.exceptions[0]
    return first_of(error) if isinstance(error, ExceptionGroup) else error
