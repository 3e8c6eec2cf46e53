"""An owner: the scope that secrets and accounts belong to, above missions and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope

if TYPE_CHECKING:
    from attrs import Attribute


def require_owner(what: str, scope: object) -> None:
    """Refuses a scope that cannot own secrets.

    Raises:
        InvalidValue: It has no tenant or user, or has a mission or a thread.
    """
    require_kind(what, scope, Scope)
    if not isinstance(scope, Scope):  # for the type checker: it was refused above
        raise TypeError
    scope.require_work()
    if scope.mission is not None or scope.thread is not None:
        raise InvalidValue(what, "must have no mission and no thread")


def owner(_: object, attribute: Attribute[Scope], scope: Scope) -> None:
    """An attrs validator: the field is a scope that can own secrets."""
    require_owner(attribute.name, scope)


def contains(owner: Scope, scope: Scope) -> bool:
    """Whether work in a scope may use what this owner has.

    Tenant and user must be equal; agent and project equal, or absent in the owner. Nothing is
    looked for further up: who wants the secret names its owner.
    """
    return (
        (owner.tenant, owner.user) == (scope.tenant, scope.user)
        and owner.agent in (None, scope.agent)
        and owner.project in (None, scope.project)
    )


def owner_of(scope: Scope) -> Scope:
    """The narrowest owner that contains a scope of work."""
    return Scope(
        tenant=scope.tenant,
        user=scope.user,
        agent=scope.agent,
        project=scope.project,
        mission=None,
        thread=None,
    )
