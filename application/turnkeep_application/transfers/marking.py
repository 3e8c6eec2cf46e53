"""Marking: the mark of an import, changed together with what it tells of, whatever the store does.

Each change expects the mark as it was, so a commit of unknown fate is simply sent again: either it
lands, or the mark shows that it has. Of two that are sent, one lands.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from attrs import define, field

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.transfers.errors import TransferRefused
from turnkeep_domain.transfers.import_mark import IMPORT, IMPORTS, ImportMark
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.codec import Codec
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.ids import Ids
from turnkeep_ports.store import (
    ABSENT,
    Cell,
    CommitId,
    Committed,
    Delete,
    Entry,
    EventDraft,
    Put,
    RecordStore,
    Revision,
    Stale,
    Write,
)

CALL_SECONDS: Final = 30.0
"""How long the store may take for one call."""
PATIENCE_SECONDS: Final = 120.0
"""How long it is asked again before an import gives up; it can go on later."""
_PAUSE_SECONDS: Final = 0.1


@define(kw_only=True, eq=False)
class Marking:
    """The mark of one store's import, for one task.

    Attributes:
        mark: As it stands; None where there is none.
    """

    store: RecordStore
    codec: Codec
    clock: Clock
    ids: Ids
    mark: ImportMark | None = field(default=None, init=False)
    _revision: Revision | None = field(default=None, init=False)

    async def look(self) -> datetime:
        """Reads the mark; answers what time it is.

        Raises:
            Unavailable: The store did not serve for as long as the import has patience.
        """
        until = Deadline.after(self.clock, PATIENCE_SECONDS)
        while True:
            call = self.deadline()
            try:
                loaded = await bounded(self.store.load((IMPORT.address,), deadline=call), call)
            except (DeadlinePassed, Unavailable) as error:
                await self.pause(until, error)
                continue
            self._note(loaded.cells.get(IMPORT.address))
            return loaded.now

    async def change(
        self,
        to: ImportMark | None,
        writes: Sequence[Write] = (),
        events: Sequence[EventDraft] = (),
        *,
        commit_id: CommitId | None = None,
    ) -> None:
        """Changes the mark, and writes the rest, in one commit.

        It may turn out that another process, which brings the same export, has done it, and more;
        the mark tells.

        Args:
            to: What it becomes; None to take it away.
            writes: What else is written.
            events: What is told.
            commit_id: Of the commit; None for a fresh one.

        Raises:
            TransferRefused: Somebody else has changed the store.
            Unavailable: The store did not serve for as long as the import has patience.
        """
        order = [self._write(to), *writes]
        id = self.ids.commit_id() if commit_id is None else commit_id
        until = Deadline.after(self.clock, PATIENCE_SECONDS)
        while True:
            call = self.deadline()
            cause: Exception | None = None
            try:
                answer = await bounded(
                    self.store.commit(id, order, events, valid_until=None, deadline=call), call
                )
            except (DeadlinePassed, OutcomeUnknown, Unavailable) as error:
                cause = error
            else:
                if isinstance(answer, Committed):
                    self.mark, self._revision = to, answer.revisions.get(IMPORT.address)
                    return
                if answer != Stale(frozenset(), busy=True) and await self._is_done(to):
                    return
            await self.pause(until, cause)

    def deadline(self) -> Deadline:
        """The deadline of one call."""
        return Deadline.after(self.clock, CALL_SECONDS)

    async def pause(self, until: Deadline, cause: Exception | None) -> None:
        """Waits before the store is asked again.

        Raises:
            Unavailable: Patience has come to its end, or asking again cannot help.
        """
        if isinstance(cause, Unavailable) and not cause.retryable:
            raise cause
        if until.remaining_seconds() <= 0:
            raise Unavailable("it has not served for too long; the import may go on") from cause
        await self.clock.sleep(_PAUSE_SECONDS)

    async def _is_done(self, to: ImportMark | None) -> bool:
        """That a change which lost a race has been made, by an earlier sending or another process.

        Raises:
            TransferRefused: Something else was.
        """
        before = self._revision
        await self.look()
        if self.mark == to or _is_ahead(self.mark, to):
            return True
        if self._revision == before:
            raise TransferRefused("somebody else has written to the store meanwhile")
        raise TransferRefused("another process has finished the import, or has given it up")

    def _note(self, cell: Cell | None) -> None:
        if cell is None:
            self.mark, self._revision = None, None
        else:
            self.mark = self.codec.decode(IMPORTS, IMPORT.address, cell.entry.body)
            self._revision = cell.revision

    def _write(self, to: ImportMark | None) -> Write:
        if to is None:
            if self._revision is None:
                raise RuntimeError("there is no mark to take away")
            return Delete(IMPORT.address, self._revision)
        entry = Entry(body=self.codec.encode(to), index=IMPORTS.index_of(to))
        return Put(IMPORT.address, ABSENT if self._revision is None else self._revision, entry)


def _is_ahead(mark: ImportMark | None, to: ImportMark | None) -> bool:
    """Whether another process has come further with the same."""
    if mark is None or to is None or mark.export != to.export or mark.stage is not to.stage:
        return False
    return (mark.chapters, mark.pieces) > (to.chapters, to.pieces)
