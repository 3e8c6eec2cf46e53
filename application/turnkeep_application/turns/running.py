"""Running: what a worker does under its claim, until the claim ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar

from attrs import Factory, evolve, field, frozen

from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.consent_views import EffectiveConsent
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import checkpoint_key, effect_key
from turnkeep_application.turns.consenting import as_consented, require_acting
from turnkeep_application.turns.granted_steps import (
    GrantedBeginning,
    GrantedRefusal,
    StepGrant,
)
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.approvals.consent_refusals import ConsentChanged
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import Claim, Heartbeat, Relinquishment, RunStanding
from turnkeep_domain.turns.counts import require_count
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    EffectState,
    JournalCall,
    Mode,
    NotDone,
    RunEffect,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.limits import CHECKPOINTS_KEPT
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref, require_ref
from turnkeep_domain.turns.refusals import (
    ClaimRefusal,
    EndRefusal,
    IntendRefusal,
    RouteRefusal,
    SettleRefusal,
)
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.secret_like import require_no_secret
from turnkeep_ports.randomness import Random

O = TypeVar("O")
R = TypeVar("R")

JournalCommand: TypeAlias = Callable[[Found, RunEffect | None], Decision[Moved, O, R]]


@frozen(kw_only=True)
class Running:
    """The use cases of a worker that holds a run, as `Turns` promises them."""

    updates: Updates
    random: Random
    settings: TurnSettings
    approvals: ApprovalSettings
    _commands: RunCommands = field(
        init=False, default=Factory(lambda self: RunCommands(self.updates), takes_self=True)
    )

    async def heartbeat(self, claim: Claim) -> Heartbeat | Refused[ClaimRefusal]:
        """As `Turns.heartbeat` promises."""
        require_kind("claim", claim, Claim)
        ttl = self.settings.lease
        return await self._commands.carry_out(
            claim.run,
            lambda found: found.state.heartbeat(
                claim=claim, ttl=ttl, ended=found.ended, now=found.now
            ),
            ends=False,
        )

    async def start(self, claim: Claim) -> RunStanding | Refused[ClaimRefusal]:
        """As `Turns.start` promises."""
        require_kind("claim", claim, Claim)
        return await self._commands.carry_out(
            claim.run,
            lambda found: found.state.start(claim=claim, ended=found.ended, now=found.now),
            ends=False,
        )

    async def checkpoint(
        self,
        claim: Claim,
        *,
        kind: CheckpointKind,
        schema: int,
        payload: bytes,
        ordinals: Mapping[str, int],
    ) -> Checkpoint | Refused[ClaimRefusal]:
        """As `Turns.checkpoint` promises."""
        require_kind("claim", claim, Claim)
        counted = _sorted(ordinals)
        # Whatever is wrong with it is told before anything is read.
        Checkpoint(
            scope=claim.run.scope,
            run=claim.run.id,
            sequence=1,
            kind=kind,
            schema=schema,
            ordinals=counted,
            payload=payload,
            saved_at=datetime.min.replace(tzinfo=UTC),
        )

        def answer(found: Found) -> Decision[Records, Checkpoint, ClaimRefusal] | Need:
            decision = found.state.checkpoint(
                claim=claim,
                kind=kind,
                schema=schema,
                payload=payload,
                ordinals=counted,
                ended=found.ended,
                now=found.now,
            )
            lifted = found.carried_out(decision)
            return _kept(claim, lifted) if isinstance(lifted, Changed) else lifted

        return await self._commands.decide(claim.run, answer, ends=False)

    async def intend(
        self,
        claim: Claim,
        id: EffectId,
        *,
        arguments: Digest,
        consent: EffectiveConsent | None,
        grant: StepGrant | None,
    ) -> EffectState | Refused[IntendRefusal | ConsentChanged | GrantedRefusal]:
        """As `Turns.intend` promises."""
        require_kind("claim", claim, Claim)
        require_kind("effect", id, EffectId)
        require_kind("grant", grant, StepGrant, type(None))
        require_acting(consent, claim.run)
        if consent is not None and grant is not None:
            raise InvalidValue("consent", "must be absent where a grant is begun")
        beginning = None if grant is None else self._beginning(claim, id, grant)

        def answer(
            found: Found,
        ) -> Decision[Records, EffectState, IntendRefusal | ConsentChanged | GrantedRefusal] | Need:
            key = effect_key(found.journal_of(claim.run), id)
            if key not in found.records:
                return Need([key])
            decision = found.state.intend(
                claim=claim,
                id=id,
                kind=EffectKind.STEP,
                arguments=arguments,
                effect=found.records[key],
                ended=found.ended,
                now=found.now,
            )
            if beginning is not None:
                return beginning.along(found, decision)
            carried = found.carried_out(decision)
            return as_consented(carried, consent, records=found.records, now=found.now)

        own = effect_key(claim.run, id)
        keys = (() if consent is None else consent.keys) if beginning is None else beginning.keys
        return await self._commands.decide(claim.run, answer, ends=False, keys=keys, hints=[own])

    def _beginning(self, claim: Claim, id: EffectId, grant: StepGrant) -> GrantedBeginning:
        ttl = timedelta(seconds=self.approvals.dispatch_seconds)
        return GrantedBeginning(claim=claim, effect=id, grant=grant, ttl=ttl)

    async def settle(
        self,
        claim: Claim,
        id: EffectId,
        *,
        mode: Mode,
        arguments: Digest,
        outcome: Done | NotDone | Unclear,
    ) -> EffectState | Refused[SettleRefusal]:
        """As `Turns.settle` promises."""
        require_kind("mode", mode, Mode)
        require_kind("outcome", outcome, Done, NotDone, Unclear)

        def command(
            found: Found, effect: RunEffect | None
        ) -> Decision[Moved, EffectState, SettleRefusal]:
            return found.state.settle(
                claim=claim,
                id=id,
                kind=EffectKind.STEP,
                mode=mode,
                arguments=arguments,
                outcome=outcome,
                effect=effect,
                ended=found.ended,
                now=found.now,
            )

        return await self._journaled(claim, id, command)

    async def decline(
        self, claim: Claim, call: JournalCall, *, code: str
    ) -> EffectState | Refused[SettleRefusal]:
        """As `Turns.decline` promises."""
        require_kind("call", call, JournalCall)
        require_ref("code", code)

        def command(
            found: Found, effect: RunEffect | None
        ) -> Decision[Moved, EffectState, SettleRefusal]:
            return found.state.decline(
                claim=claim, call=call, code=code, effect=effect, ended=found.ended, now=found.now
            )

        return await self._journaled(claim, call.id, command)

    async def set_route(self, claim: Claim, route: Route) -> RunStanding | Refused[RouteRefusal]:
        """As `Turns.set_route` promises."""
        require_kind("claim", claim, Claim)
        require_kind("route", route, Route)
        for part in (route.provider, route.model, route.config_ref, route.auth_ref):
            require_no_secret("route", part or "")
        return await self._commands.carry_out(
            claim.run,
            lambda found: found.state.set_route(
                claim=claim, route=route, ended=found.ended, now=found.now
            ),
            ends=False,
        )

    async def complete(
        self, claim: Claim, *, result_ref: Ref | None
    ) -> RunStanding | Refused[EndRefusal]:
        """As `Turns.complete` promises."""
        require_kind("claim", claim, Claim)
        if result_ref is not None:
            require_ref("result_ref", result_ref)
        return await self._commands.carry_out(
            claim.run,
            lambda found: found.state.complete(
                claim=claim, result_ref=result_ref, ended=found.ended, now=found.now
            ),
            ends=True,
        )

    async def fail(
        self, claim: Claim, *, category: Category, effect: EffectId | None
    ) -> RunStanding | Refused[EndRefusal]:
        """As `Turns.fail` promises."""
        require_kind("claim", claim, Claim)
        require_ref("category", category)
        require_kind("effect", effect, EffectId, type(None))
        return await self._commands.carry_out(
            claim.run,
            lambda found: found.state.fail(
                claim=claim, category=category, effect=effect, ended=found.ended, now=found.now
            ),
            ends=True,
        )

    async def relinquish(
        self, claim: Claim, *, reason: Relinquishment, redo: EffectId | None
    ) -> RunStanding | Refused[EndRefusal]:
        """As `Turns.relinquish` promises."""
        require_kind("claim", claim, Claim)
        require_kind("reason", reason, Relinquishment)
        require_kind("redo", redo, EffectId, type(None))
        backoff = self.settings.backoff(self.random)

        def answer(found: Found) -> Decision[Records, RunStanding, EndRefusal] | Need:
            effect = None
            if redo is not None:
                key = effect_key(found.journal_of(claim.run), redo)
                if key not in found.records:
                    return Need([key])
                effect = found.records[key]
            decision = found.state.relinquish(
                claim=claim,
                reason=reason,
                redo=redo,
                effect=effect,
                backoff=backoff,
                ended=found.ended,
                now=found.now,
            )
            return found.carried_out(decision)

        return await self._commands.decide(claim.run, answer, ends=True)

    async def _journaled(
        self, claim: Claim, id: EffectId, command: JournalCommand[O, R]
    ) -> O | Refused[R]:
        require_kind("claim", claim, Claim)
        require_kind("effect", id, EffectId)

        def answer(found: Found) -> Decision[Records, O, R] | Need:
            # A retried run continues the journal of the first; whose that is, only its record says.
            key = effect_key(found.journal_of(claim.run), id)
            if key not in found.records:
                return Need([key])
            return found.carried_out(command(found, found.records[key]))

        own = effect_key(claim.run, id)
        return await self._commands.decide(claim.run, answer, ends=False, hints=[own])


def _sorted(ordinals: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    require_kind("ordinals", ordinals, Mapping)
    for name, number in ordinals.items():
        require_identifier("ordinals", name)
        require_count("ordinals", number)
    return tuple(sorted(ordinals.items()))


def _kept(
    claim: Claim, lifted: Changed[Records, Checkpoint]
) -> Changed[Records, Checkpoint] | Need:
    """The checkpoint is put, and the one that is too old by now deleted."""
    saved = lifted.outcome
    fresh = checkpoint_key(claim.run, saved.sequence)
    old = checkpoint_key(claim.run, max(saved.sequence - CHECKPOINTS_KEPT, 0))
    if fresh not in lifted.state or old not in lifted.state:
        return Need([fresh, old])
    return evolve(lifted, state=lifted.state.put(fresh, saved).delete(old))
