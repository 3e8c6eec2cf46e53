"""Settings: the bounds of a files store that a host may choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from attrs.validators import instance_of

from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.store import Durability

if TYPE_CHECKING:
    from attrs import Attribute

GROUP_BYTES_MAX: Final = 16 << 20
"""Far enough below what a segment may have."""


@frozen(kw_only=True)
class FilesSettings:
    """How a files store works; processes that share a store may differ in all of it.

    Attributes:
        grouping: Whether commits that wait together are written as one segment.
        group_bytes_max: How large such a group may become, 16 MiB at most; a larger commit goes
            alone.
        bucket_segments: How many segments a directory of the log takes before it is closed.
        compaction_bytes: How long the log must be since the last checkpoint, which it must also
            exceed, before it is compacted.
        memory_bytes_max: How much the cells and events may take; more is `Unavailable`.
        poll_seconds: How often waiters look for the commits of other processes.
        durability: `POWER`, or `PROCESS`: nothing is synced then, and a power cut may lose, tear or
            corrupt what was acknowledged. All processes of a store must agree.
    """

    grouping: bool = field(default=True, validator=instance_of(bool))
    group_bytes_max: int = field(default=4 << 20)
    bucket_segments: int = field(default=1_000)
    compaction_bytes: int = field(default=64 << 20)
    memory_bytes_max: int = field(default=1 << 30)
    poll_seconds: float = field(default=0.1)
    durability: Durability = field(default=Durability.POWER)

    @group_bytes_max.validator
    @bucket_segments.validator
    @compaction_bytes.validator
    @memory_bytes_max.validator
    def _positive(self, attribute: Attribute[int], value: int) -> None:
        if type(value) is not int or value < 1:
            raise InvalidValue(attribute.name, "must be a whole number of at least 1")

    @group_bytes_max.validator
    def _fits_a_segment(self, attribute: Attribute[int], value: int) -> None:
        if value > GROUP_BYTES_MAX:
            raise InvalidValue(attribute.name, f"must be at most {GROUP_BYTES_MAX}")

    @poll_seconds.validator
    def _some_time(self, attribute: Attribute[float], value: float) -> None:
        if not 0.0 < value < float("inf"):
            raise InvalidValue(attribute.name, "must be finite and more than 0")

    @durability.validator
    def _survives(self, attribute: Attribute[Durability], value: Durability) -> None:
        if value not in (Durability.PROCESS, Durability.POWER):
            raise InvalidValue(attribute.name, "must be PROCESS or POWER")
