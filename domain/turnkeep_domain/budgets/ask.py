"""An ask: what some work wants to hold, known and judged before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import field, frozen

from turnkeep_domain.budgets.account_ref import AccountRef, cascade
from turnkeep_domain.budgets.bounds import TTL_MS_MAX, TTL_MS_MIN
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.holds import HoldId, OnExpiry, hold_id
from turnkeep_domain.budgets.refusals import AmountInvalid, AskRefusal, EstimateEmpty, TtlInvalid
from turnkeep_domain.budgets.tallies import Tally, faulty_amount
from turnkeep_domain.decisions import Refused
from turnkeep_domain.identifiers import identifier, optional_identifier
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class Ask:
    """A wish to reserve.

    Attributes:
        id: Of the reservation, and of the request: asking again with it is a repeat.
        ttl_ms: How long it may hold, 1 second to 24 hours.
        owner: Who does the work, for listings; no credential.
        price_version: The price list that the estimate was made with.
    """

    scope: Scope = field(validator=of_kind(Scope))
    id: RequestId = field(validator=identifier)
    estimate: Tally = field(validator=of_kind(Tally))
    ttl_ms: int
    owner: str = field(validator=identifier)
    on_expiry: OnExpiry = field(validator=of_kind(OnExpiry))
    price_version: str | None = field(validator=optional_identifier)

    @scope.validator
    def _is_work(self, _: object, scope: Scope) -> None:
        scope.require_work()

    @classmethod
    def of(
        cls,
        scope: Scope,
        *,
        id: RequestId,
        estimate: Mapping[Dimension, int],
        ttl_ms: int,
        owner: str,
        on_expiry: OnExpiry,
        price_version: str | None,
    ) -> Ask | Refused[AskRefusal]:
        """The ask for these amounts, or why it is none.

        Raises:
            InvalidValue: An argument is of another class or breaks a rule that no model's or
                operator's figure decides.
        """
        faulty = faulty_amount(estimate, gauges=True)
        if faulty is not None:
            return Refused(AmountInvalid(faulty))
        tally = Tally.of(estimate)
        if tally.is_empty:
            return Refused(EstimateEmpty())
        fault = ttl_fault(ttl_ms)
        if fault is not None:
            return Refused(fault)
        return cls(
            scope=scope,
            id=id,
            estimate=tally,
            ttl_ms=ttl_ms,
            owner=owner,
            on_expiry=on_expiry,
            price_version=price_version,
        )

    @property
    def accounts(self) -> tuple[AccountRef, ...]:
        """The accounts that it concerns, broad to narrow."""
        return cascade(self.scope)

    @property
    def hold_id(self) -> HoldId:
        """Its name among the holds of an account."""
        return hold_id(self.scope, self.id)

    def deadline(self, now: datetime) -> datetime:
        """Until when it would hold."""
        return now + timedelta(milliseconds=self.ttl_ms)


def ttl_fault(ttl_ms: object) -> TtlInvalid | None:
    """Why it is no time to hold for; None where it is one."""
    if type(ttl_ms) is not int or not TTL_MS_MIN <= ttl_ms <= TTL_MS_MAX:
        return TtlInvalid(TTL_MS_MIN, TTL_MS_MAX)
    return None
