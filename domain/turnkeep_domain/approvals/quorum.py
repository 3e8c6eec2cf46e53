"""A quorum: who may decide a request, and how many of them must approve."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.limits import VOTERS_MAX, require_whole
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.principals import Principal, PrincipalKind
from turnkeep_domain.scope import Scope

_DECIDING: Final = frozenset({PrincipalKind.PERSON, PrincipalKind.SERVICE})


@frozen(kw_only=True)
class Quorum:
    """Who may decide, and how many approvals it takes; any one of them may deny.

    Attributes:
        threshold: Approvals needed, 1 to the number of the eligible.
        eligible: 1 to 16 people and named services; never agents or extensions.

    Raises:
        InvalidValue: The quorum could never be met, or an agent or extension would decide.
    """

    threshold: int = field()
    eligible: frozenset[Principal] = field(
        validator=deep_iterable(of_kind(Principal), of_kind(frozenset))
    )

    @eligible.validator
    def _may_decide(self, _: object, eligible: frozenset[Principal]) -> None:
        if not 1 <= len(eligible) <= VOTERS_MAX:
            raise InvalidValue("eligible", f"must name 1 to {VOTERS_MAX} principals")
        if not {principal.kind for principal in eligible} <= _DECIDING:
            raise InvalidValue("eligible", "must name people and services alone")
        require_whole("threshold", self.threshold, least=1, most=len(eligible))

    @classmethod
    def of(cls, threshold: int, *eligible: Principal) -> Quorum:
        """A quorum of so many of these."""
        return cls(threshold=threshold, eligible=frozenset(eligible))

    @classmethod
    def owner(cls, scope: Scope) -> Quorum:
        """The user of the scope decides alone.

        Raises:
            InvalidValue: The scope has no tenant or no user.
        """
        return cls.of(1, owner_of(scope))

    def require_independence(self, requester: Principal) -> None:
        """Refuses a requester who would be one of several deciders of the own request.

        Raises:
            InvalidValue: The threshold is above 1 and the requester eligible.
        """
        if self.threshold > 1 and requester in self.eligible:
            raise InvalidValue("eligible", "must not name the requester above threshold 1")


def owner_of(scope: Scope) -> Principal:
    """The person whose scope it is.

    Raises:
        InvalidValue: The scope has no tenant or no user.
    """
    require_kind("scope", scope, Scope)
    scope.require_work()
    return Principal.person(str(scope.user))
