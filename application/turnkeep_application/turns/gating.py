"""Gating: a run waits at a gate, and is let go, each in the commit of what it waits for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from attrs import Factory, evolve, field, frozen

from turnkeep_application.approval_cells import approval_key
from turnkeep_application.approval_raising import ApprovalRaising, Asked, Asking
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import effect_key, run_key, turn_state_key
from turnkeep_application.turns.elapsing import noted_as_expired
from turnkeep_application.turns.releasing import disposition_at
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.updates import Updates
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.approval_id import approval_id
from turnkeep_domain.approvals.refusals import RaiseRefusal
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.instants import require_instant
from turnkeep_domain.keys import Key, ReadKey
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim, RunStanding
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Ref, require_ref
from turnkeep_domain.turns.refusals import BlockRefusal, ResumeRefusal, UnknownGate
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.turn import retry_ids

O = TypeVar("O")
R = TypeVar("R")

GIVEN: Final = frozenset({Disposition.GRANTED, Disposition.DENIED, Disposition.WITHDRAWN})
"""What whoever resumes a run may say of its gate; that a wait elapsed, the store's clock says."""


@frozen(kw_only=True)
class Gating:
    """The use cases of gates, as `Turns` promises them."""

    updates: Updates
    raising: ApprovalRaising
    _commands: RunCommands = field(
        init=False, default=Factory(lambda self: RunCommands(self.updates), takes_self=True)
    )

    async def block(
        self, claim: Claim, *, gate: Gate, until: datetime | None
    ) -> RunStanding | Disposition | Refused[BlockRefusal]:
        """As `Turns.block` promises."""
        require_kind("claim", claim, Claim)
        require_kind("gate", gate, Gate)
        if until is not None:
            require_instant("until", until)
        match gate.kind:
            case GateKind.APPROVAL:
                return await self._block_on_approval(claim, gate, until)
            case GateKind.DEPENDENT_RUN:
                return await self._block_on_runs(claim, gate, until)
            case _:
                return await self._block(claim, gate, until)

    async def require_approval(
        self, claim: Claim, effect: EffectId, asked: Asked
    ) -> RunStanding | Disposition | Refused[BlockRefusal | RaiseRefusal]:
        """As `Turns.require_approval` promises."""
        require_kind("claim", claim, Claim)
        require_kind("effect", effect, EffectId)
        asking = await self.raising.asking(claim.run.scope, asked, run=claim.run)
        if isinstance(asking, Refused):
            return asking
        gate = _asked_at(asking, effect)
        return await self._commands.decide(
            claim.run,
            lambda found: _raised_and_blocked(found, claim, gate, asking),
            ends=True,
            keys=[asking.gate, asking.shown],
            hints=[effect_key(claim.run, effect)],
        )

    async def resume(
        self,
        run: RunAddress,
        *,
        kind: GateKind,
        ref: Ref,
        disposition: Disposition | None,
        actor: Actor,
        request_id: RequestId,
    ) -> RunStanding | Refused[ResumeRefusal]:
        """As `Turns.resume` promises."""
        require_kind("run", run, RunAddress)
        require_kind("kind", kind, GateKind)
        require_ref("ref", ref)
        require_kind("actor", actor, Actor)
        require_identifier("request_id", request_id)
        if (disposition in GIVEN) == (kind is GateKind.APPROVAL):
            raise InvalidValue("disposition", "must be given, but for an approval, which says it")
        approval = _approval_of(run, ref) if kind is GateKind.APPROVAL else None

        def answer(found: Found) -> Decision[Records, RunStanding, ResumeRefusal] | Need:
            record = None if approval is None else found.records[approval]
            read = None if record is None else disposition_at(record, found.now)
            decision = found.state.resume(
                run=run.id,
                kind=kind,
                ref=ref,
                disposition=read if kind is GateKind.APPROVAL else disposition,
                actor=actor,
                request_id=request_id,
                ended=found.ended,
                now=found.now,
            )
            return _along_with_expiry(found, decision, approval)

        keys = () if approval is None else (approval,)
        return await self._commands.decide(run, answer, ends=True, keys=keys)

    # ---- kinds of gates -------------------------------------------------------------------------

    async def _block(
        self, claim: Claim, gate: Gate, until: datetime | None
    ) -> RunStanding | Disposition | Refused[BlockRefusal]:
        def answer(
            found: Found,
        ) -> Decision[Records, RunStanding | Disposition, BlockRefusal] | Need:
            entry = _journaled(found, claim, gate)
            if isinstance(entry, Need):
                return entry
            decision = _blocked(found, claim, gate, entry, until=until, live=(), settled=None)
            return found.carried_out(decision)

        return await self._commands.decide(claim.run, answer, ends=True, hints=[_own(claim, gate)])

    async def _block_on_approval(
        self, claim: Claim, gate: Gate, until: datetime | None
    ) -> RunStanding | Disposition | Refused[BlockRefusal]:
        if until is not None:
            raise InvalidValue("until", "must be absent: it is the approval's deadline")
        key = approval_key(claim.run.scope, gate.ref)  # an approval's id is an identifier

        def answer(
            found: Found,
        ) -> Decision[Records, RunStanding | Disposition, BlockRefusal] | Need:
            entry = _journaled(found, claim, gate)
            if isinstance(entry, Need):
                return entry
            record = found.records[key]
            decision = _blocked(
                found,
                claim,
                gate,
                entry,
                until=record.request.expires_at if isinstance(record, Approval) else None,
                live=(),
                settled=None if record is None else disposition_at(record, found.now),
            )
            if isinstance(decision, Changed) and not _is_of(record, claim.run):
                return Refused(UnknownGate(gate.ref))
            return _along_with_expiry(found, decision, key)

        return await self._commands.decide(
            claim.run, answer, ends=True, keys=[key], hints=[_own(claim, gate)]
        )

    async def _block_on_runs(
        self, claim: Claim, gate: Gate, until: datetime | None
    ) -> RunStanding | Disposition | Refused[BlockRefusal]:
        def answer(
            found: Found,
        ) -> Decision[Records, RunStanding | Disposition, BlockRefusal] | Need:
            entry = _journaled(found, claim, gate)
            if isinstance(entry, Need):
                return entry
            live, unknown = _standing_of(found.records, gate.awaited, claim.run)
            decision = _blocked(found, claim, gate, entry, until=until, live=live, settled=None)
            if isinstance(decision, Changed) and unknown:
                return Refused(UnknownGate(gate.ref))
            return found.carried_out(decision)

        # A child cannot end without its turn state, which is checked; its record, once it is
        # there, stays.
        return await self._commands.decide(
            claim.run,
            answer,
            ends=True,
            keys=list({turn_state_key(child): None for child in gate.awaited}),
            hints=[_own(claim, gate), *(run_key(child) for child in gate.awaited)],
        )


def _asked_at(asking: Asking, effect: EffectId) -> Gate:
    """The gate of an approval. The call that waits is the same, however often it was put before."""
    first = Ref(approval_id(asking.question.fingerprint, 1))
    call = Gate.of(kind=GateKind.APPROVAL, ref=first, effect=effect)
    return evolve(call, ref=Ref(asking.question.id))


def _approval_of(run: RunAddress, ref: Ref) -> Key[ApprovalRecord] | None:
    """Where the approval is stored that a reference names; None where it can name none."""
    try:
        return approval_key(run.scope, ref)
    except InvalidValue:
        return None


def _own(claim: Claim, gate: Gate) -> ReadKey[RunEffect]:
    return effect_key(claim.run, gate.effect)


def _journaled(found: Found, claim: Claim, gate: Gate) -> RunEffect | Need | None:
    """What the journal says of the call that waits."""
    key = effect_key(found.journal_of(claim.run), gate.effect)
    return found.records[key] if key in found.records else Need([key])


def _blocked(
    found: Found,
    claim: Claim,
    gate: Gate,
    entry: RunEffect | None,
    *,
    until: datetime | None,
    live: tuple[RunAddress, ...],
    settled: Disposition | None,
    approval: str | None = None,
) -> Decision[Moved, RunStanding | Disposition, BlockRefusal]:
    return found.state.block(
        claim=claim,
        gate=gate,
        live=live,
        until=until,
        settled=settled,
        approval=approval,
        effect=entry,
        ended=found.ended,
        now=found.now,
    )


def _raised_and_blocked(
    found: Found, claim: Claim, gate: Gate, asking: Asking
) -> Decision[Records, RunStanding | Disposition, BlockRefusal | RaiseRefusal] | Need:
    """The approval, its payload and the block, of which none is without the others."""
    entry = _journaled(found, claim, gate)
    if isinstance(entry, Need):
        return entry
    raised = asking.raised(found.records, found.now)
    is_new = isinstance(raised, Changed)
    known = None if isinstance(raised, Refused) else raised.outcome
    lasts = timedelta(seconds=asking.lifetime_seconds)
    decision = _blocked(
        found,
        claim,
        gate,
        entry,
        until=found.now + lasts if known is None else known.request.expires_at,
        live=(),
        settled=None if known is None else disposition_at(known, found.now),
        approval=asking.question.id if is_new else None,
    )
    # What the journal answers, and what the claim forbids, comes before what may be asked.
    if not isinstance(decision, Changed):
        return found.carried_out(decision)
    if isinstance(raised, Refused):
        return raised
    # A run that is to be cancelled ends here, and asks nobody any more.
    if isinstance(raised, Changed) and decision.state.ended is None:
        return found.carried_out(decision, records=raised.state, told=raised.events)
    return _along_with_expiry(found, decision, asking.gate)


def _along_with_expiry(
    found: Found,
    decision: Decision[Moved, O, R],
    approval: Key[ApprovalRecord] | None,
) -> Decision[Records, O, R] | Need:
    """What a gate means for the run; an approval whose time is up is noted as expired along."""
    if approval is None or not isinstance(decision, Changed):
        return found.carried_out(decision)
    records, told = noted_as_expired(found.records, approval, found.now)
    return found.carried_out(decision, records=records, told=told)


def _is_of(record: ApprovalRecord | None, run: RunAddress) -> bool:
    """Whether an approval is one that the run raised; a tombstone does not tell whose it was."""
    if isinstance(record, Approval):
        return record.request.question.run == run
    return record is not None


def _standing_of(
    records: Records, children: Iterable[RunAddress], parent: RunAddress
) -> tuple[tuple[RunAddress, ...], bool]:
    """Which of the runs have not ended; and whether one is no child of this parent.

    A run that repeats another joins the children of that one: it meets them in the journal.
    """
    live: list[RunAddress] = []
    unknown = False
    for child in children:
        ended, state = records[run_key(child)], records[turn_state_key(child)]
        active = None if state is None else state.active
        match ended:
            case EndedRun(run=run):
                unknown |= not _is_child(run, parent)
            case None if active is not None and active.id == child.id:
                unknown |= not _is_child(active, parent)
                live.append(child)
            case None:
                unknown = True
            case _:
                pass  # it was retired long ago
    return tuple(live), unknown


def _is_child(run: Run, parent: RunAddress) -> bool:
    spawned_by = run.lineage.parent
    if spawned_by is None or spawned_by.scope != parent.scope:
        return False
    return parent.id in (spawned_by.id, *retry_ids(parent.scope, spawned_by.id))
