"""An approval id: the name of one asking of one exact call."""

from __future__ import annotations

from typing import NewType

from turnkeep_domain.approvals.fingerprint import Fingerprint
from turnkeep_domain.version_8 import version_8

ApprovalId = NewType("ApprovalId", str)
"""A UUID of version 8 (RFC 9562) in its usual spelling."""


def approval_id(fingerprint: Fingerprint, attempt: int) -> ApprovalId:
    """The id under which a call is asked for the `attempt`-th time.

    It is the UUID of version 8 whose free bits are those of the SHA-256 of fingerprint, `:` and
    attempt: whoever asks the same, in any process, asks under the same id.
    """
    return ApprovalId(version_8(f"{fingerprint}:{attempt}".encode()))
