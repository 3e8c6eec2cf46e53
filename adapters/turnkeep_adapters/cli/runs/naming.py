"""A name: how the command line names a run, its owner, and who acts on it."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

import click
from attrs import frozen

from turnkeep import (
    Actor,
    Principal,
    RequestId,
    RunAddress,
    RunId,
    RunView,
    Scope,
    ScopePrefix,
    Turns,
)

F = TypeVar("F", bound=Callable[..., int])


class NoRun(Exception):
    """There is no such run; the only argument says so, in a sentence."""


@frozen(kw_only=True)
class Owner:
    """Whose runs are meant: a scope as far as it was named."""

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

    async def run(self, turns: Turns, id: str) -> RunView:
        """The run of that id, wherever under this owner it is.

        Raises:
            NoRun: There is none.
        """
        view = await turns.get(RunAddress(self.scope, RunId(id)))
        after: str | None = None
        while view is None:
            page = await turns.list(self.prefix, after=after, limit=200)
            view = next((run for run in page.runs if run.id == id), None)
            after = page.next
            if view is None and after is None:
                raise NoRun("there is no such run of this tenant and user")
        return view


def owned(command: F) -> F:
    """Gives a command the options that name an owner, and the store."""
    for option in (
        click.option("--thread", metavar="ID", help="Of this thread alone."),
        click.option("--mission", metavar="ID", help="Of this mission alone."),
        click.option("--project", metavar="ID", help="Of this project alone."),
        click.option("--agent", metavar="ID", help="Of this agent alone."),
        click.option("--user", required=True, metavar="ID", help="Whose runs."),
        click.option("--tenant", required=True, metavar="ID", help="Of which tenant."),
    ):
        command = option(command)
    return stored(command)


def stored(command: F) -> F:
    """Gives a command the options that every command on runs has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object."),
        click.option("--store", "url", required=True, metavar="URL", help="Where the runs are."),
    ):
        command = option(command)
    return command


def acted(command: F) -> F:
    """Gives a command the options that tell who acts, and of a repeat."""
    for option in (
        click.option(
            "--request-id",
            metavar="ID",
            help="Repeats an earlier request under the same id; by default a new one.",
        ),
        click.option("--as", "name", metavar="NAME", help="Who acts; by default the login name."),
    ):
        command = option(command)
    return command


def operator(name: str | None) -> Actor:
    """Whoever uses the command line is an operator: they hold the store."""
    return Actor.operator(Principal.person(getpass.getuser() if name is None else name))


def request(id: str | None) -> RequestId:
    """The request id that was given, or one that nobody has used."""
    return RequestId(str(uuid4()) if id is None else id)
