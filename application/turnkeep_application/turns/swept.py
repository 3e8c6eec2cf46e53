"""A sweep's tally: how many records each kind of tidying has changed, or could not read."""

from __future__ import annotations

from attrs import field, fields, frozen

from turnkeep_application.reading import Unreadable


@frozen(kw_only=True)
class Swept:
    """What one sweep has done; another one, or another host, goes on from there.

    Attributes:
        recovered: Claims ended whose deadline had come.
        elapsed: Blocked runs resumed whose wait had elapsed.
        resumed: Runs let go on whose budget gate is open no more.
        cancelled: Runs called off whose root or parent was.
        entered: Queued runs entered in a lane that had been full.
        woken: Parked lanes readied because their bucket has room.
        counted: Older runs counted by a bucket that was limited for the first time.
        forgotten: Checkpoints deleted, long after their run ended.
        unreadable: What was passed over, untouched.
    """

    recovered: int = field(default=0)
    elapsed: int = field(default=0)
    resumed: int = field(default=0)
    cancelled: int = field(default=0)
    entered: int = field(default=0)
    woken: int = field(default=0)
    counted: int = field(default=0)
    forgotten: int = field(default=0)
    unreadable: tuple[Unreadable, ...] = field(default=())

    def __add__(self, other: Swept) -> Swept:
        return Swept(
            **{name.name: getattr(self, name.name) + getattr(other, name.name) for name in _FIELDS}
        )


_FIELDS = fields(Swept)
