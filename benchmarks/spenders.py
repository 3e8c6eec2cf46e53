"""Spenders: coroutines that reserve and reconcile on one tenant's account, and count it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from attrs import define, field
from dependency_injector import providers

from benchmarks.loss import require_count
from turnkeep import (
    EVERYBODY,
    START,
    AccountRef,
    Budgets,
    Ceiling,
    Container,
    Contended,
    Dimension,
    Lifetime,
    Limits,
    LimitsSet,
    OutcomeUnknown,
    Principal,
    Receipt,
    RecordedPage,
    RequestId,
    Scope,
    Settings,
    Unavailable,
)
from turnkeep_application.event_log import EventLog
from turnkeep_ports.store import RecordStore

T = TypeVar("T")

USD: Final = Dimension.USD_NANO
ESTIMATE: Final = 10
ACTUAL: Final = 7
CLOSE: Final = RequestId("close")


@define
class Spenders:
    """The spenders of one process, all of one tenant.

    Attributes:
        acknowledged: How many pairs were, so far.
    """

    tenant: str
    budgets: Budgets
    events: EventLog
    acknowledged: int = field(default=0, init=False)

    @classmethod
    async def on(cls, store: RecordStore, tenant: str, settings: Settings) -> Spenders:
        """Spenders of a tenant whose account is limited."""
        container = Container()
        container.store.override(providers.Object(store))
        container.settings.override(providers.Object(settings))
        spenders = cls(tenant, container.budgets(), container.events())
        answer = await spenders.budgets.set_limit(
            AccountRef.tenant(tenant),
            Limits.of(Lifetime(), {USD: Ceiling.of(10**15)}),
            by=Principal.person("bo"),
            request_id=RequestId("limits"),
        )
        assert isinstance(answer, LimitsSet)
        return spenders

    async def seconds(self, writers: int, times: int) -> float:
        """What a pair of reserve and reconcile takes on average, with so many writers at once."""
        started = time.perf_counter()
        await asyncio.gather(*(self._repeat(writer, times) for writer in range(writers)))
        return (time.perf_counter() - started) / (times * writers)

    async def _repeat(self, writer: int, times: int) -> None:
        scope = Scope.of(self.tenant, f"user-{writer}")
        for _ in range(times):
            self.acknowledged += 1
            await self._pair(scope, RequestId(f"turn-{self.acknowledged}"))

    async def _pair(self, scope: Scope, id: RequestId) -> None:
        budgets = self.budgets
        reserved = await _insisting(
            lambda: budgets.reserve(scope, id=id, estimate={USD: ESTIMATE}, owner="bench")
        )
        assert isinstance(reserved, Receipt)
        closed = await _insisting(
            lambda: budgets.reconcile(scope, id, request_id=CLOSE, usage={USD: ACTUAL})
        )
        assert isinstance(closed, Receipt)

    async def require_all(self) -> None:
        """Nothing was lost: every pair is charged, nothing is held, and all of it was told.

        Raises:
            Lost: It is not so.
        """
        view = (await self.budgets.account(AccountRef.tenant(self.tenant)))[USD]
        require_count("charges", acknowledged=self.acknowledged * ACTUAL, found=view.spent)
        require_count("holds", acknowledged=0, found=view.reserved)
        events, after = 0, START
        while True:
            page = await self.events.read(EVERYBODY, after=after, limit=500)
            assert isinstance(page, RecordedPage)
            events += sum(
                entry.event.address.scope.tenant == self.tenant
                for entry in page.entries
                if hasattr(entry, "event")
            )
            if page.next == after:
                break
            after = page.next
        # The account was metered and limited before.
        require_count("events", acknowledged=self.acknowledged * 2 + 2, found=events)


async def _insisting(ask: Callable[[], Awaitable[T]]) -> T:
    """What is answered in the end; a writer that loses every race, or is in doubt, asks again."""
    while True:
        try:
            return await ask()
        except (Contended, OutcomeUnknown, Unavailable):
            continue
