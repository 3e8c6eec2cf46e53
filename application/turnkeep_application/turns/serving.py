"""Serving: one lane's part of a claim pass, in one commit of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import field, frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import (
    bucket_key,
    lane_key,
    run_key,
    state_of,
    tree_key,
    turn_state_key,
)
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.following import carry_out
from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Key, ReadKey
from turnkeep_domain.scope import OWNER_DEPTH, Scope, ScopePrefix
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import BucketId, tenant_buckets_of
from turnkeep_domain.turns.claims import Claim, Token, token_digest
from turnkeep_domain.turns.lane import Granted, Lane, LaneEntry
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Queued
from turnkeep_domain.turns.turn_state import TurnState
from turnkeep_ports.errors import Corrupt

PUT_OFF_SECONDS: Final = 5
AHEAD: Final = 8
"""How many runs more than are wanted are loaded once a lane has changed since it was scanned:
rivals take its first runs while these are loaded, and each such load is one of few."""


@frozen(kw_only=True)
class Claimant:
    """Who claims, by which token, for how long, and which runs alone.

    Attributes:
        prefix: None for all runs.
    """

    holder: str
    token: Token = field(repr=False)
    ttl: timedelta
    prefix: ScopePrefix | None

    def wants(self, scope: Scope) -> bool:
        """Whether runs of this scope are asked for."""
        return self.prefix is None or self.prefix.covers(scope)

    def may_want(self, lane: Scope) -> bool:
        """Whether runs of the lanes of this scope may be asked for."""
        if self.prefix is None:
            return True
        common = self.prefix.components()[:OWNER_DEPTH]
        return lane.components()[: len(common)] == common


@frozen(kw_only=True)
class LaneAnswer:
    """What one lane gave.

    Attributes:
        ended: What the same token was given before, where that is over.
        called_off: Runs that are to be ended instead of claimed.
        overtaken: Whether somebody else has served the lane since it was scanned, so that other
            lanes come first.
    """

    granted: tuple[ClaimedRun, ...] = field(default=())
    ended: tuple[Claim, ...] = field(default=())
    called_off: tuple[RunAddress, ...] = field(default=())
    overtaken: bool = field(default=False)


Served: TypeAlias = Changed[Records, LaneAnswer] | Unchanged[LaneAnswer]


@frozen(kw_only=True)
class Serving:
    """One lane's decision: at most `share` of its runs are claimed, in the order of the lane.

    Attributes:
        seen: The lane as the scan has shown it, by which most of what is needed is loaded at once;
            None to serve it whatever has become of it.
    """

    claimant: Claimant
    lane: LaneId
    share: int
    seen: Lane | None

    def keys(self) -> list[ReadKey[object]]:
        """The lane, and the trees by which runs are called off: these are read, never written."""
        trees = [tree_key(entry.root) for entry in self._foreseen() if entry.root is not None]
        return [lane_key(self.lane), *dict.fromkeys(trees)]

    def hints(self) -> list[ReadKey[object]]:
        """What is written if a run is claimed, and matters to nobody else."""
        states = [turn_state_key(entry.run) for entry in self._foreseen()]
        buckets = tenant_buckets_of(self.lane.scope, self.lane.turn_class)
        return [*states, *map(bucket_key, buckets)]

    def decide(self, records: Records, now: datetime) -> Served | Need:
        """What the token was given before; else as many runs as are due and have room."""
        lane = records[lane_key(self.lane)]
        if lane is None:
            return Unchanged(LaneAnswer())
        given = lane.granted(token_digest(self.claimant.token))
        if given is not None:
            return self._repeated(records, given, now)
        if self.seen is not None and lane.not_before != self.seen.not_before:
            return Unchanged(LaneAnswer(overtaken=True))
        due = self._due(lane, now)
        chosen = due[: min(self.share, lane.room_to_run)]
        if any(key not in records for key in self._cells_of(chosen)):
            return Need(self._cells_of(due[: len(chosen) + AHEAD]))
        return self._claimed(records, chosen, now)

    # ---- a repeat -------------------------------------------------------------------------------

    def _repeated(
        self, records: Records, given: Sequence[Granted], now: datetime
    ) -> Unchanged[LaneAnswer] | Need:
        keys: list[ReadKey[object]] = []
        for grant in given:
            keys += [turn_state_key(grant.run), run_key(grant.run)]
        missing = [key for key in keys if key not in records]
        if missing:
            return Need(missing)
        granted: list[ClaimedRun] = []
        ended: list[Claim] = []
        for grant in given:
            claim = self._claim(grant)
            held = state_of(records, grant.run, now).held(
                claim=claim, ended=records[run_key(grant.run)], now=now
            )
            if isinstance(held, Refused):
                ended.append(claim)
            else:
                granted.append(_claimed_run(claim, held, now))
        return Unchanged(LaneAnswer(granted=tuple(granted), ended=tuple(ended)))

    # ---- claims ---------------------------------------------------------------------------------

    def _claimed(
        self, records: Records, chosen: Sequence[LaneEntry], now: datetime
    ) -> Served | Need:
        granted: list[ClaimedRun] = []
        events: list[Event] = []
        called_off: list[RunAddress] = []
        full: BucketId | None = None
        for entry in chosen:
            state, run = _queued(records, entry)
            if is_called_off(records, state, run):
                called_off.append(entry.run)
                continue
            full = _full_bucket(records, run)
            if full is not None:
                break
            claimed = self._claim_one(records, state, run, now)
            if isinstance(claimed, Need):
                return claimed
            records, events = claimed.state, [*events, *claimed.events]
            granted.append(claimed.outcome)
        answer = LaneAnswer(granted=tuple(granted), called_off=tuple(called_off))
        if not granted and full is None:
            return Unchanged(answer)
        return Changed(self._noted(records, granted, full, now), answer, tuple(events))

    def _claim_one(
        self, records: Records, state: TurnState, run: Run, now: datetime
    ) -> Changed[Records, ClaimedRun] | Need:
        claimant = self.claimant
        decision = state.claim(
            run=run.id, holder=claimant.holder, token=claimant.token, ttl=claimant.ttl, now=now
        )
        carried = carry_out(records, before=state, decision=decision, now=now)
        match carried:
            case Need():
                return carried
            case Changed(after, grant, events, valid_until):
                claimed = state_of(after, run.address, now).active
                if claimed is None:
                    raise RuntimeError("a claimed run must be active")
                outcome = _claimed_run(self._claim(grant), claimed, now)
                return Changed(after, outcome, events, valid_until)
            case _:
                raise _not_queued(turn_state_key(run.address))

    def _noted(
        self, records: Records, granted: Sequence[ClaimedRun], full: BucketId | None, now: datetime
    ) -> Records:
        """The lane remembers its grants; one that met a full bucket waits there for a place."""
        key = lane_key(self.lane)
        lane = records[key] or Lane.empty(self.lane)
        if granted:
            grants = [Granted(run=one.claim.run, epoch=one.claim.epoch) for one in granted]
            token = token_digest(self.claimant.token)
            lane = lane.served(token=token, grants=grants, now=now)
        if full is not None:
            bucket = records[bucket_key(full)]
            parked = None if bucket is None else bucket.park(self.lane)
            if parked is None:
                lane = lane.put_off(until=now + timedelta(seconds=PUT_OFF_SECONDS))
            else:
                records = records.put(bucket_key(full), parked)
                lane = lane.parked(full)
        return records.put(key, lane)

    # ---- which ----------------------------------------------------------------------------------

    def _due(self, lane: Lane, now: datetime) -> list[LaneEntry]:
        return [entry for entry in lane.due(now=now) if self.claimant.wants(entry.run.scope)]

    def _foreseen(self) -> list[LaneEntry]:
        """The entries that will be looked at, as far as the scan tells."""
        if self.seen is None:
            return []
        wanted = [entry for entry in self.seen.entries if self.claimant.wants(entry.run.scope)]
        return wanted[: self.share]

    def _cells_of(self, entries: Sequence[LaneEntry]) -> list[ReadKey[object]]:
        keys: list[ReadKey[object]] = []
        for entry in entries:
            keys.append(turn_state_key(entry.run))
            if entry.root is not None:
                keys.append(tree_key(entry.root))
        return list(dict.fromkeys(keys))

    def _claim(self, grant: Granted) -> Claim:
        return Claim(run=grant.run, epoch=grant.epoch, token=self.claimant.token)


def is_called_off(records: Records, state: TurnState, run: Run) -> bool:
    """Whether a queued run is to end: its thread was deleted, or its root or parent called off."""
    if state.closed:
        return True
    parent = run.lineage.parent
    if parent is None:
        return False
    tree = records[tree_key(run.root)]
    return tree is not None and tree.is_called_off(run.id, parent=parent.id)


def _queued(records: Records, entry: LaneEntry) -> tuple[TurnState, Run]:
    """The run of an entry.

    Raises:
        Corrupt: It is not queued here: one of the two records is not as it was written.
    """
    key = turn_state_key(entry.run)
    state = records[key]
    if state is None or state.active is None or state.active.id != entry.run.id:
        raise _not_queued(key)
    if not isinstance(state.active.state, Queued) or state.active.state.outside:
        raise _not_queued(key)
    return state, state.active


def _not_queued(key: Key[TurnState]) -> Corrupt:
    return Corrupt("its lane says that it is queued, and it is not", key.address)


def _full_bucket(records: Records, run: Run) -> BucketId | None:
    for id in run.holds:
        bucket = records[bucket_key(id)] if id.counts_running else None
        if bucket is not None and not bucket.has_room_to_run:
            return id
    return None


def _claimed_run(claim: Claim, run: Run, now: datetime) -> ClaimedRun:
    if run.lease is None:
        raise RuntimeError("a claimed run must have a lease")
    return ClaimedRun(claim=claim, run=run, until=run.lease.tenure.until, at=now)
