"""The system's ids: bytes that nobody has used or can guess."""

from __future__ import annotations

import secrets

from attrs import frozen

from turnkeep_ports.store import COMMIT_ID_BYTES, CommitId


@frozen
class SystemIds:
    """Ids from the operating system's secure source."""

    def commit_id(self) -> CommitId:
        """16 fresh bytes."""
        return CommitId(secrets.token_bytes(COMMIT_ID_BYTES))
