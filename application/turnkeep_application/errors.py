"""Errors of the application: how an update ended that neither stored nor refused."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.keys import Address


@frozen
class Contended(TurnkeepError):
    """The last attempt lost its race, and no more were left or in time; nothing was written.

    Attributes:
        attempts: How many were made.
        address: The first record of the command, for programs.
    """

    code = "contended"
    retryable = True
    sentence = (
        "the race was lost after {error.attempts} attempts and nothing was written: try again later"
    )

    attempts: int = field()
    address: Address = field(repr=False)
