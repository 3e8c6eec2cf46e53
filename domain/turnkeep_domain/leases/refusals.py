"""A refusal: why a command on a lease was not done. A closed set, each with a stable code."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.request_ids import RequestIdReused


@frozen
class Held:
    """The lease is held, until `until` unless that is put off.

    Attributes:
        holder: Who holds it; the same name does not help, for a process that was started anew
            is another holder.
    """

    code: ClassVar[str] = "held"

    holder: str
    until: datetime


@frozen
class NotHolder:
    """This holder has no tenure under this fence, as far as the lease remembers."""

    code: ClassVar[str] = "not_holder"

    fence: int


@frozen
class TenureExpired:
    """The tenure under this fence is over by its deadline, whether or not somebody else came."""

    code: ClassVar[str] = "tenure_expired"

    fence: int


AcquireRefusal: TypeAlias = RequestIdReused | Held
HolderRefusal: TypeAlias = NotHolder | TenureExpired
