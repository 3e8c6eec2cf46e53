"""The demo command on a terminal: a bar while it runs, colours where they are wanted."""

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.cli.command_line import ENVIRONMENT, command
from tests.cli.recordings import file_of, line

GREEN: Final = b"\x1b[32m"
BAR: Final = b"taking turns"


@contextmanager
def on_terminal(
    *arguments: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command on a terminal of its own, and what its user types at and sees."""
    user, terminal = pty.openpty()
    try:
        with subprocess.Popen(
            command(*arguments),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**ENVIRONMENT, "COLUMNS": "100", "TERM": "xterm-256color", **environment},
        ) as process:
            os.close(terminal)
            yield process, user
    finally:
        os.close(user)


def seen(user: int) -> bytes:
    """Everything that appears until the command lets go of its terminal."""
    shown = b""
    while True:
        try:
            chunk = os.read(user, 65_536)
        except OSError:
            return shown
        if not chunk:
            return shown
        shown += chunk


def test_a_bar_grows_and_leaves_the_report() -> None:
    with on_terminal("demo") as (process, user):
        shown = seen(user)
        assert process.wait(60) == 0
    assert BAR in shown
    assert b"\x1b[2K" in shown
    report = shown[shown.rindex(b"\x1b[2K") :]
    assert BAR not in report
    assert GREEN + b"ok" in report
    assert report.endswith(b"All 8 checks hold.\r\n")


def test_what_is_left_out_is_named_above_the_bar() -> None:
    with on_terminal("demo", "--kills", "0", "--pauses", "0", "--input", "-") as (process, user):
        os.write(user, file_of(b"no task", line()) + b"\x04")
        shown = seen(user)
        assert process.wait(60) == 0
    assert b"line 1: it is not JSON" in shown
    assert b"1 turn of standard input in " in shown


@pytest.mark.parametrize(
    ("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")], ids=["NO_COLOR", "dumb"]
)
def test_colours_are_left_out_where_they_are_not_wanted(name: str, value: str) -> None:
    with on_terminal("demo", "--store", "memory:", **{name: value}) as (process, user):
        shown = seen(user)
        assert process.wait(60) == 0
    assert GREEN not in shown
    assert shown.endswith(b"All 8 checks hold.\r\n")


def test_a_terminal_that_cannot_move_gets_no_bar() -> None:
    with on_terminal("demo", "--store", "memory:", TERM="dumb") as (process, user):
        shown = seen(user)
        assert process.wait(60) == 0
    assert b"\x1b" not in shown
    assert BAR not in shown
