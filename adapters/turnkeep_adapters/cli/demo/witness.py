"""A witness: what a store says, asked for anew and without knowing what anybody was told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from attrs import define, frozen

from turnkeep import (
    START,
    AccountRef,
    ApprovalView,
    Cursor,
    CursorLost,
    DimensionView,
    Keep,
    Recorded,
    RunAddress,
    RunClaimed,
    RunEffect,
    RunEvent,
    RunView,
    Scope,
    ScopePrefix,
    UnreadableEvent,
)
from turnkeep_adapters.cli.demo.chronicle import Fact, Gap
from turnkeep_adapters.cli.demo.costs import MONEY
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.stamina import insisting

_TENANT_DEPTH: Final = 1
_EVENTS: Final = 500
_COLLECTIONS: Final = frozenset({"run"})
_BUDGETS: Final = frozenset({"budget_account", "budget_reservation"})


@define
class Log:
    """A reader of the runs' events of one tenant, from the beginning on."""

    keep: Keep
    tenant: Scope
    _after: Cursor = START

    async def facts(self) -> AsyncIterator[Fact | Gap]:
        """What has happened since it was asked before, to the present end of the log."""
        everyone = ScopePrefix(scope=self.tenant, depth=_TENANT_DEPTH)
        read = self.keep.events.read
        while True:
            page = await insisting(
                partial(read, everyone, after=self._after, collections=_COLLECTIONS, limit=_EVENTS)
            )
            if isinstance(page, CursorLost):
                yield Gap()
                self._after = page.floor
                continue
            before, self._after = self._after, page.next
            for entry in page.entries:
                yield _fact(entry)
            if page.next == before:
                return


@frozen
class Witness:
    """What a keep says about runs, approvals and budgets. It raises what the store raises."""

    keep: Keep

    async def ledger(self, tenant: Scope) -> Ledger:
        """What the log tells of a tenant's budgets, from the beginning on."""
        ledger, after = Ledger(), START
        everyone = ScopePrefix(scope=tenant, depth=_TENANT_DEPTH)
        while True:
            page = await insisting(
                partial(
                    self.keep.events.read,
                    everyone,
                    after=after,
                    collections=_BUDGETS,
                    limit=_EVENTS,
                )
            )
            if isinstance(page, CursorLost):
                ledger.passed.append("events were trimmed before they were read")
                return ledger
            for entry in page.entries:
                if isinstance(entry, Recorded):
                    ledger.take(entry.event)
                else:
                    ledger.passed.append(f"an event cannot be read ({entry.code})")
            if page.next == after:
                return ledger
            after = page.next

    async def money(self, thread: Scope) -> DimensionView:
        """What a thread has spent, and what is held for it."""
        account = AccountRef.thread(thread)
        return (await insisting(partial(self.keep.budgets.account, account)))[MONEY]

    async def run(self, address: RunAddress) -> RunView | None:
        """A run as it stands."""
        return await insisting(partial(self.keep.turns.get, address))

    async def journal(self, address: RunAddress) -> tuple[RunEffect, ...]:
        """What its journal says."""
        return await insisting(partial(self.keep.turns.journal, address))

    async def approval(self, scope: Scope, id: str) -> ApprovalView | None:
        """An approval as it stands."""
        return await insisting(partial(self.keep.approvals.get, scope, id))

    async def pending(self, owner: Scope) -> int:
        """How many approvals of somebody are listed as pending."""
        listed = 0
        after: str | None = None
        while True:
            page = await insisting(
                partial(self.keep.approvals.list_pending, ScopePrefix.owner(owner), after=after)
            )
            listed += len(page.approvals) + len(page.unreadable)
            after = page.next
            if after is None:
                return listed


def thread_of(scope: Scope) -> str:
    """A scope in one text."""
    return "/".join(part or "-" for part in scope.components())


def _fact(entry: Recorded | UnreadableEvent) -> Fact:
    match entry:
        case Recorded(cursor, _, RunEvent() as event):
            return Fact(
                run=event.run,
                thread=thread_of(event.address.scope),
                kind=event.kind,
                at=event.at,
                version=event.version,
                status=event.status.value,
                epoch=event.epoch if isinstance(event, RunClaimed) else None,
                cursor=cursor,
            )
        case Recorded(cursor, _, event):
            return _unknown(cursor, event.address.id, event.address.scope, event.kind)
        case UnreadableEvent(cursor, _, address, code):
            return _unknown(cursor, address.id, address.scope, code)


def _unknown(cursor: Cursor, run: str, scope: Scope, kind: str) -> Fact:
    return Fact(
        run=run,
        thread=thread_of(scope),
        kind=kind,
        at=None,
        version=0,
        status="unknown",
        epoch=None,
        cursor=cursor,
    )
