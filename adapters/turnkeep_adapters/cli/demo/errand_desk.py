"""A desk: where askers leave errands for deciders, and learn when all of a case are done."""

from __future__ import annotations

import asyncio

from attrs import define, field, frozen

from turnkeep_adapters.cli.demo.asking import Ask
from turnkeep_adapters.cli.demo.ledger import Case, Ledger, Told
from turnkeep_adapters.cli.demo.scene import Errand, Scene


@define(eq=False)
class OpenCase:
    """A case while its scene is played: several actors add to it, and the ledger keeps it.

    Attributes:
        gate: The id of the approval; empty where the call could not even be raised.
    """

    ask: Ask
    gate: str
    plot: str
    _ledger: Ledger
    _number: int = field(init=False)
    _running: int = field(default=0, init=False)
    _idle: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._number = self._ledger.begin(
            Case(
                line=self.ask.line,
                call=self.ask.position,
                gate=self.gate,
                scope=self.ask.scope.components(),
                threshold=self.ask.quorum.threshold,
                plot=self.plot,
                told=(),
                trouble=(),
                ended=False,
            )
        )

    def was_told(self, told: Told) -> None:
        """Notes an answer."""
        self._ledger.add_answer(self._number, told)

    def gave_up(self, code: str) -> None:
        """Notes that an actor stopped because of an error."""
        self._ledger.add_trouble(self._number, code)

    def end(self) -> None:
        """Notes that nobody adds to it any more."""
        self._ledger.end(self._number)

    def begin(self, errands: int) -> None:
        """Notes that so many errands are under way, one at least; called once."""
        self._running = errands

    def end_errand(self) -> None:
        """Notes that one of them is done."""
        self._running -= 1
        if not self._running:
            self._idle.set()

    @property
    def is_idle(self) -> bool:
        """Whether all errands are done."""
        return self._idle.is_set()

    async def all_done(self) -> None:
        """Returns when all errands are."""
        await self._idle.wait()


@frozen
class Job:
    """An errand, and the case it belongs to."""

    case: OpenCase
    errand: Errand


@frozen
class Desk:
    """Jobs in the order in which they are to be taken up.

    It never holds more than one scene's errands for each asker, for these wait until they are done.
    """

    _jobs: asyncio.Queue[Job] = field(factory=asyncio.Queue, init=False)

    def leave(self, case: OpenCase, scene: Scene) -> None:
        """Leaves the errands of a scene, all at once."""
        case.begin(len(scene.errands))
        for errand in scene.errands:
            self._jobs.put_nowait(Job(case, errand))

    async def take(self) -> Job:
        """The next job, once there is one."""
        return await self._jobs.get()
