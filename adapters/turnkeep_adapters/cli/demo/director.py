"""A director: submits errands as turns, and follows them in the event log until all have ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field, frozen

from turnkeep import AtCapacity, Keep, Ref, Refused, RunAddress, RunView, ThreadBusy, TurnPolicy
from turnkeep_adapters.cli.demo.chronicle import FINAL, Chronicle
from turnkeep_adapters.cli.demo.errand import Errand, errand_of, tenant_of
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.recording import Unusable
from turnkeep_adapters.cli.demo.shelf import Shelf
from turnkeep_adapters.cli.demo.stamina import insisting
from turnkeep_adapters.cli.demo.treasurer import Treasurer
from turnkeep_adapters.cli.demo.witness import Log

if TYPE_CHECKING:
    # What draws on a terminal need not be loaded by whoever has none.
    from turnkeep_adapters.cli.demo.audience import Audience

_ORIGIN: Final = Ref("demo")
_SUBMITTED_MAX: Final = 256
_ROUND_SECONDS: Final = 0.05
_STALL_SECONDS: Final = 60.0


@frozen(kw_only=True)
class Submitted:
    """A turn of this demonstration.

    Attributes:
        is_earlier: Whether it had ended before: the same seed and line, on a store that was kept.
    """

    errand: Errand
    address: RunAddress
    is_earlier: bool


@define(kw_only=True)
class Director:
    """Whoever has the errands run.

    Attributes:
        submitted: Every turn, by its run.
        repeats: Lines that had been submitted before, word for word.
        refused: Codes of what submits were refused, for good.
        left_out: Lines that could not be used.
        broken: Why reading ended early, if it did.
        stalled: Whether nothing happened for so long that it gave up waiting.
    """

    keep: Keep
    treasurer: Treasurer
    lines: AsyncIterator[Line]
    shelf: Shelf
    audience: Audience
    submitted: dict[str, Submitted] = field(factory=dict, init=False)
    repeats: int = field(default=0, init=False)
    refused: list[str] = field(factory=list, init=False)
    left_out: int = field(default=0, init=False)
    broken: OSError | None = field(default=None, init=False)
    stalled: bool = field(default=False, init=False)
    _chronicle: Chronicle = field(factory=Chronicle, init=False)
    _fed: bool = field(default=False, init=False)
    _names: set[str] = field(factory=set, init=False)
    _ended: set[str] = field(factory=set, init=False)
    _open: dict[str, str] = field(factory=dict, init=False)
    _moved_at: float = field(factory=time.monotonic, init=False)

    async def direct(self) -> None:
        """Submits all and returns when all have ended, or nothing moves any more."""
        await self.treasurer.open()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            async with asyncio.TaskGroup() as submitting:
                await self._feed(submitting)
                self._fed = True

    async def _feed(self, submitting: asyncio.TaskGroup) -> None:
        async for line in self._readable():
            match errand_of(line, self.shelf.seed):
                case None:
                    continue
                case Unusable() as unusable:
                    self.left_out += 1
                    self.audience.unusable(unusable)
                case Errand(name=name) if name in self._names:
                    self.repeats += 1
                case Errand() as errand:
                    self._names.add(errand.name)
                    self.shelf.put(errand)
                    await self._room()
                    submitting.create_task(self._submit(errand))

    async def _readable(self) -> AsyncIterator[Line]:
        try:
            async for line in self.lines:
                yield line
        except OSError as error:
            self.broken = error

    async def _room(self) -> None:
        # Ends are seen in rounds, and have no bell to ring.
        while len(self._names) - len(self._ended) > _SUBMITTED_MAX:  # noqa: ASYNC110
            await asyncio.sleep(_ROUND_SECONDS)

    async def _submit(self, errand: Errand) -> None:
        await self.treasurer.allow(errand)
        policy = evolve(TurnPolicy.interactive(), turn_class=errand.turn_class)
        submit = partial(
            self.keep.turns.submit,
            errand.scope,
            actor=errand.actor,
            request_id=errand.request_id,
            payload=errand.content,
            message_ref=errand.name,
            origin=_ORIGIN,
            policy=policy,
        )
        while True:
            match await insisting(submit):
                case RunView() as view:
                    self._accept(errand, view)
                    return
                case Refused(ThreadBusy() | AtCapacity()) if not self.stalled:
                    # One errand of a thread at a time, and not more than there is room for.
                    await asyncio.sleep(_ROUND_SECONDS)
                case Refused(reason):
                    self.refused.append(reason.code)
                    self._ended.add(errand.name)
                    return

    def _accept(self, errand: Errand, view: RunView) -> None:
        self.submitted[view.id] = Submitted(
            errand=errand,
            address=RunAddress(view.scope, view.id),
            is_earlier=view.status.final,
        )
        self._open[view.id] = errand.name

    async def _follow(self) -> None:
        log = Log(self.keep, tenant_of(self.shelf.seed))
        while not self._is_over():
            async for fact in log.facts():
                self._moved_at = time.monotonic()
                self._chronicle.take(fact)
            for id, name in tuple(self._open.items()):
                told = self._chronicle.runs.get(id)
                if told is not None and told.status in FINAL:
                    self.audience.one_more()
                    self._ended.add(name)
                    del self._open[id]
            await asyncio.sleep(_ROUND_SECONDS)

    def _is_over(self) -> bool:
        if self._fed and len(self._ended) == len(self._names):
            return True
        if self._names == self._ended:
            self._moved_at = time.monotonic()  # nobody can move but whoever feeds it
        self.stalled = time.monotonic() - self._moved_at > _STALL_SECONDS
        return self.stalled
