"""Contents: what a process that opens a files store now would find in it."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from turnkeep import Corrupt
from turnkeep_adapters.files.following import Following
from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_adapters.files.opening import absolute, read_only_home
from turnkeep_adapters.files.trouble import unavailable
from turnkeep_domain.transfers.import_mark import IMPORT
from turnkeep_ports.key_bytes import key_bytes


@frozen(kw_only=True)
class Contents:
    """The newest checkpoint, and the log after it, as far as they can be read.

    Attributes:
        head: The last number that was read.
        cells: How many there are after it.
        events: How many there are after it, after the floor.
        damage: What ended the reading before the end, as a clause; None where nothing did.
        importing: Whether it is being filled from an export, or that was cut off.
    """

    head: int
    cells: int
    events: int
    damage: str | None
    importing: bool


def contents_of(path: Path) -> Contents:
    """Reads a store as opening it would, and changes nothing.

    Raises:
        Unsupported: There is no store.
        Corrupt: `FORMAT` is damaged, or a directory is missing.
        SchemaTooNew: A newer release wrote some of it.
        Unavailable: A system call failed.
    """
    home, form = read_only_home(LocalDisk(), absolute(path))
    try:
        following = Following(home, form, on_segment=lambda number, keys: None)
        damage = None
        try:
            following.begin()
        except Corrupt as error:
            damage = error.why
        state = following.view.engine.state()
        return Contents(
            head=following.view.head.number,
            cells=len(state.rows),
            events=len(state.events),
            damage=damage,
            importing=key_bytes(IMPORT.address) in state.rows,
        )
    except OSError as error:
        raise unavailable("reading the store's directory", error) from None
    finally:
        home.close()
