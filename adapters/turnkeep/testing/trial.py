"""A trial: one commit over several cells that is broken off; its fate is found out afterwards."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Self

from attrs import frozen

from turnkeep.testing.caller import Caller
from turnkeep.testing.specimens import address, draft, entry, fresh_commit_id
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import (
    ABSENT,
    Cell,
    CommitId,
    Committed,
    Delete,
    Late,
    Put,
    RecordStore,
    Stale,
)


@frozen(kw_only=True)
class Trial:
    """A commit that makes one cell, changes one, ends one and tells two events."""

    commit_id: CommitId
    made: Address
    changed: Cell
    ended: Cell

    @classmethod
    async def prepare(cls, caller: Caller) -> Self:
        """Makes the cells that the commit will change and end."""
        commit_id = fresh_commit_id()
        made, changed, ended = (
            address(f"{role}-{commit_id.hex()}") for role in ("made", "changed", "ended")
        )
        await caller.committed(
            Put(changed, ABSENT, entry(b"before")), Put(ended, ABSENT, entry(b"before"))
        )
        return cls(
            commit_id=commit_id,
            made=made,
            changed=await caller.present(changed),
            ended=await caller.present(ended),
        )

    def commit(
        self, store: RecordStore, deadline: Deadline
    ) -> Coroutine[object, object, Committed | Stale | Late]:
        """The commit, not begun yet."""
        return store.commit(
            self.commit_id,
            [
                Put(self.made, ABSENT, entry(b"after")),
                Put(self.changed.address, self.changed.revision, entry(b"after")),
                Delete(self.ended.address, self.ended.revision),
            ],
            [draft(self.made, b"1"), draft(self.changed.address, b"2")],
            valid_until=None,
            deadline=deadline,
        )

    async def landed(self, caller: Caller) -> bool:
        """Whether the commit landed; if it did not, it never will.

        Whoever puts a cell back at the revision that the commit expects, either beats it for ever
        or learns that it has landed.
        """
        shown_early = await self._shows(caller)
        fence = Put(self.changed.address, self.changed.revision, self.changed.entry)
        beaten = isinstance(await caller.commit(fence), Committed)
        shown = await self._shows(caller)
        assert shown != beaten, "a commit was written in part"
        assert shown or not shown_early, "a commit that had landed is gone again"
        return shown

    async def _shows(self, caller: Caller) -> bool:
        places = (self.made, self.changed.address, self.ended.address)
        cells = (await caller.load(*places)).cells
        signs = {
            self.made in cells,
            self.ended.address not in cells,
            cells[self.changed.address].written_by == self.commit_id,
        }
        assert len(signs) == 1, "a load shows a part of a commit"
        return signs.pop()


async def expect_events(caller: Caller, *, landed: Sequence[Trial], lost: Sequence[Trial]) -> None:
    """Fails unless each trial that landed told its two events once, and the others told nothing."""
    told = [event.commit_id for event in await caller.history()]
    for trial in landed:
        assert told.count(trial.commit_id) == 2, "a commit that landed lacks its events"
    for trial in lost:
        assert trial.commit_id not in told, "a commit that was not written has told events"
