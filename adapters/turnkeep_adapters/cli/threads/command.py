"""The commands that look after threads: `turnkeep threads` and what it does to them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import click

from turnkeep import (
    Exported,
    HistoryPage,
    Principal,
    Refused,
    Scope,
    Summary,
    Threads,
    ThreadState,
    ThreadView,
)
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import by_somebody, in_json, of_scope, of_store
from turnkeep_adapters.cli.table import lines
from turnkeep_adapters.cli.threads.desk import Desk
from turnkeep_adapters.cli.threads.showing import (
    message_facts,
    moment,
    said,
    summary_facts,
    thread_facts,
)

_LIST_MAX: Final = 200
_SHOW_MAX: Final = 1_000


@click.group()
def threads() -> None:
    """Look after the threads of one owner in a store.

    Only threads of exactly the owner's scope are found: a tenant and a user, and
    whatever more they were made with.
    """


@threads.command(name="list")
@of_scope
@of_store
@click.option("--archived", is_flag=True, help="List the archived ones instead.")
@click.option(
    "--limit", type=click.IntRange(1, _LIST_MAX), default=50, show_default=True, metavar="N"
)
@click.option("--after", metavar="TOKEN", help="Go on where the list before ended.")
@in_json
def list_threads(
    *, archived: bool, limit: int, after: str | None, as_json: bool, **owner: str
) -> int:
    """List threads, the latest activity first.

    Headers that cannot be read are told apart; with one of them the command ends
    with 1.
    """
    state = ThreadState.ARCHIVED if archived else ThreadState.ACTIVE
    page = Desk.of(as_json=as_json, **owner).ask(
        lambda threads, scope: threads.list_threads(scope, state=state, after=after, limit=limit)
    )
    unreadable = [{"thread_id": each.address.id, "code": each.code} for each in page.unreadable]
    if as_json:
        facts = [thread_facts(view) for view in page.threads]
        _tell({"threads": facts, "unreadable": unreadable, "next": page.next})
    else:
        rows = [_row(view) for view in page.threads]
        for line in lines(("THREAD", "MESSAGES", "LAST ACTIVITY", "TITLE"), rows):
            click.echo(line)
        for each in page.unreadable:
            click.echo(f"Unreadable: {each.address.id} ({each.code}).", err=True)
        if page.next is not None:
            click.echo(f"There are more: --after {page.next}", err=True)
    return Ending.FAILED if unreadable else Ending.FINE


@threads.command()
@of_scope
@of_store
@click.argument("thread", metavar="THREAD")
@click.option("--after", type=click.IntRange(0), default=0, metavar="N", help="From N + 1 on.")
@click.option(
    "--limit", type=click.IntRange(1, _SHOW_MAX), default=100, show_default=True, metavar="N"
)
@in_json
def show(*, thread: str, after: int, limit: int, as_json: bool, **owner: str) -> int:
    """Show a thread and its messages, in order.

    What was redacted is shown as a placeholder.
    """
    view, page, summaries = Desk.of(as_json=as_json, **owner).ask(
        lambda threads, scope: _shown(threads, scope, thread, after, limit)
    )
    if as_json:
        _tell(
            {
                "thread": None if view is None else thread_facts(view),
                "messages": [message_facts(each) for each in page.messages],
                "summaries": [summary_facts(each) for each in summaries],
                "next": page.next,
            }
        )
        return Ending.FINE
    if view is not None:
        click.echo(f"{view.committed:,} messages, last activity {moment(view.updated_at)}.")
    rows = [
        (str(each.sequence), each.kind.value, each.state.value, moment(each.created_at), said(each))
        for each in page.messages
    ]
    for line in lines(("NUMBER", "KIND", "STATE", "WRITTEN", "SAYS"), rows):
        click.echo(line)
    if page.next is not None:
        click.echo(f"There are more: --after {page.next}", err=True)
    return Ending.FINE


@threads.command()
@of_scope
@of_store
@click.argument("thread", metavar="THREAD")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    help="The file to write; it appears once the archive is whole. Else standard output.",
)
def export(*, thread: str, output: str, **owner: str) -> int:
    """Write a thread as an archive, one line of JSON after the other.

    The last line closes it: without that line it is no archive, and cannot be
    imported. That happens where a message is redacted meanwhile; the command then
    ends with 2.
    """
    desk = Desk.of(as_json=False, **owner)
    if output == "-":
        exported = _exported(desk, thread, click.echo)
    else:
        exported = _exported_to(desk, thread, Path(output))
    click.echo(f"Exported {exported.messages:,} messages.", err=True)
    return Ending.FINE


@threads.command(name="import")
@of_scope
@of_store
@click.argument("thread", metavar="THREAD")
@click.argument("archive", type=click.File(encoding="utf-8", errors="surrogateescape"))
@by_somebody
@in_json
def import_thread(
    *, thread: str, archive: IO[str], by: Principal, as_json: bool, **owner: str
) -> int:
    """Make a thread from an archive, a file or - for standard input.

    THREAD is an id that nobody has used. All of the archive is checked before
    anything is written. An import that was cut off goes on when it is repeated.
    """
    text = _text(archive)
    receipt = Desk.of(as_json=as_json, **owner).ask(
        lambda threads, scope: threads.import_thread(scope, thread, text, imported_by=by.id)
    )
    if as_json:
        _tell({"thread": thread_facts(receipt.thread), "new": receipt.new})
    else:
        verb = "Imported" if receipt.new else "It was imported before, with"
        click.echo(f"{verb} {receipt.thread.committed:,} messages.")
    return Ending.FINE


@threads.command()
@of_scope
@of_store
@click.argument("thread", metavar="THREAD")
@click.argument("message", metavar="MESSAGE_ID")
@click.option("--code", required=True, metavar="WORD", help="Why; it is kept and shown.")
@by_somebody
@in_json
def redact(
    *, thread: str, message: str, code: str, by: Principal, as_json: bool, **owner: str
) -> int:
    """Take away what a message says, for ever and in every fork.

    Nothing undoes it. Files of the host's are for the host to delete; the store's
    own files lose it with the next sweep.
    """
    receipt = Desk.of(as_json=as_json, **owner).ask(
        lambda threads, scope: threads.redact(scope, thread, message, code=code, by=by.id)
    )
    if as_json:
        facts = {"message_id": receipt.message_id, "sequence": receipt.sequence}
        _tell({**facts, "state": receipt.state.value, "new": receipt.new})
    else:
        verb = "is redacted" if receipt.new else "was redacted before"
        click.echo(f"Message {receipt.sequence:,} {verb}.")
    return Ending.FINE


@threads.command()
@of_scope
@of_store
@click.argument("thread", metavar="THREAD")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also while a run is active in it.")
@in_json
def delete(*, thread: str, yes: bool, force: bool, as_json: bool, **owner: str) -> int:
    """Delete a thread, for ever: its id is spent.

    Its messages go with the next sweeps, but for those that living forks share.
    """
    desk = Desk.of(as_json=as_json, **owner)
    if not yes:
        click.confirm("Nothing brings a thread back. Delete it?", abort=True, err=True)
    deletion = desk.ask(lambda threads, scope: threads.delete(scope, thread, force=force))
    if as_json:
        at = deletion.deleted_at.isoformat()
        _tell({"thread_id": deletion.thread_id, "epoch": deletion.epoch, "deleted_at": at})
    else:
        click.echo(f"Deleted at {moment(deletion.deleted_at)}.")
    return Ending.FINE


async def _shown(
    threads: Threads, scope: Scope, thread: str, after: int, limit: int
) -> tuple[ThreadView | None, HistoryPage, tuple[Summary, ...]] | Refused[object]:
    page = await threads.history(scope, thread, after=after, limit=limit)
    if isinstance(page, Refused):
        return page
    view = await threads.get(scope, thread)
    return view, page, await threads.summaries(scope, thread)


def _row(view: ThreadView) -> tuple[str, str, str, str]:
    count, last = f"{view.committed:,}", moment(view.updated_at)
    return view.thread_id, count, last, view.title or ""


def _exported(desk: Desk, thread: str, write: Callable[[str], object]) -> Exported:
    return desk.ask(lambda threads, scope: threads.export(scope, thread, write=write))


def _exported_to(desk: Desk, thread: str, path: Path) -> Exported:
    """Writes the archive beside its place, so that a file of that name is always whole."""
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent, text=True)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                exported = _exported(desk, thread, lambda line: file.write(f"{line}\n"))
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise click.ClickException(f"the archive cannot be written: {error.strerror}") from error
    return exported


def _text(archive: IO[str]) -> str:
    try:
        return archive.read()
    except OSError as error:
        raise click.ClickException(f"the archive cannot be read: {error.strerror}") from error


def _tell(facts: dict[str, object]) -> None:
    click.echo(json.dumps(facts, indent=2))
