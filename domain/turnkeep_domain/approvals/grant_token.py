"""A grant token: the secret by which the holder of a grant is known from everybody else."""

from __future__ import annotations

import hashlib
from typing import Final, NewType

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import Digest

GrantToken = NewType("GrantToken", bytes)
"""16 random bytes that a claimant mints for one claim; stored as a digest alone."""

GRANT_TOKEN_BYTES: Final = 16


def grant_token_digest(token: GrantToken) -> Digest:
    """What is stored of a token.

    Raises:
        InvalidValue: It has not 16 bytes; it is not repeated.
    """
    if type(token) is not bytes or len(token) != GRANT_TOKEN_BYTES:
        raise InvalidValue("token", f"must be {GRANT_TOKEN_BYTES} bytes")
    return Digest(hashlib.sha256(token).digest())
