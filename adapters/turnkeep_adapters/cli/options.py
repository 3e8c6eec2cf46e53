"""Options: what commands have in common, under one name each, so that one guess fits them all."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Callable
from typing import Final, TypeVar

import click

from turnkeep import Principal, PrincipalKind
from turnkeep_adapters.cli.doctor.place import Nowhere
from turnkeep_adapters.cli.place_of_work import url_of

F = TypeVar("F", bound=Callable[..., object])

STORE_VARIABLE: Final = "TURNKEEP_STORE"
_LEVELS: Final = ("agent", "project", "mission")


class StoreText(click.ParamType[str]):
    """A store, as a path or as a URL; what it is afterwards is a URL."""

    name = "store"

    # Click's own signature; typing.override is not in Python 3.11's library.
    def convert(  # type: ignore[explicit-override]
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The URL."""
        try:
            return url_of(value)
        except Nowhere as error:
            raise click.ClickException(str(error)) from error


class Somebody(click.ParamType[Principal]):
    """Who acts: a person by name, or `service:NAME`."""

    name = "somebody"

    # Click's own signature; typing.override is not in Python 3.11's library.
    def convert(  # type: ignore[explicit-override]
        self, value: str | Principal, param: click.Parameter | None, ctx: click.Context | None
    ) -> Principal:
        """The person or service."""
        if isinstance(value, Principal):
            return value
        kind, colon, id = value.partition(":")
        if not colon:
            kind, id = PrincipalKind.PERSON.value, value
        try:
            return Principal(PrincipalKind(kind), id)
        except ValueError:
            self.fail("somebody is written as bo, person:bo or service:rules", param, ctx)


def of_store(command: F) -> F:
    """Adds the option that names the store, as `url`."""
    return click.option(
        "--store",
        "url",
        type=StoreText(),
        envvar=STORE_VARIABLE,
        show_envvar=True,
        required=True,
        metavar="STORE",
        help="A directory, file:///path or postgresql://user@host/database.",
    )(command)


def in_json(command: F) -> F:
    """Adds the option that asks for JSON, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(command)


def of_scope(command: F) -> F:
    """Adds the options that name an owner, as `tenant`, `user`, `agent`, `project`, `mission`."""
    for name in reversed(_LEVELS):
        option = click.option(f"--{name}", metavar="ID", help=f"Of this {name} alone.")
        command = option(command)
    command = click.option("--user", required=True, metavar="ID", help="Whose.")(command)
    return click.option("--tenant", required=True, metavar="ID", help="Of which tenant.")(command)


def of_owner(command: F) -> F:
    """Adds the options of `of_scope`, and `thread`."""
    return of_scope(click.option("--thread", metavar="ID", help="Of this thread alone.")(command))


def by_somebody(command: F) -> F:
    """Adds the option that says who acts, as `by`."""
    return click.option(
        "--by",
        type=Somebody(),
        default=_login,
        show_default="the login name",
        metavar="WHO",
        help="Who does it: a person, or service:NAME.",
    )(command)


def repeatable(command: F) -> F:
    """Adds the option that makes a repeat harmless, as `request_id`."""
    return click.option(
        "--request-id",
        "request_id",
        default=lambda: uuid.uuid4().hex,
        show_default="a new one",
        metavar="ID",
        help="Repeat a command under the id that it had, after a doubt.",
    )(command)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise click.UsageError("nobody is logged in by a name: name who acts with --by") from None
