"""A call: one exact action of an agent, with everything that its consent depends on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from itertools import pairwise
from typing import ClassVar, Self, TypeAlias

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.canonical import CanonicalInput
from turnkeep_domain.approvals.limits import AMOUNT_MAX, DIMENSIONS_MAX, require_whole
from turnkeep_domain.approvals.names import CapabilityId, InvocationId
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.scope import Scope


class Effect(Enum):
    """What a call may do to the world, as the host has classified it."""

    READS = "reads"
    WRITES = "writes"
    DELETES = "deletes"
    EXECUTES = "executes"
    COMMUNICATES = "communicates"
    FINANCIAL = "financial"
    CHANGES_APPROVALS = "changes_approvals"
    CHANGES_BUDGETS = "changes_budgets"


@frozen
class Amount:
    """So much of one dimension, in the dimension's own unit (`usd_nano`, `input_tokens`)."""

    dimension: str = field(validator=identifier)
    amount: int = field()

    @amount.validator
    def _within_bounds(self, _: object, amount: int) -> None:
        require_whole("amount", amount, least=0, most=AMOUNT_MAX)


@frozen
class Estimate:
    """What a call is expected to use, at most 16 dimensions, sorted by name."""

    amounts: tuple[Amount, ...] = field(validator=deep_iterable(of_kind(Amount), of_kind(tuple)))

    @amounts.validator
    def _sorted_and_distinct(self, _: object, amounts: tuple[Amount, ...]) -> None:
        names = [amount.dimension for amount in amounts]
        if not all(earlier < later for earlier, later in pairwise(names)):
            raise InvalidValue("estimate", "must be sorted by dimension, each named once")
        if len(names) > DIMENSIONS_MAX:
            raise InvalidValue("estimate", f"must have at most {DIMENSIONS_MAX} dimensions")

    @classmethod
    def of(cls, amounts: Mapping[str, int]) -> Estimate:
        """The estimate of these amounts, whatever their order.

        Raises:
            InvalidValue: A dimension is no identifier, an amount negative or above 64 bits, or
                this no mapping.
        """
        require_kind("estimate", amounts, Mapping)
        entries = [Amount(dimension, amount) for dimension, amount in amounts.items()]
        return cls(tuple(sorted(entries, key=lambda entry: entry.dimension)))

    @classmethod
    def nothing(cls) -> Estimate:
        """The estimate of a call that uses nothing that is metered."""
        return cls(())

    def as_mapping(self) -> dict[str, int]:
        """Dimension to amount."""
        return {entry.dimension: entry.amount for entry in self.amounts}


@frozen(kw_only=True)
class Use:
    """The use of one capability; what kind of use, its subclasses say.

    Attributes:
        kind: The kind in one word, as fingerprints have it.
        estimate: What it is expected to use of what is metered.
    """

    kind: ClassVar[str]

    capability: CapabilityId = field(validator=identifier)
    estimate: Estimate = field(validator=of_kind(Estimate))

    @classmethod
    def of(cls, capability: str, estimate: Mapping[str, int] | None = None) -> Self:
        """The use of a capability, from plain values, as hosts have them.

        Raises:
            InvalidValue: The capability is no identifier, or the estimate none.
        """
        return cls(
            capability=CapabilityId(capability),
            estimate=Estimate.of({} if estimate is None else estimate),
        )


@frozen(kw_only=True)
class Dispatch(Use):
    """Running a tool."""

    kind: ClassVar[str] = "dispatch"


@frozen(kw_only=True)
class Spawn(Use):
    """Starting an agent."""

    kind: ClassVar[str] = "spawn"


Action: TypeAlias = Dispatch | Spawn


@frozen(kw_only=True)
class Call:
    """One exact action: change any of this, and it is another call.

    Raises:
        InvalidValue: The scope has no tenant or user, or an id is no identifier.
    """

    scope: Scope = field(validator=of_kind(Scope))
    invocation: InvocationId = field(validator=identifier)
    action: Action = field(validator=of_kind(Dispatch, Spawn))
    input: CanonicalInput = field(validator=of_kind(CanonicalInput), repr=False)

    @scope.validator
    def _is_work(self, _: object, scope: Scope) -> None:
        scope.require_work()
