"""Last-seen settings: how much one process remembers of cells, and for how long."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, instance_of, le


@frozen(kw_only=True)
class LastSeenSettings:
    """The bounds of what is remembered of cells, for each event loop that updates run in.

    Attributes:
        remembers: Whether anything is. If not, each decision begins with a load.
        cells_max: Cells at most, 1 to 1,000,000.
        bytes_max: Bytes of their bodies at most, at most 1 GiB. Decoded, a record takes several
            times as much.
        seconds_max: How long after a load the store's time may be reckoned instead of asked for, at
            most 300.
        wary_seconds: How long a cell is not trusted to memory again after somebody else had changed
            it, at most 300.
    """

    remembers: bool = field(default=True, validator=instance_of(bool))
    cells_max: int = field(default=4_096, validator=[instance_of(int), ge(1), le(1_000_000)])
    bytes_max: int = field(default=16 << 20, validator=[instance_of(int), ge(0), le(1 << 30)])
    seconds_max: float = field(default=30.0, validator=[gt(0), le(300)])
    wary_seconds: float = field(default=1.0, validator=[ge(0), le(300)])
