"""An owner: the tenant and user whose consent it is, in all of their threads."""

from __future__ import annotations

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope


def owner_scope(scope: Scope) -> Scope:
    """The scope in which the consent of a scope's user is kept.

    Raises:
        InvalidValue: It is none in which work is done.
    """
    require_kind("scope", scope, Scope)
    scope.require_work()
    return Scope.of(scope.tenant, scope.user)


def require_owner(scope: Scope) -> None:
    """Refuses a scope that is not that of a user.

    Raises:
        InvalidValue: It has no tenant or user, or something below.
    """
    if scope != owner_scope(scope):
        raise InvalidValue("scope", "must be that of a user, with nothing below")
