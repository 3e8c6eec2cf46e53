"""A budget gate: the question whether a ceiling may be raised, put before people for a while.

```text
    a paused reserve --> Open --a--> Approved     a  the ceiling is raised
                          |-----b--> Cancelled    b  declined, or the limits have changed
                          '-----c--> Expired      c  nobody answered in time
```

The account points at its gate in the commit that opens it, and no longer in the one that closes
it, so it never has two for a dimension.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

from attrs import evolve, field, frozen

from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.bounds import AMOUNT_MAX, GATE_LIFE_MS, require_amount
from turnkeep_domain.budgets.ceilings import StandingCeiling
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.events import (
    BudgetGateApproved,
    BudgetGateCancelled,
    BudgetGateExpired,
    BudgetGateOpened,
)
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.gate_id import BudgetGateId, GatePointer, GateStatus
from turnkeep_domain.budgets.holds import WindowId
from turnkeep_domain.budgets.periods import end_of
from turnkeep_domain.budgets.refusals import (
    ApproveGateRefusal,
    BudgetGateClosed,
    BudgetGateOverdue,
    CancelGateRefusal,
    LimitsRevised,
    RaiseTooSmall,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused

GATE_COLLECTION: Final = "budget_gate"
_LIFE: Final = timedelta(milliseconds=GATE_LIFE_MS)


@frozen
class GateOpen:
    """It may be answered, until it expires."""


@frozen(kw_only=True)
class GateApproved:
    """The ceiling was raised to `new_max`."""

    new_max: int = field()
    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)
    at: datetime = field(validator=instant)

    @new_max.validator
    def _is_amount(self, _: object, new_max: int) -> None:
        require_amount("new_max", new_max)


@frozen(kw_only=True)
class GateCancelled:
    """Somebody declined, or the limits were changed; `request_id` is of the command that did."""

    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)
    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class GateExpired:
    """Nobody answered in time; `at` is when that was noted."""

    at: datetime = field(validator=instant)


GatePhase: TypeAlias = GateOpen | GateApproved | GateCancelled | GateExpired
GATE_PHASES: Final = (GateOpen, GateApproved, GateCancelled, GateExpired)


@frozen
class GateChange:
    """What a command does to a gate, and to the account that points at it."""

    gate: BudgetGate
    account: Account


@frozen(kw_only=True)
class BudgetGate:
    """The question, with the figures that raised it.

    Attributes:
        limit_revision: The account's, when it was opened.
        figures: Of the reservation that was paused.
        least_max: The smallest `max` of the ceiling under which that reservation would pass.
    """

    id: BudgetGateId = field(validator=identifier)
    window: WindowId = field(validator=of_kind(WindowId))
    limit_revision: int = field()
    figures: Figures = field(validator=of_kind(Figures))
    least_max: int = field()
    opened_at: datetime = field(validator=instant)
    expires_at: datetime = field(validator=instant)
    phase: GatePhase = field(validator=of_kind(*GATE_PHASES))

    def __attrs_post_init__(self) -> None:
        require_amount("limit_revision", self.limit_revision, least=1)
        require_amount("least_max", self.least_max)
        if not self.opened_at < self.expires_at <= self.opened_at + _LIFE:
            raise InvalidValue("expires_at", "must be 24 hours after opened_at at most")

    @classmethod
    def opened(
        cls, id: BudgetGateId, account: Account, figures: Figures, *, now: datetime
    ) -> Changed[GateChange, BudgetGateId]:
        """A gate for the ceiling of a rolled account that paused somebody's reservation."""
        end = end_of(account.period, account.start)
        expires_at = now + _LIFE if end is None or end <= now else min(now + _LIFE, end)
        gate = cls(
            id=id,
            window=account.window,
            limit_revision=account.limit_revision,
            figures=figures,
            least_max=min(account.least_max(figures.dimension, figures.total), AMOUNT_MAX),
            opened_at=now,
            expires_at=expires_at,
            phase=GateOpen(),
        )
        pointer = GatePointer(
            dimension=figures.dimension, gate=id, expires_at=expires_at, declined=False
        )
        event = BudgetGateOpened(
            address=gate.address,
            at=now,
            window=gate.window,
            figures=figures,
            least_max=gate.least_max,
            expires_at=expires_at,
        )
        return Changed(GateChange(gate, account.with_pointer(pointer)), id, (event,))

    # ---- what it says ---------------------------------------------------------------------------

    @property
    def account(self) -> AccountRef:
        """Whose ceiling it is."""
        return self.figures.account

    @property
    def dimension(self) -> Dimension:
        """Of which dimension."""
        return self.figures.dimension

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(GATE_COLLECTION, self.account.scope, self.id)

    def is_overdue(self, now: datetime) -> bool:
        """Whether it has expired before anybody answered."""
        return isinstance(self.phase, GateOpen) and self.expires_at <= now

    def status_at(self, now: datetime) -> GateStatus:
        """Where it stands; overdue is expired, whether or not that was noted."""
        if self.is_overdue(now):
            return GateStatus.EXPIRED
        match self.phase:
            case GateOpen():
                return GateStatus.OPEN
            case GateApproved():
                return GateStatus.APPROVED
            case GateCancelled():
                return GateStatus.CANCELLED
            case GateExpired():
                return GateStatus.EXPIRED
            case _:
                assert_never(self.phase)

    # ---- commands -------------------------------------------------------------------------------

    def approve(
        self, account: Account, *, new_max: int, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[GateChange, BudgetGate, ApproveGateRefusal]:
        """Raises the ceiling. In this order: repeat, open, in time, limits, high enough."""
        if isinstance(self.phase, GateApproved) and self.phase.request_id == request_id:
            same = (self.phase.new_max, self.phase.by) == (new_max, by)
            return Unchanged(self) if same else Refused(RequestIdReused(request_id))
        standing = self._answerable(account, request_id, now)
        if not isinstance(standing, StandingCeiling):
            return standing
        old_max = standing.ceiling.max
        if new_max <= old_max:
            return Refused(RaiseTooSmall(old_max, new_max))
        revision = account.limit_revision + 1
        raised = evolve(standing, ceiling=evolve(standing.ceiling, max=new_max), since=revision)
        ceilings = [raised if one is standing else one for one in account.ceilings or ()]
        gate = evolve(
            self,
            phase=GateApproved(new_max=new_max, by=by, request_id=request_id, at=now),
        )
        event = BudgetGateApproved(
            address=self.address,
            at=now,
            dimension=self.dimension,
            old_max=old_max,
            new_max=new_max,
            limit_revision=revision,
            by=by,
            request_id=request_id,
        )
        after = evolve(
            account.without_gate(self.id), ceilings=tuple(ceilings), limit_revision=revision
        )
        return Changed(GateChange(gate, after), gate, (event,), self.expires_at)

    def cancel(
        self, account: Account, *, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[GateChange, BudgetGate, CancelGateRefusal]:
        """Declines, for as long as it would have been open. Checked as `approve` is."""
        if isinstance(self.phase, GateCancelled) and self.phase.request_id == request_id:
            same = self.phase.by == by
            return Unchanged(self) if same else Refused(RequestIdReused(request_id))
        standing = self._answerable(account, request_id, now)
        if not isinstance(standing, StandingCeiling):
            return standing
        closed = self.withdrawn(by=by, request_id=request_id, now=now)
        pointer = GatePointer(
            dimension=self.dimension, gate=self.id, expires_at=self.expires_at, declined=True
        )
        change = GateChange(closed.state, account.with_pointer(pointer))
        return Changed(change, closed.state, closed.events, self.expires_at)

    def withdrawn(
        self, *, by: Principal, request_id: RequestId, now: datetime
    ) -> Changed[BudgetGate, None]:
        """An open gate without its question: somebody declined, or the limits have changed."""
        phase = GateCancelled(by=by, request_id=request_id, at=now)
        event = BudgetGateCancelled(
            address=self.address,
            at=now,
            dimension=self.dimension,
            by=by,
            request_id=request_id,
        )
        return Changed(evolve(self, phase=phase), None, (event,))

    def expire(
        self, account: Account, *, now: datetime
    ) -> Changed[GateChange, BudgetGate] | Unchanged[BudgetGate]:
        """Notes that nobody has answered in time; otherwise nothing."""
        if not self.is_overdue(now):
            return Unchanged(self)
        settled = self._settled(account, now)
        return Changed(settled.state, settled.state.gate, settled.events)

    def _answerable(
        self, account: Account, request_id: RequestId, now: datetime
    ) -> (
        Refused[RequestIdReused | BudgetGateClosed | LimitsRevised]
        | Settled[GateChange, BudgetGateOverdue]
        | StandingCeiling
    ):
        """The ceiling that it asks about; or why a command that is none of before cannot answer."""
        match self.phase:
            case GateOpen():
                pass
            case GateApproved(request_id=used) | GateCancelled(request_id=used):
                if used == request_id:
                    return Refused(RequestIdReused(request_id))
                return Refused(BudgetGateClosed(self.status_at(now)))
            case GateExpired():
                return Refused(BudgetGateClosed(self.status_at(now)))
            case _:
                assert_never(self.phase)
        if self.is_overdue(now):
            return self._settled(account, now)
        standing = account.standing(self.dimension)
        if standing is None or standing.since > self.limit_revision:
            return Refused(LimitsRevised(self.limit_revision, account.limit_revision))
        return standing

    def _settled(self, account: Account, now: datetime) -> Settled[GateChange, BudgetGateOverdue]:
        after = evolve(self, phase=GateExpired(at=now))
        event = BudgetGateExpired(address=self.address, at=now, dimension=self.dimension)
        change = GateChange(after, account.without_gate(self.id))
        return Settled(change, BudgetGateOverdue(self.expires_at), (event,), tidy=True)
