"""A name: how the command line names a gate, its owner, and who decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypedDict, TypeVar
from uuid import uuid4

import click
from attrs import frozen

from turnkeep import (
    Approvals,
    GateRef,
    InvalidGateRef,
    Principal,
    PrincipalKind,
    RequestId,
    Scope,
    ScopePrefix,
)

F = TypeVar("F", bound=Callable[..., int])

_PAGE: Final = 200
_PREFIX: Final = "approval:"


class Unnamed(Exception):
    """What was typed names nothing; the only argument says so, in a sentence."""


class OwnerOptions(TypedDict):
    """The options that name an owner, as click hands them over."""

    tenant: str
    user: str
    agent: str | None
    project: str | None
    mission: str | None
    thread: str | None


class DecidedOptions(OwnerOptions):
    """Those and the options of whoever decides."""

    by: str
    request_id: str | None
    url: str
    as_json: bool


@frozen(kw_only=True)
class GateOwner:
    """Whose gates are meant: a scope as far as it was named."""

    tenant: str
    user: str
    agent: str | None
    project: str | None
    mission: str | None
    thread: str | None

    @property
    def scope(self) -> Scope:
        """The scope that was named; what was not is absent."""
        return Scope.of(
            self.tenant,
            self.user,
            agent=self.agent,
            project=self.project,
            mission=self.mission,
            thread=self.thread,
        )

    @property
    def prefix(self) -> ScopePrefix:
        """Everything under the deepest component that was named."""
        named = (self.tenant, self.user, self.agent, self.project, self.mission, self.thread)
        depth = max(place for place, name in enumerate(named, start=1) if name is not None)
        return ScopePrefix(scope=self.scope, depth=depth)

    async def scope_of(self, approvals: Approvals, ref: GateRef) -> Scope:
        """Where a gate is: in exactly the scope that was named, or pending anywhere below it.

        Raises:
            Unnamed: It is not there.
        """
        if await approvals.get(self.scope, ref.id) is not None:
            return self.scope
        after: str | None = None
        while True:
            page = await approvals.list_pending(self.prefix, after=after, limit=_PAGE)
            for view in page.approvals:
                if view.id == ref.id:
                    return view.scope
            after = page.next
            if after is None:
                raise Unnamed(
                    "no such gate waits there; one that has ended needs its whole scope: "
                    "--agent, --project, --mission and --thread, as far as it has them"
                )


def owned(command: F) -> F:
    """Gives a command the options that name an owner, and the store."""
    for option in (
        click.option("--thread", metavar="ID", help="Of this thread alone."),
        click.option("--mission", metavar="ID", help="Of this mission alone."),
        click.option("--project", metavar="ID", help="Of this project alone."),
        click.option("--agent", metavar="ID", help="Of this agent alone."),
        click.option("--user", required=True, metavar="ID", help="Whose."),
        click.option("--tenant", required=True, metavar="ID", help="Of which tenant."),
    ):
        command = option(command)
    return stored(command)


def stored(command: F) -> F:
    """Gives a command the options that every command on a store has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object."),
        click.option("--store", "url", required=True, metavar="URL", help="Where they are."),
    ):
        command = option(command)
    return command


def decided(command: F) -> F:
    """Gives a command the options that tell who decides, and of a repeat."""
    for option in (
        click.option(
            "--request-id",
            metavar="ID",
            help="Repeats an earlier command under the id that it had, after a doubt.",
        ),
        click.option(
            "--by", metavar="WHO", required=True, help="Who decides: bo, or service:rules."
        ),
    ):
        command = option(command)
    return command


def gate_of(text: str) -> GateRef:
    """The gate that `approval:<uuid>`, or the id alone, names.

    Raises:
        Unnamed: It names none.
    """
    ref = GateRef.parse(text if text.startswith(_PREFIX) else f"{_PREFIX}{text}")
    if isinstance(ref, InvalidGateRef):
        raise Unnamed("a gate is named as approval: and its id, as the list shows them")
    return ref


def principal_of(text: str) -> Principal:
    """Who acts: `agent:scout`, `service:rules`, or the name of a person.

    Raises:
        Unnamed: It names nobody.
    """
    kind, colon, id = text.partition(":")
    try:
        return Principal(PrincipalKind(kind), id) if colon else Principal.person(text)
    except ValueError as error:
        raise Unnamed("somebody is written as bo, person:bo, service:rules or agent:scout") from (
            error
        )


def request_of(id: str | None) -> RequestId:
    """The request id that was given, or one that nobody has used."""
    return RequestId(uuid4().hex if id is None else id)
