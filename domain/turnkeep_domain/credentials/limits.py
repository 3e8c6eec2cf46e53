"""Limits: what an account may hold, and how long and how often it may be used."""

from __future__ import annotations

from typing import Final

HANDLES_MAX: Final = 8
TARGETS_MAX: Final = 32
DETAILS_BYTES_MAX: Final = 8 << 10

SESSION_SECONDS_DEFAULT: Final = 15 * 60.0
SESSION_SECONDS_MIN: Final = 1.0
SESSION_SECONDS_MAX: Final = 24 * 3_600.0
USES_MAX: Final = 10_000
OPERATIONS_MAX: Final = 64

URL_BYTES_MAX: Final = 2_048
METHODS_MAX: Final = 16
