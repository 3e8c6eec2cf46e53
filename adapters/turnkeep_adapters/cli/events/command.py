"""The commands on events: `turnkeep events list`, `follow`, `readers`, `forget`, `trim`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import click

from turnkeep import (
    EVERYBODY,
    START,
    Cursor,
    CursorLost,
    InvalidValue,
    Keep,
    ReaderName,
    ReaderView,
    RecordedPage,
    Scope,
    ScopePrefix,
    Trimmed,
)
from turnkeep_adapters.cli.asking import asked
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.events.following import Following, Lost
from turnkeep_adapters.cli.events.telling import cursor_of, object_of, row_of
from turnkeep_adapters.cli.options import in_json, of_store
from turnkeep_adapters.cli.table import lines

F = TypeVar("F", bound=Callable[..., int])

_DAY_SECONDS = 86_400


class CursorText(click.ParamType[Cursor]):
    """A cursor, as an earlier command has told it."""

    name = "cursor"

    # Click's own signature; typing.override is not in Python 3.11's library.
    def convert(  # type: ignore[explicit-override]
        self, value: str | Cursor, param: click.Parameter | None, ctx: click.Context | None
    ) -> Cursor:
        """The cursor."""
        if isinstance(value, bytes):
            return value
        try:
            return cursor_of(value)
        except ValueError:
            self.fail(f"{value!r} is no cursor that a command has told", param, ctx)


def _asked_for(command: F) -> F:
    for option in (
        click.option(
            "--after",
            type=CursorText(),
            default=START,
            metavar="CURSOR",
            help="Those after this one; without it, from the first that there is.",
        ),
        click.option(
            "--collection",
            "collections",
            multiple=True,
            metavar="NAME",
            help="Of such records alone, for example run or approval; may be repeated.",
        ),
        click.option("--user", metavar="ID", help="Of this user of the tenant alone."),
        click.option("--tenant", metavar="ID", help="Of this tenant alone."),
    ):
        command = option(command)
    return of_store(in_json(command))


@click.group()
def events() -> None:
    """Read what has happened, in order; follow it as it happens; forget what is old.

    Whoever uses these commands is an operator: without --tenant they see everybody's events.
    Events hold ids, times and decisions, and no payload.
    """


@events.command(name="list")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@_asked_for
def list_events(
    *,
    url: str,
    as_json: bool,
    tenant: str | None,
    user: str | None,
    collections: tuple[str, ...],
    after: Cursor,
    limit: int,
) -> int:
    """List events, the oldest first."""
    prefix = _prefix(tenant, user)

    async def read(keep: Keep) -> RecordedPage | CursorLost:
        at = after
        while True:
            page = await keep.events.read(
                prefix, after=at, collections=frozenset(collections) or None, limit=limit
            )
            # A page may be empty and not the last.
            if isinstance(page, CursorLost) or page.entries or page.next == at:
                return page
            at = page.next

    page = asked(url, read)
    if isinstance(page, CursorLost):
        raise click.ClickException(str(Lost.until(page.floor)))
    if as_json:
        told = {"events": [object_of(entry) for entry in page.entries], "next": page.next.hex()}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return Ending.FINE
    rows = list(map(row_of, page.entries))
    click.echo("\n".join(lines(("WHEN (UTC)", "WHAT", "RECORD", "WHOSE"), rows)))
    if page.entries:
        click.echo(f"Those after: --after {page.next.hex()}")
    return Ending.FINE


@events.command()
@click.option(
    "--reader",
    metavar="NAME",
    help="Continue where this reader is, and note how far it comes; it is made where it is not.",
)
@click.option(
    "--idle",
    "idle_seconds",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="End once nothing has happened for so long; without it, go on until interrupted.",
)
@_asked_for
def follow(
    *,
    url: str,
    as_json: bool,
    tenant: str | None,
    user: str | None,
    collections: tuple[str, ...],
    after: Cursor,
    reader: str | None,
    idle_seconds: float | None,
) -> int:
    """Tell events one a line, and then each as it happens.

    With --json, each line is one JSON object. With --reader, an event may be told again after
    an interruption, and none is left out; while such a reader is behind, its events are kept.
    """
    following = Following(
        prefix=_prefix(tenant, user),
        collections=frozenset(collections) or None,
        after=after,
        reader=None if reader is None else ReaderName(reader),
        idle_seconds=idle_seconds,
        as_json=as_json,
    )
    try:
        asked(url, following.follow)
    except Lost as lost:
        raise click.ClickException(str(lost)) from lost
    return Ending.FINE


@events.command()
@of_store
@in_json
def readers(*, url: str, as_json: bool) -> int:
    """List who reads under a name, and how far each of them has come."""
    found = asked(url, lambda keep: keep.events.readers())
    known = [reader for reader in found if isinstance(reader, ReaderView)]
    if as_json:
        told = [
            {
                "name": reader.name,
                "cursor": reader.cursor.hex(),
                "registered_at": reader.registered_at.isoformat(),
                "moved_at": reader.moved_at.isoformat(),
            }
            for reader in known
        ]
        answer = {"readers": told, "unreadable": len(found) - len(known)}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        rows = [
            (reader.name, f"{reader.moved_at:%Y-%m-%d %H:%M:%S}", reader.cursor.hex() or "-")
            for reader in known
        ]
        click.echo("\n".join(lines(("READER", "MOVED (UTC)", "CURSOR"), rows)))
        if len(found) > len(known):
            click.echo(f"{len(found) - len(known):,} readers cannot be read.", err=True)
    return Ending.FINE if len(found) == len(known) else Ending.FAILED


@events.command()
@click.argument("reader")
@of_store
@in_json
def forget(*, reader: str, url: str, as_json: bool) -> int:
    """Forget a reader, so that it keeps no events any more."""
    was_there = asked(url, lambda keep: keep.events.forget(ReaderName(reader)))
    if as_json:
        click.echo(json.dumps({"forgotten": was_there}))
    else:
        click.echo("Forgotten." if was_there else "There was no such reader.")
    return Ending.FINE


@events.command()
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(0, 3_660),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="How old an event becomes before it is forgotten.",
)
@click.option("--dry-run", is_flag=True, help="Count, and forget nothing.")
@of_store
@in_json
def trim(*, days: float, dry_run: bool, url: str, as_json: bool) -> int:
    """Forget old events that every named reader has dealt with."""

    async def trimmed(keep: Keep) -> Trimmed:
        seconds = days * _DAY_SECONDS
        total = await keep.events.trim(keep_seconds=seconds, dry_run=dry_run)
        last = total
        while last.more and last.events and not dry_run:
            last = await keep.events.trim(keep_seconds=seconds)
            total = Trimmed(events=total.events + last.events, held_by=last.held_by, more=last.more)
        return total

    answer = asked(url, trimmed)
    if as_json:
        click.echo(
            json.dumps(
                {"events": answer.events, "held_by": list(answer.held_by), "more": answer.more}
            )
        )
        return Ending.FINE
    at_least = "at least " if answer.more and dry_run else ""
    would = "would be" if dry_run else "are"
    click.echo(f"{at_least}{answer.events:,} events {would} forgotten.")
    for name in answer.held_by:
        click.echo(f"Older ones are kept for the reader {name}.")
    return Ending.FINE


def _prefix(tenant: str | None, user: str | None) -> ScopePrefix:
    if user is not None and tenant is None:
        raise click.UsageError("--user needs --tenant")
    if tenant is None:
        return EVERYBODY
    try:
        scope = Scope.of(tenant, user)
    except InvalidValue as error:
        raise click.ClickException(str(error)) from error
    return ScopePrefix(scope=scope, depth=1 if user is None else 2)
