"""Surroundings: the options that every command on secrets shares, and the keep that they open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from typing import Any, Final, ParamSpec, TypeVar

import click
from attrs import evolve, frozen

from turnkeep import Keep, KeySettings, Scope, Settings, TurnkeepError
from turnkeep_adapters.cli.asking import asked
from turnkeep_adapters.cli.options import in_json, of_store

P = ParamSpec("P")
T = TypeVar("T")

KEY: Final = "env:TURNKEEP_MASTER_KEY"


@frozen(kw_only=True)
class Surroundings:
    """Which store, with which keys, and whose secrets.

    Attributes:
        owner: Whose the secrets are.
        scope: The work that borrows them; the owner itself where nothing narrower is named.
        create: Whether a store in files that is not there may be made.
    """

    url: str
    keys: KeySettings
    owner: Scope
    scope: Scope
    create: bool = False

    def run(self, use: Callable[[Keep], Awaitable[T]]) -> T:
        """Opens the keep, uses it and closes it."""
        with sentences():
            settings = evolve(Settings.from_environment(), keys=self.keys)
        return asked(self.url, use, settings=settings, create=self.create)


def keyed(command: Callable[P, int]) -> Callable[P, int]:
    """Adds the store and its keys to a command."""
    for add in reversed(
        (
            click.option(
                "--key",
                "primary",
                multiple=True,
                metavar="SOURCE",
                help=f"Where the primary key is: env:NAME, file:/path or keyring:service/name; "
                f"the first that is set.  [default: {KEY}]",
            ),
            click.option(
                "--older-key",
                "older",
                multiple=True,
                metavar="SOURCE",
                help="Where a key is that only opens what was written under it.",
            ),
            of_store,
            in_json,
        )
    ):
        command = add(command)
    return command


def owned(command: Callable[..., int]) -> Callable[..., int]:
    """Adds the store, its keys and an owner to a command, and hands them over as one."""

    def with_owner(
        *,
        url: str,
        primary: tuple[str, ...],
        older: tuple[str, ...],
        **rest: Any,  # noqa: ANN401 - whatever else the command has for options
    ) -> int:
        names = {name: rest.pop(name) for name in ("tenant", "user", "agent", "project")}
        narrower = {
            name: rest.pop(f"for_{name}") for name in ("agent", "project", "mission", "thread")
        }
        with sentences():
            around = Surroundings(
                url=url,
                keys=keys_of(primary, older),
                owner=Scope.of(**names),
                scope=Scope.of(
                    names["tenant"],
                    names["user"],
                    agent=narrower["agent"] or names["agent"],
                    project=narrower["project"] or names["project"],
                    mission=narrower["mission"],
                    thread=narrower["thread"],
                ),
            )
        return command(around, **rest)

    wrapped: Callable[..., int] = update_wrapper(with_owner, command)
    for name, what in (
        *((f"for_{name}", f"The borrower's {name}.") for name in _NARROWER),
        *((name, f"The owner's {name}.") for name in ("project", "agent", "user", "tenant")),
    ):
        flag = f"--{name.replace('_', '-')}"
        required = name in ("tenant", "user")
        wrapped = click.option(flag, name, required=required, metavar="ID", help=what)(wrapped)
    return keyed(wrapped)


def keys_of(primary: tuple[str, ...], older: tuple[str, ...]) -> KeySettings:
    """The ring that was asked for."""
    return KeySettings(primary=primary or (KEY,), older=older)


@contextmanager
def sentences() -> Iterator[None]:
    """What goes wrong in the block is one sentence."""
    try:
        yield
    except TurnkeepError as error:
        raise click.ClickException(str(error)) from None


_NARROWER: Final = ("thread", "mission", "project", "agent")
