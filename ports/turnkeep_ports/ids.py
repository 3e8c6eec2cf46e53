"""Ids: names minted outside the update loop, unique for ever."""

from __future__ import annotations

from typing import Protocol

from turnkeep_ports.store import CommitId


class Ids(Protocol):
    """A source of ids that nobody has used or can guess."""

    def commit_id(self) -> CommitId:
        """16 fresh bytes."""
        ...
