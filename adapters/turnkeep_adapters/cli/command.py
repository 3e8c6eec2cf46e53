"""The command line: `turnkeep` and its commands, and how they end."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import Final

import click

from turnkeep_adapters.cli.approvals.command import approvals
from turnkeep_adapters.cli.budgets.command import budgets
from turnkeep_adapters.cli.completion import completion
from turnkeep_adapters.cli.consents.command import consents
from turnkeep_adapters.cli.demo.command import demo
from turnkeep_adapters.cli.doctor.command import doctor, salvage
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.events.command import events
from turnkeep_adapters.cli.gc.command import gc
from turnkeep_adapters.cli.migrate import adopt, migrate
from turnkeep_adapters.cli.refusing import WasRefused, refusal
from turnkeep_adapters.cli.runs.command import runs
from turnkeep_adapters.cli.secrets.command import secrets
from turnkeep_adapters.cli.sections import SectionedGroup
from turnkeep_adapters.cli.threads.command import threads
from turnkeep_adapters.cli.transfers.command import export, import_
from turnkeep_adapters.cli.worker.command import worker

_HELP: Final = """Durable state for programs that host agents, tried out and looked after.

\b
Exit codes:
  0    all is well
  1    a check failed, a worker died, or a store is damaged
  2    the command, its input or a store cannot be used
  130  interrupted
  141  nobody reads the output any more
"""


@click.group(
    cls=SectionedGroup, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="turnkeep", message="turnkeep %(version)s")
def turnkeep() -> None:
    """The group of all commands."""


turnkeep.take(
    {
        "Agents at work": {
            demo: "Have agents take turns, be decided on, killed and recovered.",
            worker: "Carry out runs with a handler of yours until told to end.",
        },
        "Look after what is kept": {
            approvals: "See the calls that wait for a person, and decide them.",
            budgets: "See what may be spent, set limits, answer who asks for more.",
            consents: "See and set what may pass without a person being asked.",
            events: "Read what has happened, or follow it as it happens.",
            runs: "See runs, call them off, let them go on.",
            secrets: "Keep secrets, lend them, look after their keys.",
            threads: "See conversations; export, redact and delete them.",
        },
        "Look after stores": {
            doctor: "Say whether a store is sound, and what is wrong if not.",
            gc: "Do every sweep and retention at once, or rehearse them.",
            export: "Write everything that a store keeps to a file.",
            import_: "Bring an export into an empty store.",
            migrate: "Bring the schema of a PostgreSQL database up to date.",
            adopt: "Take over a database that was restored on another server.",
            salvage: "Write what can be proven of a damaged store into a new one.",
        },
        "The shell": {completion: "Print the script that completes what is typed."},
    }
)


def run(arguments: Sequence[str]) -> int:
    """Runs one command and answers its exit code; it never raises for what a user may do."""
    _spell_out_what_an_encoding_lacks()
    _let_libraries_be_silent()
    try:
        return _ended(arguments)
    finally:
        _let_go_of_what_cannot_be_written()


def _ended(arguments: Sequence[str]) -> int:
    try:
        ending = turnkeep.main(list(arguments), prog_name="turnkeep", standalone_mode=False)
    except WasRefused as refused:
        return refusal(refused.answer, as_json=refused.as_json)
    except click.ClickException as error:
        # Whoever closed standard error does not want to be told.
        with suppress(OSError):
            error.show()
        return Ending.UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        return Ending.INTERRUPTED
    except SystemExit:
        # Click exits by itself for one reason alone: that a pipe is closed, which it then forgets.
        return Ending.NOBODY_READS
    except OSError as error:
        click.echo(f"turnkeep: the output cannot be written: {error.strerror}", err=True)
        return Ending.UNUSABLE
    return ending if isinstance(ending, int) else Ending.FINE


def _let_libraries_be_silent() -> None:
    """What a driver logs of its troubles is for hosts; here each becomes one sentence."""
    if not logging.root.handlers:
        logging.root.addHandler(logging.NullHandler())


def _spell_out_what_an_encoding_lacks() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _let_go_of_what_cannot_be_written() -> None:
    # Python would try once more at its exit, fail, and end with a code of its own.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
