"""A place of work: a store that other processes share, and that is there already."""

from __future__ import annotations

from typing import Final

from turnkeep import InvalidValue
from turnkeep_adapters.cli.doctor.place import Nowhere, place_of, require_directory, shown

_SERVERS: Final = ("postgresql:", "postgres:")
_FORMAT: Final = "FORMAT"
"""What every directory of a files store has."""


def url_of(store: str) -> str:
    """The URL of a store that is named by a path or a URL.

    Raises:
        Nowhere: It names none.
    """
    if store.startswith((*_SERVERS, "memory:")):
        return store
    try:
        return place_of(store).absolute().as_uri()
    except Nowhere:
        # What was named may hold a password.
        raise Nowhere("a store is a directory, file:///path or postgresql://...") from None


def require_shared(url: str) -> None:
    """Refuses a store in memory, which no other process can have filled.

    Raises:
        InvalidValue: It is one.
    """
    if url.partition(":")[0] == "memory":
        raise InvalidValue("store URL", "must be of a store that outlives this command")


def require_standing(url: str) -> None:
    """Refuses a store in files that would be made only now, by looking at it.

    Raises:
        InvalidValue: The store is in memory.
        Nowhere: There is no such store.
    """
    require_shared(url)
    if url.startswith(_SERVERS):
        return
    path = place_of(url)
    require_directory(path)
    # What is mistyped must not be made a store.
    if not path.joinpath(_FORMAT).exists():
        raise Nowhere(f"{shown(path)} is no store")
