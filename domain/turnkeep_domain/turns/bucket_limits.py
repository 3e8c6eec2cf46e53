"""Bucket limits: how many runs a bucket admits."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.turns.counts import optional_count


@frozen(kw_only=True)
class BucketLimits:
    """How many runs a bucket admits; None for any number.

    Attributes:
        held: How many may be submitted and not have ended: bounds submits.
        running: How many may be claimed at once; of a tenant's bucket alone.
    """

    held: int | None = field(validator=optional_count)
    running: int | None = field(validator=optional_count)
