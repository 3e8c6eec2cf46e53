"""A layout: the names that a store's directory has, and how long its files may be.

::

    FORMAT
    log/<first number>-<32 random hex>/<number>
    checkpoints/<number>
    tmp/<32 random hex>
    trash/<a bucket that has left the log>

Numbers have 12 digits, so that names sort as numbers do.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

FORMAT: Final = "FORMAT"
LOG: Final = "log"
CHECKPOINTS: Final = "checkpoints"
TMP: Final = "tmp"
TRASH: Final = "trash"
DIRECTORIES: Final = (LOG, CHECKPOINTS, TMP, TRASH)
"""What a store's directory holds beside `FORMAT`."""

SEGMENT_BYTES_MAX: Final = 64 << 20
"""More than the largest commit with its keys, or a full group, can need."""
CHECKPOINT_BYTES_MAX: Final = 16 << 30
FORMAT_BYTES_MAX: Final = 4_096
NUMBER_MAX: Final = 10**12 - 1

_DIGITS: Final = 12
_RANDOM_BYTES: Final = 16
_NUMBER: Final = re.compile(r"[0-9]{12}")
_BUCKET: Final = re.compile(r"([0-9]{12})-[0-9a-f]{32}")
_RANDOM: Final = re.compile(r"[0-9a-f]{32}")


def number_name(number: int) -> str:
    """The name of a segment or checkpoint."""
    return f"{number:0{_DIGITS}d}"


def number_of(name: str) -> int | None:
    """The number that a segment or checkpoint is named by; None if it is no such name."""
    return int(name) if _NUMBER.fullmatch(name) else None


def fresh_bucket(first: int) -> str:
    """A name for the bucket of a number and those after it, that no other bucket ever has."""
    return f"{number_name(first)}-{secrets.token_hex(_RANDOM_BYTES)}"


def first_of(bucket: str) -> int | None:
    """The first number of a bucket; None if it is no bucket's name."""
    match = _BUCKET.fullmatch(bucket)
    return None if match is None else int(match[1])


def fresh_temp() -> str:
    """A name that no other file in `tmp` ever has."""
    return secrets.token_hex(_RANDOM_BYTES)


def is_temp(name: str) -> bool:
    """Whether a name in `tmp` is one of ours."""
    return _RANDOM.fullmatch(name) is not None
