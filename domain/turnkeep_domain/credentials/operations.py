"""An operation: one request that a session is used for, and the receipt of its counting."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.credentials.events import Released
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.secrets.binding import moment, number, raw, several, text
from turnkeep_domain.secrets.limits import GENERATION_MAX, require_count
from turnkeep_domain.secrets.receipts import DeliveryId, delivery_id


@frozen(kw_only=True)
class UseReceipt:
    """One counted use of a session.

    Attributes:
        use: Which one, from 1.
        operation_id: The idempotency key that it was made under.
        delivery: The call that it was counted for.
        at: The store's now when it was counted.
        released: Which generations it is for, by handle.
    """

    use: int = field()
    operation_id: RequestId = field(validator=identifier)
    delivery: DeliveryId = field(validator=delivery_id, repr=False)
    at: datetime = field(validator=instant)
    released: tuple[Released, ...] = field(
        validator=deep_iterable(of_kind(Released), of_kind(tuple))
    )

    @use.validator
    def _counts(self, _: object, use: int) -> None:
        require_count("use", use, least=1, most=GENERATION_MAX)


@frozen
class OperationSpent:
    """The operation was counted before; its material is not given again."""

    receipt: UseReceipt


@frozen
class OperationCounted:
    """The operation was counted for this very call."""

    receipt: UseReceipt


def receipt_bytes(receipt: UseReceipt) -> bytes:
    """A receipt as a part of a binding."""
    return b"".join(
        (
            number(receipt.use),
            text(receipt.operation_id),
            raw(receipt.delivery),
            moment(receipt.at),
            several(receipt.released, lambda one: text(one.handle) + number(one.generation)),
        )
    )
