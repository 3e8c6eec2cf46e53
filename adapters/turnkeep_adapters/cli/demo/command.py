"""The demo command: what it takes, what it says, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from typing import Final

import click

from turnkeep import TurnkeepError
from turnkeep_adapters.cli.demo.audience import watching
from turnkeep_adapters.cli.demo.company import Harm
from turnkeep_adapters.cli.demo.embedded_postgres import EMBEDDED, ServerMissing, embedded_server
from turnkeep_adapters.cli.demo.hired import WorkerDied
from turnkeep_adapters.cli.demo.interruption import run_interruptibly
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.play import InputBroken, Play
from turnkeep_adapters.cli.demo.report import Report
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.migrate import migrated

WORKERS_MAX: Final = 16
HARM_MAX: Final = 200
SEED_MAX: Final = (1 << 63) - 1
_STDIN: Final = "-"
_SAMPLE: Final = "sample.jsonl"

_EPILOG: Final = """\b
Input, one JSON object a line:
  {"task": "books/rent", "prompt": "Pay the rent.",
   "calls": [{"tool": "send_money", "args": {"to": "DE02", "amount_cents": 95000}}]}

Each line is a turn in the thread of its task; two lines of one task wait for each
other, and the same line again is the same turn. A line that is no such object is
named with its number on standard error, left out and counted. That alone changes
no exit code; a file in which nothing can be used ends with 2.

Each seed has a tenant of its own: on a store that outlives the command, the same
seed and input find their turns ended, and change nothing.

Without --store, workers share a files store in a temporary directory, which is
removed at the end. A store in memory has one process, and nobody is killed there.

\b
Stores:
  file:///path         a directory of this machine; it is kept
  memory:              of one process; it ends with the command
  postgresql://...     a database; it is kept, and its password never shown
  embedded-postgres    a server that the command starts, and ends

The store is read again at the end, without what anybody remembers, and is held
against what the world has seen. Each check that does not hold is shown with its
reasons, and the command ends with 1."""


@click.command(epilog=_EPILOG)
@click.option(
    "--input",
    "path",
    metavar="FILE",
    help="What agents are asked to do, as JSON Lines; - reads standard input. "
    "Without it, a sample that comes with Turnkeep.",
)
@click.option(
    "--store",
    metavar="URL",
    help="Where the state is kept. Without it, in a temporary directory.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    default=3,
    show_default=True,
    help="How many processes work at once.",
)
@click.option(
    "--kills",
    type=click.IntRange(0, HARM_MAX),
    default=4,
    show_default=True,
    help="How many workers are killed, at random, and replaced.",
)
@click.option(
    "--pauses",
    type=click.IntRange(0, HARM_MAX),
    default=2,
    show_default=True,
    help="How many workers are stopped past their leases, and woken.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, SEED_MAX),
    default=1,
    show_default=True,
    help="What everybody's whims are drawn from.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as one JSON object.")
def demo(
    *,
    path: str | None,
    store: str | None,
    workers: int,
    kills: int,
    pauses: int,
    seed: int,
    as_json: bool,
) -> int:
    """Have agents take turns while people decide, and workers are killed.

    Each line of the input is a turn of a thread. Worker processes claim them; each
    tool call is a step in the journal of its run; risky calls wait for people, who
    allow them, deny them, contradict each other or never answer. Workers are killed
    in the middle of calls, or stopped until their leases are long over. Operators
    find out what became of calls that may have happened. Then the store, its event
    log and the world are compared.
    """
    harm = Harm(kills=kills, pauses=pauses)
    try:
        with _source(path) as source, _at(store) as url:
            play = Play(
                source=source,
                name=_name(path),
                store=url,
                workers=workers,
                harm=harm,
                seed=seed,
            )
            with watching(sys.stderr, source) as audience:
                report = run_interruptibly(play.performed(audience))
    except InputBroken as error:
        raise _unreadable(path, str(error)) from error
    except ServerMissing as error:
        raise click.ClickException(str(error)) from error
    except WorkerDied as error:
        click.echo(f"Error: {error}", err=True)
        return Ending.FAILED
    except TurnkeepError as error:
        raise click.ClickException(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"the demonstration stopped: {error.strerror}") from error
    return _told(report, as_json=as_json)


@contextmanager
def _source(path: str | None) -> Iterator[Source]:
    """The recording, open as long as the block runs."""
    with ExitStack() as stack:
        descriptor = 0
        if path != _STDIN:
            sample = resources.files(__package__) / _SAMPLE
            descriptor = _opened(path, os.fspath(stack.enter_context(resources.as_file(sample))))
            stack.callback(os.close, descriptor)
        try:
            source = Source.of(descriptor)
        except OSError as error:
            raise _unreadable(path, error.strerror) from error
        yield source


@contextmanager
def _at(store: str | None) -> Iterator[str | None]:
    """The URL of the store; where that is an embedded server, it runs as long as the block."""
    if store != EMBEDDED:
        yield store
        return
    with embedded_server() as url:
        run_interruptibly(migrated(url, preview=False))
        yield url


def _opened(path: str | None, sample: str) -> int:
    try:
        return os.open(sample if path is None else path, os.O_RDONLY)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name has a null byte"
        raise _unreadable(path, why) from error


def _unreadable(path: str | None, why: str | None) -> click.ClickException:
    return click.ClickException(f"{_name(path)} cannot be read: {why}")


def _name(path: str | None) -> str:
    match path:
        case None:
            return "the sample"
        case "-":
            return "standard input"
        case "":
            return "a file without a name"
        case _:
            shown = click.format_filename(path)
            return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)


def _told(report: Report, *, as_json: bool) -> Ending:
    if report.is_empty:
        raise click.ClickException(f"{report.source} holds no line that can be used")
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    text = report.as_json() if as_json else report.as_text()
    click.echo(text, color=False if plain else None)
    return Ending.FINE if report.ok else Ending.FAILED
