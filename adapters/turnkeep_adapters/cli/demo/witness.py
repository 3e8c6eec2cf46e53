"""A witness: what a store says, asked for anew and without knowing what any actor was told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Final, Protocol

from attrs import evolve, frozen

from turnkeep import (
    START,
    ApprovalApproved,
    ApprovalDenied,
    ApprovalDiscarded,
    ApprovalView,
    ApprovalVoted,
    Corrupt,
    CursorLost,
    Event,
    Keep,
    NotPending,
    Recorded,
    Refused,
    SchemaTooNew,
    Scope,
    ScopePrefix,
    UnreadableEvent,
    Verdict,
)
from turnkeep_adapters.cli.demo.chronicle import APPROVE, DENY, Ballot, Fact, Gap
from turnkeep_adapters.cli.demo.examination import NOTHING, Found
from turnkeep_adapters.cli.demo.stamina import insisting
from turnkeep_adapters.cli.demo.telling import name_of

_TENANT_DEPTH: Final = 1
_EVENTS: Final = 500
_APPROVALS: Final = 200
_COLLECTIONS: Final = frozenset({"approval"})


class Witness(Protocol):
    """Whom an auditor asks. It raises what the store raises, once it has asked several times."""

    def facts(self) -> AsyncIterator[Fact | Gap]:
        """The event log of the tenant, from its beginning to its end."""
        ...

    async def found(self, scope: Scope, gate: str) -> Found:
        """What is stored of one approval."""
        ...

    async def pending(self) -> int:
        """How many approvals are listed as pending."""
        ...


@frozen(kw_only=True)
class KeepWitness:
    """What a keep says about one tenant.

    Attributes:
        tenant: Whose events are read.
        owners: Whose pending approvals are listed.
    """

    keep: Keep
    tenant: Scope
    owners: Iterable[Scope]

    async def facts(self) -> AsyncIterator[Fact | Gap]:
        """As `Witness.facts` promises."""
        everyone = ScopePrefix(scope=self.tenant, depth=_TENANT_DEPTH)
        after = START
        while True:
            page = await insisting(
                partial(
                    self.keep.events.read,
                    everyone,
                    after=after,
                    collections=_COLLECTIONS,
                    limit=_EVENTS,
                )
            )
            if isinstance(page, CursorLost):
                yield Gap()
                after = page.floor
                continue
            for entry in page.entries:
                yield _fact(entry)
            if page.next == after:
                return
            after = page.next

    async def found(self, scope: Scope, gate: str) -> Found:
        """As `Witness.found` promises."""
        approvals = self.keep.approvals
        try:
            view = await insisting(partial(approvals.get, scope, gate))
        except (Corrupt, SchemaTooNew) as error:
            return evolve(NOTHING, state=error.code)
        if view is not None:
            return _found(view)
        # Nobody can read a discarded approval, but it answers commands; this one changes nothing.
        answer = await insisting(partial(approvals.expire, scope, gate))
        match answer:
            case Refused(NotPending(state)):
                return Found(
                    state=state.value, ruling=None, votes=None, threshold=None, changes=None
                )
            case _:
                return NOTHING

    async def pending(self) -> int:
        """As `Witness.pending` promises."""
        listed = 0
        for owner in self.owners:
            after: str | None = None
            while True:
                page = await insisting(
                    partial(
                        self.keep.approvals.list_pending,
                        ScopePrefix.owner(owner),
                        after=after,
                        limit=_APPROVALS,
                    )
                )
                listed += len(page.approvals) + len(page.unreadable)
                after = page.next
                if after is None:
                    break
        return listed


def _found(view: ApprovalView) -> Found:
    ballots = tuple(
        Ballot(
            vote.decision_id,
            name_of(vote.decider),
            APPROVE if vote.verdict is Verdict.APPROVE else DENY,
        )
        for vote in view.votes
    )
    return Found(
        state=view.state.value,
        ruling=None if view.ruling is None else view.ruling.decision_id,
        votes=ballots,
        threshold=view.quorum.threshold,
        changes=view.changes,
    )


def _fact(entry: Recorded | UnreadableEvent) -> Fact:
    match entry:
        case Recorded(cursor, _, event):
            by, request_id = _actor(event)
            return Fact(
                gate=event.address.id,
                scope=event.address.scope.components(),
                kind=event.kind,
                at=event.at,
                by=by,
                request_id=request_id,
                cursor=cursor,
            )
        case UnreadableEvent(cursor, _, address, code):
            return Fact(
                gate=address.id,
                scope=address.scope.components(),
                kind=code,
                at=None,
                by=None,
                request_id=None,
                cursor=cursor,
            )


def _actor(event: Event) -> tuple[str | None, str | None]:
    match event:
        case ApprovalVoted() | ApprovalApproved() | ApprovalDenied():
            return name_of(event.decider), event.decision_id
        case ApprovalDiscarded():
            return name_of(event.by), event.request_id
        case _:
            return None, None
