"""A place: the directory of a files store, as a path or as a store's URL names it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Nowhere(Exception):
    """There is no directory at a place; the only argument says why, in a sentence."""


def place_of(named: str) -> Path:
    """The path that is meant by a path or a `file:` URL.

    Raises:
        Nowhere: It is the URL of another store, or names no path.
    """
    # A path may hold a colon, but hardly before its first slash.
    scheme, colon, _ = named.partition("/")[0].partition(":")
    path = named
    if colon and scheme == "file":
        parts = urlsplit(named)
        path = unquote(parts.path)
        if parts.netloc or parts.query or parts.fragment or not path.startswith("/"):
            raise Nowhere("a files store has the URL file:///path, absolute and on this machine")
    elif colon and not os.path.lexists(named):
        # The rest of it may be a password.
        raise Nowhere("only files stores are looked after here: name one by its path")
    if not path or "\0" in path:
        raise Nowhere("a path must not be empty and has no null byte")
    return Path(path)


def require_directory(path: Path) -> None:
    """Makes sure that there is a directory.

    Raises:
        Nowhere: There is something else, or nothing.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise Nowhere(f"{shown(path)} cannot be looked at: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise Nowhere(f"{shown(path)} is no directory")


def shown(name: str | Path) -> str:
    """A name as a terminal may show it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(name))
