"""A material source: a prompt, standard input or a file. An argument would be seen by everybody."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from turnkeep import InvalidValue, Material

_BYTES_MAX: Final = (64 << 10) + 2


def material_from(*, from_stdin: bool, file: Path | None, exact: bool) -> Material:
    """The material that a user hands over.

    Raises:
        click.ClickException: There is none, too much, or it cannot be read.
    """
    if from_stdin and file is not None:
        raise click.UsageError("Take --stdin or --file, not both.")
    try:
        if file is not None:
            return _cut(_read(file), exact=exact)
        if from_stdin:
            return _cut(bytearray(sys.stdin.buffer.read(_BYTES_MAX)), exact=exact)
        return _prompted()
    except InvalidValue as error:
        raise click.ClickException(str(error)) from None


def _read(file: Path) -> bytearray:
    try:
        with file.open("rb") as held:
            return bytearray(held.read(_BYTES_MAX))
    except OSError as error:
        raise click.ClickException(f"the file cannot be read: {error.strerror}") from None


def _cut(held: bytearray, *, exact: bool) -> Material:
    if not exact and held[-1:] == b"\n":
        held[-1] = 0
        del held[-1]
    return Material(held)


def _prompted() -> Material:
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: hand the material over by --stdin.")
    return Material.of(
        click.prompt("Material", hide_input=True, confirmation_prompt=True, err=True, type=str)
    )
