"""A scope: who owns a record, from the tenant down to one thread."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NewType

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import optional_identifier
from turnkeep_domain.kinds import of_kind

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)
AgentId = NewType("AgentId", str)
ProjectId = NewType("ProjectId", str)
MissionId = NewType("MissionId", str)
ThreadId = NewType("ThreadId", str)

SHARED_USER: Final = UserId("*")
DEPTH_MAX: Final = 6
OWNER_DEPTH: Final = 2
SCOPES_REMEMBERED: Final = 4_096


# Hashed again and again as a part of every address.
@frozen(kw_only=True, cache_hash=True)
class Scope:
    """Who owns a record.

    ``None`` is the absent value of a component: a value of its own, never a wildcard. The whole
    scope is part of every key, so a record of another scope is absent, never forbidden. Work
    always has tenant and user; a record that belongs to a level above has the partial scope of
    that level. The user ``*`` is reserved for cells that many users share.

    Raises:
        InvalidValue: A component is no identifier, or the user is ``*``.
    """

    tenant: TenantId | None = field(validator=optional_identifier)
    user: UserId | None = field(validator=optional_identifier)
    agent: AgentId | None = field(validator=optional_identifier)
    project: ProjectId | None = field(validator=optional_identifier)
    mission: MissionId | None = field(validator=optional_identifier)
    thread: ThreadId | None = field(validator=optional_identifier)

    @user.validator
    def _refuse_shared_user(self, _: object, user: UserId | None) -> None:
        if user == SHARED_USER:
            raise InvalidValue("user", "must not be *, which is reserved")

    @classmethod
    def of(
        cls,
        tenant: str | None,
        user: str | None,
        *,
        agent: str | None = None,
        project: str | None = None,
        mission: str | None = None,
        thread: str | None = None,
    ) -> Scope:
        """A scope from plain text, as hosts have it; what is not named is absent."""
        try:
            return _made(tenant, user, agent, project, mission, thread)
        except TypeError:  # no text, and cannot be hashed: it is told as any other
            return _made.__wrapped__(tenant, user, agent, project, mission, thread)

    def components(self) -> tuple[str | None, ...]:
        """The six components, broad to narrow."""
        return (self.tenant, self.user, self.agent, self.project, self.mission, self.thread)

    def require_work(self) -> None:
        """Refuses a scope in which no work can be done.

        Raises:
            InvalidValue: Tenant or user is absent.
        """
        if self.tenant is None or self.user is None:
            raise InvalidValue("scope", "must have a tenant and a user")


# The same few are made again and again, and their rules cost more than finding one. Typed, so that
# what only equals a text is not taken for it.
@lru_cache(SCOPES_REMEMBERED, typed=True)
def _made(*components: str | None) -> Scope:
    tenant, user, agent, project, mission, thread = components
    return Scope(
        tenant=None if tenant is None else TenantId(tenant),
        user=None if user is None else UserId(user),
        agent=None if agent is None else AgentId(agent),
        project=None if project is None else ProjectId(project),
        mission=None if mission is None else MissionId(mission),
        thread=None if thread is None else ThreadId(thread),
    )


@frozen(kw_only=True)
class ScopePrefix:
    """The first `depth` components of a scope, fixed (absent ones too); the rest is free.

    Attributes:
        scope: The scope whose first components count; what lies below `depth` is ignored.
        depth: 0 (everything) to 6 (exactly this scope).
    """

    scope: Scope = field(validator=of_kind(Scope))
    depth: int = field()

    @depth.validator
    def _within_bounds(self, _: object, depth: int) -> None:
        if type(depth) is not int or not 0 <= depth <= DEPTH_MAX:
            raise InvalidValue("depth", f"must be 0 to {DEPTH_MAX}")

    @classmethod
    def exactly(cls, scope: Scope) -> ScopePrefix:
        """This scope and no other."""
        return cls(scope=scope, depth=DEPTH_MAX)

    @classmethod
    def owner(cls, scope: Scope) -> ScopePrefix:
        """Everything of the scope's tenant and user: their agents, missions and threads."""
        return cls(scope=scope, depth=OWNER_DEPTH)

    def components(self) -> tuple[str | None, ...]:
        """The fixed components, broad to narrow."""
        return self.scope.components()[: self.depth]

    def covers(self, scope: Scope) -> bool:
        """Whether a scope lies under this prefix."""
        return scope.components()[: self.depth] == self.components()
