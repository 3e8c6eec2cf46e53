"""The update loop: load, decide, commit; again while races are lost; never a false answer.

One implementation for every service and every store. It holds no lock across I/O, makes at most
`Pacing.attempts_max` attempts under one deadline, and knows what became of each commit:

* A commit of unknown fate stays a *doubt*. Each later load is asked about it: a cell that carries
  its commit id proves that it landed; an expected revision that is gone proves that it never will.
* While a doubt is open, no answer that stores nothing is believed: the doubt is *fenced* first, by
  putting back a cell's own bytes at the revision that the doubt expects.
* A commit that follows a doubt ends it in the same write, so that no command applies twice.

Commands of one process that come for the same cells go together, in *rounds*; and a first decision
may be made on what the process has *last seen*. Neither is relied upon: what a commit expects is
all that keeps one update from another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

from attrs import field, frozen

from turnkeep_application.capable import require_capable
from turnkeep_application.commands import Command
from turnkeep_application.course import Course, Means
from turnkeep_application.doubts import Doubts
from turnkeep_application.last_seen import LastSeen
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.rounds import Rounds
from turnkeep_application.store_parts import Feature, require_parts, require_together
from turnkeep_application.tally import Tally
from turnkeep_application.updates import Decide, Prepare
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import ReadKey
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.codec import Codec
from turnkeep_ports.ids import Ids
from turnkeep_ports.observer import Observer
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import RecordStore
from turnkeep_ports.telemetry import Telemetry

O = TypeVar("O")
R = TypeVar("R")


@frozen(kw_only=True)
class UpdateLoop:
    """The implementation of `Updates` over a record store.

    Where the store keeps some records apart from others, each part has rounds and a memory of its
    own: what is decided together is of one store, of one moment, and by one clock.

    Attributes:
        forgone: What the host does without, for the store keeps apart what it needs together.

    Raises:
        Unsupported: The store does not commit over several cells, all or nothing; or it keeps
            apart what a service, or a feature that was not forgone, commits together.
    """

    store: RecordStore
    codec: Codec
    clock: Clock
    random: Random
    ids: Ids
    telemetry: Telemetry
    pacing: Pacing = field(factory=Pacing)
    rounds: RoundSettings = field(factory=RoundSettings)
    last_seen: LastSeenSettings = field(factory=LastSeenSettings)
    forgone: frozenset[Feature] = field(default=frozenset())
    _means_of: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, Means]] = field(
        factory=WeakKeyDictionary, init=False, eq=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        require_parts(require_capable(self.store), self.forgone)

    async def update(
        self,
        keys: Sequence[ReadKey[object]],
        decide: Decide[O, R],
        *,
        hints: Sequence[ReadKey[object]] = (),
        prepare: Prepare | None = None,
    ) -> O | Refused[R]:
        """As `Updates.update` promises."""
        capabilities = require_capable(self.store)
        if not keys:
            raise InvalidValue("keys", "must name one cell at least")
        require_together(capabilities, [key.collection.name for key in (*keys, *hints)])
        tally = Tally(self.telemetry, keys[0].collection.name)
        command = Command(
            keys=tuple(dict.fromkeys(keys)),
            hints=tuple(hints),
            decide=decide,
            prepare=prepare,
            deadline=Deadline.after(self.clock, self.pacing.deadline_seconds),
            tally=tally,
            doubts=Doubts(tally),
        )
        part = capabilities.part_of(keys[0].collection.name)
        return await Course(means=self._means(part), command=command).run()

    def _means(self, part: int) -> Means:
        """What is shared in the running event loop: who waits in another cannot be woken here."""
        here = self._means_of.setdefault(asyncio.get_running_loop(), {})
        means = here.get(part)
        if means is None:
            seen = LastSeen(self.last_seen, self.clock) if self.last_seen.remembers else None
            means = here[part] = Means(
                store=self.store,
                codec=self.codec,
                clock=self.clock,
                random=self.random,
                ids=self.ids,
                pacing=self.pacing,
                rounds=self._rounds_with(seen) if self.rounds.together else None,
                seen=seen,
                observer=self.telemetry if isinstance(self.telemetry, Observer) else None,
            )
        return means

    def _rounds_with(self, seen: LastSeen | None) -> Rounds:
        return Rounds(
            store=self.store,
            codec=self.codec,
            clock=self.clock,
            ids=self.ids,
            seen=seen,
            settings=self.rounds,
            reserve_seconds=self.pacing.reserve_seconds,
        )
