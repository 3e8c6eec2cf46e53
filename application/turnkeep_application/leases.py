"""Leases: the use cases by which one holder at a time owns a named resource, until a deadline.

Another scope's lease is another lease. Time is the store's alone: a tenure is over for everybody
at its deadline, whether or not that was noted, and hosts with skewed clocks agree.

Commands answer an outcome, or `Refused` with a reason that has a stable `code`; they raise what
`Updates.update` raises. Every use case raises `InvalidValue` for what no host should have handed
over, before anything is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, TypeVar

from attrs import field, frozen

from turnkeep_application.errors import Contended
from turnkeep_application.lease_holding import Holding, LeaseHold
from turnkeep_application.lease_settings import LeaseSettings
from turnkeep_application.lease_views import LeaseView, lease_view
from turnkeep_application.reading import Reading
from turnkeep_application.records import Records
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import Key, key
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.leases.lease import LEASES, Lease, LeaseName, TenureReleased
from turnkeep_domain.leases.limits import TTL_SECONDS_MAX, require_fence
from turnkeep_domain.leases.refusals import AcquireRefusal, HolderRefusal
from turnkeep_domain.leases.tenancy import Tenancy
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_ports.clock import Clock
from turnkeep_ports.errors import Corrupt, SchemaTooNew
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random
from turnkeep_ports.scans import Due
from turnkeep_ports.store import Cell

O = TypeVar("O")
R = TypeVar("R")

Command: TypeAlias = Callable[[Lease, datetime], Decision[Lease, O, R]]

_SWEEP_MAX: Final = 500
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@frozen(kw_only=True)
class Leases:
    """The use cases of leases; safe to share between tasks.

    Attributes:
        update_seconds: The deadline of an update, which a tenure must outlast.
    """

    updates: Updates
    reading: Reading
    clock: Clock
    random: Random
    ids: Ids
    update_seconds: float
    settings: LeaseSettings = field(factory=LeaseSettings)

    def __attrs_post_init__(self) -> None:
        self._ttl(self.settings.ttl_seconds)

    # ---- commands -------------------------------------------------------------------------------

    async def acquire(
        self,
        scope: Scope,
        name: str,
        *,
        holder: str,
        request_id: RequestId,
        ttl_seconds: float | None = None,
    ) -> Tenancy | Refused[AcquireRefusal]:
        """Begins a tenure, if nobody holds the lease.

        A tenure whose deadline has come is no obstacle: its end is noted in the same commit.
        Repeated with the same request id it answers the same tenure, also when others have held
        the lease since: compare its deadline before relying on it.

        Args:
            scope: Who owns the lease; any level.
            name: What is owned, an identifier.
            holder: Who wants it, an identifier. A process that was started anew takes another.
            request_id: The idempotency key of this acquisition.
            ttl_seconds: How long, above the deadline of an update and at most an hour.

        Returns:
            The tenure under its fence.
            `Held`: somebody holds it, be it under the same name.
            `RequestIdReused`.
        """
        require_identifier("holder", holder)
        require_identifier("request_id", request_id)
        ttl = self._ttl(ttl_seconds)

        def command(lease: Lease, now: datetime) -> Decision[Lease, Tenancy, AcquireRefusal]:
            return lease.acquire(holder=holder, ttl=ttl, request_id=request_id, now=now)

        return await self._command(scope, name, command)

    async def renew(
        self,
        scope: Scope,
        name: str,
        *,
        holder: str,
        fence: int,
        ttl_seconds: float | None = None,
    ) -> Tenancy | Refused[HolderRefusal]:
        """Lets a tenure last so long from now; it is never shortened. May be repeated.

        Returns:
            The tenure as it stands.
            `TenureExpired`: its deadline has come, whether or not somebody else holds the lease.
            `NotHolder`: the holder has no such tenure, as far as is remembered (16 tenures).
        """
        require_identifier("holder", holder)
        require_fence("fence", fence)
        ttl = self._ttl(ttl_seconds)

        def command(lease: Lease, now: datetime) -> Decision[Lease, Tenancy, HolderRefusal]:
            return lease.renew(holder=holder, fence=fence, ttl=ttl, now=now)

        return await self._command(scope, name, command)

    async def release(
        self, scope: Scope, name: str, *, holder: str, fence: int
    ) -> TenureReleased | Refused[HolderRefusal]:
        """Gives a tenure back. May be repeated, also when others have held the lease since.

        Returns:
            The tenure's fence, released now or before.
            `TenureExpired`, `NotHolder`: as for `renew`.
        """
        require_identifier("holder", holder)
        require_fence("fence", fence)

        def command(lease: Lease, now: datetime) -> Decision[Lease, TenureReleased, HolderRefusal]:
            return lease.release(holder=holder, fence=fence, now=now)

        return await self._command(scope, name, command)

    async def expire(self, scope: Scope, name: str) -> None:
        """Notes that the deadline of a tenure has come, if it has. Idempotent by state.

        Nothing waits for it: a tenure that is over is refused, and shown as none, all the same.
        """

        def command(lease: Lease, now: datetime) -> Decision[Lease, None, HolderRefusal]:
            return lease.expire(now=now)

        await self._command(scope, name, command)

    async def sweep(self, *, limit: int = _SWEEP_MAX) -> int:
        """Notes the ends of tenures whose deadline has come, the earliest first.

        Args:
            limit: How many leases are looked at, 1 to 500.

        Returns:
            How many were looked at; fewer than `limit` means that no more are due. A lease that
            cannot be read, or that others are busy with, is passed over.
        """
        # What is due is judged by the store's clock, of which the answer tells.
        query = Due(collection=LEASES.name, states=frozenset({"held"}), by=_FOREVER)
        deadline = self.reading.deadline()
        page = await self.reading.page(query, after=None, limit=limit, deadline=deadline)
        due = [cell.address for cell in page.cells if is_due(cell, page.now)]
        for address in due:
            # One that cannot be read, or that others are busy with, keeps nobody waiting.
            with suppress(Contended, Corrupt, SchemaTooNew):
                await self.expire(address.scope, address.id)
        return len(due)

    # ---- reads ----------------------------------------------------------------------------------

    async def get(self, scope: Scope, name: str) -> LeaseView:
        """The lease as it stands; one that was never seen is vacant at fence 0."""
        at = _key(scope, name)
        seen = await self.reading.record(at)
        lease = Lease.unseen(scope, LeaseName(name)) if seen.record is None else seen.record
        return lease_view(lease, seen.now)

    # ---- a lock ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def hold(
        self,
        scope: Scope,
        name: str,
        *,
        holder: str,
        ttl_seconds: float | None = None,
        patience_seconds: float | None = None,
    ) -> AsyncIterator[Holding]:
        """Holds a lease for the block: acquires it, renews it, and releases it.

        It is renewed every third of its time. `Holding.lost` is set before the tenure ends by
        this host's own clock, or when a renewal is refused: the block must stop then, for the
        next holder may begin. Whatever it writes elsewhere carries `Holding.fence`.

        The block's end gives the lease back; where the store does not serve then, the tenure
        ends by its deadline.

        Args:
            scope: Who owns the lease; any level.
            name: What is owned.
            holder: Who wants it.
            ttl_seconds: How long the tenure lasts if this process dies.
            patience_seconds: How long to wait while others hold it, up to an hour; 0 tries once.

        Raises:
            LeaseHeld: Others held it all the time; the block did not run.
            Contended, Unavailable, OutcomeUnknown: It could not be had within the patience.
        """
        require_identifier("holder", holder)
        settings = self.settings
        seconds = settings.ttl_seconds if ttl_seconds is None else ttl_seconds
        patience = settings.patience_seconds if patience_seconds is None else patience_seconds
        self._ttl(seconds)
        require_kind("patience_seconds", patience, int, float)
        if not 0 <= patience <= TTL_SECONDS_MAX:
            raise InvalidValue("patience_seconds", f"must be 0 to {TTL_SECONDS_MAX:.0f}")
        _key(scope, name)
        hold = LeaseHold(
            leases=self,
            scope=scope,
            name=name,
            holder=holder,
            ttl_seconds=seconds,
            patience_seconds=patience,
        )
        async with hold.held() as holding:
            yield holding

    # ---- steps ----------------------------------------------------------------------------------

    def _ttl(self, seconds: float | None) -> timedelta:
        chosen = self.settings.ttl_seconds if seconds is None else seconds
        require_kind("ttl_seconds", chosen, int, float)
        if not self.update_seconds < chosen <= TTL_SECONDS_MAX:
            raise InvalidValue(
                "ttl_seconds",
                f"must be above the {self.update_seconds:g} of an update, "
                f"and at most {TTL_SECONDS_MAX:.0f}",
            )
        return timedelta(seconds=chosen)

    async def _command(self, scope: Scope, name: str, command: Command[O, R]) -> O | Refused[R]:
        at = _key(scope, name)

        def decide(records: Records, now: datetime) -> Decision[Records, O, R]:
            lease = records[at]
            if lease is None:
                lease = Lease.unseen(scope, LeaseName(name))
            return records.adopt(at, command(lease, now))

        return await self.updates.update([at], decide)


def is_due(cell: Cell, now: datetime) -> bool:
    """Whether a cell's index says that something is to be noted by now."""
    due_at = cell.entry.index.due_at
    return due_at is not None and due_at <= now


def _key(scope: Scope, name: str) -> Key[Lease]:
    require_kind("scope", scope, Scope)
    require_identifier("name", name)
    return key(LEASES, scope, name)
