"""Postgres settings: every bound of the store, refused where they contradict each other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from attrs.validators import ge, instance_of

from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.limits import KEYS_MAX

if TYPE_CHECKING:
    from attrs import Attribute

CALLS_MAX: Final = 3
"""Group calls in flight, so that one slow call does not hold up the rest."""
CALL_KEYS_MAX: Final = KEYS_MAX
"""Keys that one call locks; the server's lock table is shared by all its databases."""
CALL_BYTES_MAX: Final = 8 << 20
"""Bodies and events of a group; one larger commit goes alone."""


def _positive(_: object, attribute: Attribute[float], seconds: float) -> None:
    if not 0 < seconds < float("inf"):
        raise InvalidValue(attribute.name, "must be positive and finite")


@frozen(kw_only=True)
class PostgresSettings:
    """Bounds of a postgres store. Times are seconds, and each is shorter than the next.

    A lock is given up before the statement that waits for it, a statement before a caller who
    waits for its connection, and that caller before the update's deadline, so that whoever fails
    learns why; lease times belong above the update's.

    Attributes:
        lock_seconds: How long a commit waits for the locks of its keys; then it is busy.
        statement_seconds: How long the server may work on one call. A pool that the host made, and
            a pooler, have to set it themselves, for example for the role.
        checkout_seconds: How long a call waits for a connection.
        update_seconds: The deadline of an update, as `Pacing` has it.
        pool_min: Connections that are kept open, of a pool that the store makes.
        pool_max: The most connections of that pool. Listening takes one more.
        grouping: Whether commits that wait together travel together, and loads.
        patience_seconds: How long a commit waits for another of this process that writes one of its
            cells; then it is sent by itself, and waits for the lock on the server. A call that has
            been on its way for as long is waited for by nobody; a load is then asked for again.
        notification: Whether to listen for, and send, word of commits. Without it, and behind a
            pooler, changes are polled.
        ping_seconds: How often the listening session sends itself a message.
        silence_seconds: How long that may take to come back, before the session counts as dead.
        poll_seconds: How often changes are polled, as long as somebody waits.
        poll_listening_seconds: How often beside a listener that is healthy.
        pooler: Whether a transaction pooler (PgBouncer) stands between: no prepared statements, no
            session state, no listening.
    """

    lock_seconds: float = field(default=2.0, validator=_positive)
    statement_seconds: float = field(default=4.0, validator=_positive)
    checkout_seconds: float = field(default=5.0, validator=_positive)
    update_seconds: float = field(default=15.0, validator=_positive)
    pool_min: int = field(default=1, validator=[instance_of(int), ge(0)])
    pool_max: int = field(default=8, validator=[instance_of(int), ge(1)])
    grouping: bool = field(default=True, validator=instance_of(bool))
    patience_seconds: float = field(default=0.25, validator=_positive)
    notification: bool = field(default=True, validator=instance_of(bool))
    ping_seconds: float = field(default=15.0, validator=_positive)
    silence_seconds: float = field(default=5.0, validator=_positive)
    poll_seconds: float = field(default=1.0, validator=_positive)
    poll_listening_seconds: float = field(default=5.0, validator=_positive)
    pooler: bool = field(default=False, validator=instance_of(bool))

    def __attrs_post_init__(self) -> None:
        times = (
            self.lock_seconds,
            self.statement_seconds,
            self.checkout_seconds,
            self.update_seconds,
        )
        if any(longer <= shorter for shorter, longer in pairwise(times)):
            raise InvalidValue(
                "timeouts", "must rise: lock, then statement, then checkout, then update"
            )
        if self.pool_min > self.pool_max:
            raise InvalidValue("pool_min", "must not exceed pool_max")

    @property
    def listens(self) -> bool:
        """Whether the store may hold a session open to listen in."""
        return self.notification and not self.pooler
