"""Retention of approvals: what people read is erased first, and a tombstone takes the rest's place.

Reason and display go some days after the end, the call and its grant much later. What a run still
waits for, or a grant still allows, stays; ids are spent for ever, so tombstones do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Never, Protocol

from attrs import define, field, frozen

from turnkeep_application.approval_cells import approval_key, grant_key, payload_key
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Records
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.due import DueRecords, tidied
from turnkeep_application.updates import Updates
from turnkeep_domain.approvals.approval import APPROVALS, ERASED, Approval, ApprovalRecord
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_ports.scans import Position

_SHOWN: Final = frozenset(
    state.value for state in (ApprovalState.APPROVED, ApprovalState.DENIED, ApprovalState.EXPIRED)
)
_ENDED: Final = _SHOWN | {f"{state}{ERASED}" for state in _SHOWN}


@frozen(kw_only=True)
class ApprovalsPruned:
    """What one pruning has done, or, as a dry run, would have done.

    Attributes:
        erased: The approvals whose reason and display were erased.
        pruned: Those of which a tombstone is left.
        spared: How many are past their retention and still needed.
        unreadable: What was passed over, untouched.
    """

    erased: tuple[Address, ...]
    pruned: tuple[Address, ...]
    spared: int
    unreadable: tuple[Unreadable, ...]


class _Fate(Enum):
    """What becomes of an approval that is old enough by its index."""

    DUE = "due"
    SPARED = "spared"
    NOT_DUE = "not_due"


class _Chore(Protocol):
    """What is done with an approval when it has been over for so long.

    Attributes:
        age: For how long.
    """

    @property
    def age(self) -> timedelta: ...

    def keys(self, approval: Approval) -> Sequence[ReadKey[object]]:
        """The cells that it takes."""
        ...

    def fate(self, approval: Approval, records: Records, now: datetime) -> _Fate:
        """Whether it is done."""
        ...

    def done(self, approval: Approval, records: Records, now: datetime) -> Changed[Records, None]:
        """Does it."""
        ...


def erased(records: Records, approval: Approval, now: datetime) -> Changed[Records, None]:
    """The view in which reason and display are erased, and the approval says so."""
    scope, id = approval.request.scope, approval.request.id
    after = records.delete(payload_key(scope, id))
    decision = approval.erase(now=now)
    if isinstance(decision, Unchanged):
        return Changed(after, None, ())
    return Changed(after.put(approval_key(scope, id), decision.state), None, decision.events)


@frozen
class _Erasing:
    age: timedelta

    def keys(self, approval: Approval) -> Sequence[ReadKey[object]]:
        scope, id = approval.request.scope, approval.request.id
        return approval_key(scope, id), payload_key(scope, id)

    def fate(self, approval: Approval, _: Records, now: datetime) -> _Fate:
        is_over = _is_over(approval, self.age, now)
        return _Fate.DUE if is_over and not approval.erased else _Fate.NOT_DUE

    def done(self, approval: Approval, records: Records, now: datetime) -> Changed[Records, None]:
        return erased(records, approval, now)


@frozen
class _Pruning:
    age: timedelta

    def keys(self, approval: Approval) -> Sequence[ReadKey[object]]:
        scope, id, run = approval.request.scope, approval.request.id, approval.request.question.run
        state = () if run is None else (turn_state_key(run),)
        return approval_key(scope, id), payload_key(scope, id), grant_key(scope, id), *state

    def fate(self, approval: Approval, records: Records, now: datetime) -> _Fate:
        if not _is_over(approval, self.age, now):
            return _Fate.NOT_DUE
        grant = records[grant_key(approval.request.scope, approval.request.id)]
        if grant is not None and not _is_finished(grant, self.age, now):
            return _Fate.SPARED
        return _Fate.SPARED if _run_lives(approval, records) else _Fate.DUE

    def done(self, approval: Approval, records: Records, now: datetime) -> Changed[Records, None]:
        scope, id = approval.request.scope, approval.request.id
        decision = approval.prune(before=now - self.age, now=now)
        after = records.delete(payload_key(scope, id)).delete(grant_key(scope, id))
        if isinstance(decision, Refused):  # it was asked whether it is over
            return Changed(records, None, ())
        return Changed(after.put(approval_key(scope, id), decision.state), None, decision.events)


@define(eq=False)
class _Found:
    """What one pass has come to so far."""

    done: list[Address] = field(factory=list)
    spared: int = 0
    unreadable: list[Unreadable] = field(factory=list)


@frozen(kw_only=True)
class ApprovalRetention:
    """The use case of those who tidy up old approvals."""

    updates: Updates
    reading: Reading
    settings: ApprovalSettings

    async def prune(self, *, limit: int, dry_run: bool) -> ApprovalsPruned:
        """As `Approvals.prune` promises."""
        erasing, pruning = (
            _Erasing(self.settings.payload_retention),
            _Pruning(self.settings.retention),
        )
        shown = await self._pass(_SHOWN, erasing, limit=limit, dry_run=dry_run)
        ended = await self._pass(_ENDED, pruning, limit=limit, dry_run=dry_run)
        return ApprovalsPruned(
            erased=tuple(shown.done),
            pruned=tuple(ended.done),
            spared=ended.spared,
            unreadable=(*shown.unreadable, *ended.unreadable),
        )

    async def _pass(
        self, states: frozenset[str], chore: _Chore, *, limit: int, dry_run: bool
    ) -> _Found:
        """Deals with up to `limit` of those that are old enough, earliest first."""
        found = _Found()
        due = DueRecords(self.reading)
        after: Position | None = None
        done: set[Address] = set()

        async def one(record: ApprovalRecord) -> bool:
            if not isinstance(record, Approval):
                return False
            fate = await (self._look(record, chore) if dry_run else self._do(record, chore))
            found.spared += fate is _Fate.SPARED
            if fate is _Fate.DUE:
                done.add(_address(record))
            return fate is _Fate.DUE

        while len(found.done) < limit:
            page = await due.of(
                APPROVALS, states, limit=limit - len(found.done), age=chore.age, after=after
            )
            _, damaged = await tidied(page.records, one, _address)
            found.done += [place for place in map(_address, page.records) if place in done]
            found.unreadable += [*page.unreadable, *damaged]
            after = page.next
            if after is None:
                break
        return found

    async def _do(self, found: Approval, chore: _Chore) -> _Fate:
        gate = approval_key(found.request.scope, found.request.id)

        def decide(records: Records, now: datetime) -> Changed[Records, _Fate] | Unchanged[_Fate]:
            record = records[gate]
            if not isinstance(record, Approval):
                return Unchanged(_Fate.NOT_DUE)
            fate = chore.fate(record, records, now)
            if fate is not _Fate.DUE:
                return Unchanged(fate)
            change = chore.done(record, records, now)
            return Changed(change.state, fate, change.events)

        answer: _Fate | Refused[Never] = await self.updates.update(chore.keys(found), decide)
        return _Fate.NOT_DUE if isinstance(answer, Refused) else answer

    async def _look(self, found: Approval, chore: _Chore) -> _Fate:
        moment = await self.reading.moment(chore.keys(found))
        record = moment.records[approval_key(found.request.scope, found.request.id)]
        if not isinstance(record, Approval):
            return _Fate.NOT_DUE
        return chore.fate(record, moment.records, moment.now)


def _is_over(approval: Approval, age: timedelta, now: datetime) -> bool:
    return approval.ended_at is not None and approval.ended_at + age <= now


def _is_finished(grant: Grant, age: timedelta, now: datetime) -> bool:
    return grant.ended_at is not None and grant.ended_at + age <= now


def _run_lives(approval: Approval, records: Records) -> bool:
    """Whether the run that asked lives: it may still wait, or come back to what it asked."""
    run = approval.request.question.run
    if run is None:
        return False
    state = records[turn_state_key(run)]
    return state is not None and state.active is not None and state.active.id == run.id


def _address(record: ApprovalRecord) -> Address:
    identity = APPROVALS.identity_of(record)
    return approval_key(identity.scope, identity.id).address
