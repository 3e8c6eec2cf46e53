"""A place of work: a store that other processes share, and that is there already."""

from __future__ import annotations

from turnkeep import InvalidValue
from turnkeep_adapters.cli.doctor.place import place_of, require_directory


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
        Nowhere: There is no such directory.
    """
    require_shared(url)
    if url.partition(":")[0] == "file":
        require_directory(place_of(url))
