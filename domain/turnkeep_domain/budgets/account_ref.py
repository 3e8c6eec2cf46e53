"""An account reference: the owner of one budget account, from a tenant down to one thread."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final, Self, assert_never

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.scope import Scope

ACCOUNT_COLLECTION: Final = "budget_account"


class Level(Enum):
    """Whose account it is, broad to narrow.

    A shared project or agent is a team's, whoever uses it; `PROJECT` and `AGENT` are one user's.
    """

    TENANT = "tenant"
    SHARED_PROJECT = "shared_project"
    SHARED_AGENT = "shared_agent"
    USER = "user"
    PROJECT = "project"
    AGENT = "agent"
    MISSION = "mission"
    THREAD = "thread"


LEVELS: Final = tuple(Level)


# Pure: a memory of answers. The accounts of some work are asked for with each of its commands.
@lru_cache(maxsize=4_096)
def _ids_of(level: Level, work: Scope) -> Scope | None:
    """The ids of a level in the scope of some work; None where one of its own is absent."""
    own: str | None
    match level:
        case Level.TENANT:
            of, own = Scope.of(work.tenant, None), work.tenant
        case Level.SHARED_PROJECT:
            of, own = Scope.of(work.tenant, None, project=work.project), work.project
        case Level.SHARED_AGENT:
            of, own = Scope.of(work.tenant, None, agent=work.agent), work.agent
        case Level.USER:
            of, own = Scope.of(work.tenant, work.user), work.user
        case Level.PROJECT:
            of, own = Scope.of(work.tenant, work.user, project=work.project), work.project
        case Level.AGENT:
            of, own = Scope.of(work.tenant, work.user, agent=work.agent), work.agent
        case Level.MISSION:
            of = Scope.of(work.tenant, work.user, project=work.project, mission=work.mission)
            own = work.mission
        case Level.THREAD:
            of, own = work, work.thread
        case _:
            assert_never(level)
    return None if own is None else of


# Hashed and compared whenever a cascade is looked up.
@frozen(cache_hash=True)
class AccountRef:
    """One account, by its level and the ids of that level.

    Absent and present are different: the mission of a project is another one than a mission of
    the same name without a project.

    Attributes:
        level: Whose account it is.
        scope: The ids of the level and no others.

    Raises:
        InvalidValue: The scope has not exactly the ids of the level.
    """

    level: Level = field(validator=of_kind(Level))
    scope: Scope = field(validator=of_kind(Scope))

    @scope.validator
    def _has_the_ids_of_the_level(self, _: object, scope: Scope) -> None:
        if scope.tenant is None or _ids_of(self.level, scope) != scope:
            raise InvalidValue("scope", "must have exactly the ids of the account's level")

    @classmethod
    def tenant(cls, tenant: str) -> Self:
        """Everything of a tenant."""
        return cls(Level.TENANT, Scope.of(tenant, None))

    @classmethod
    def shared_project(cls, tenant: str, project: str) -> Self:
        """A team's project, whoever works in it."""
        return cls(Level.SHARED_PROJECT, Scope.of(tenant, None, project=project))

    @classmethod
    def shared_agent(cls, tenant: str, agent: str) -> Self:
        """A deployed agent, whoever uses it."""
        return cls(Level.SHARED_AGENT, Scope.of(tenant, None, agent=agent))

    @classmethod
    def user(cls, tenant: str, user: str) -> Self:
        """Everything of a user."""
        return cls(Level.USER, Scope.of(tenant, user))

    @classmethod
    def project(cls, tenant: str, user: str, project: str) -> Self:
        """A user's work in a project."""
        return cls(Level.PROJECT, Scope.of(tenant, user, project=project))

    @classmethod
    def agent(cls, tenant: str, user: str, agent: str) -> Self:
        """A user's work with an agent, in every project."""
        return cls(Level.AGENT, Scope.of(tenant, user, agent=agent))

    @classmethod
    def mission(cls, tenant: str, user: str, mission: str, *, project: str | None = None) -> Self:
        """A mission, of a project or of none."""
        return cls(Level.MISSION, Scope.of(tenant, user, project=project, mission=mission))

    @classmethod
    def thread(cls, scope: Scope) -> Self:
        """A thread, by its full scope."""
        return cls(Level.THREAD, scope)

    @classmethod
    def parse(cls, path: str) -> Self:
        """The account that `level:id/id` names, as `path` writes it.

        `-` is what is absent. In an id, `%25` is a percent sign, `%2F` a slash, and an id that is
        a hyphen alone is `%2D`.

        Raises:
            InvalidValue: It names none; it is not repeated.
        """
        word, _, ids = path.partition(":")
        parts = [_id_of(part) for part in ids.split("/")]
        try:
            level = Level(word)
            names = _PATHS[level]
            named = dict(zip(names, parts, strict=True))
        except ValueError:
            raise InvalidValue(
                "account", "must be a level and its ids, as in user:acme/ada"
            ) from None
        tenant, user = named.pop("tenant"), named.pop("user", None)
        return cls(level, Scope.of(tenant, user, **named))

    @property
    def path(self) -> str:
        """The account in one word, for people: `user:acme/ada`."""
        ids = [_part_of(getattr(self.scope, name)) for name in _PATHS[self.level]]
        return f"{self.level.value}:{'/'.join(ids)}"

    @property
    def address(self) -> Address:
        """Where its record is kept."""
        return Address(ACCOUNT_COLLECTION, self.scope, self.level.value)

    def covers(self, work: Scope) -> bool:
        """Whether work of this scope concerns the account."""
        return _ids_of(self.level, work) == self.scope


def _part_of(id: str | None) -> str:
    if id is None:
        return "-"
    return "%2D" if id == "-" else id.replace("%", "%25").replace("/", "%2F")


def _id_of(part: str) -> str | None:
    if part == "-":
        return None
    return part.replace("%2D", "-").replace("%2F", "/").replace("%25", "%")


_PATHS: Final[dict[Level, tuple[str, ...]]] = {
    Level.TENANT: ("tenant",),
    Level.SHARED_PROJECT: ("tenant", "project"),
    Level.SHARED_AGENT: ("tenant", "agent"),
    Level.USER: ("tenant", "user"),
    Level.PROJECT: ("tenant", "user", "project"),
    Level.AGENT: ("tenant", "user", "agent"),
    Level.MISSION: ("tenant", "user", "project", "mission"),
    Level.THREAD: ("tenant", "user", "agent", "project", "mission", "thread"),
}


@lru_cache(maxsize=4_096)
def account_of(level: Level, work: Scope) -> AccountRef:
    """The account of that level which work of this scope concerns.

    Raises:
        InvalidValue: The scope lacks an id of the level.
    """
    ids = _ids_of(level, work)
    if ids is None:
        raise InvalidValue("scope", "must have the ids of the account's level")
    return AccountRef(level, ids)


def cascade(work: Scope) -> tuple[AccountRef, ...]:
    """The accounts that work of this scope concerns, broad to narrow: two to eight.

    Raises:
        InvalidValue: The scope has no tenant or no user.
    """
    require_kind("scope", work, Scope)
    return _cascade(work)


@lru_cache(maxsize=4_096)
def _cascade(work: Scope) -> tuple[AccountRef, ...]:
    work.require_work()
    levels = [level for level in LEVELS if _ids_of(level, work) is not None]
    return tuple([account_of(level, work) for level in levels])
