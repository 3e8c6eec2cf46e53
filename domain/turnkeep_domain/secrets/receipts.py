"""A receipt: one counted use of a secret lease, which is spent whatever became of the material."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NewType

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.request_ids import DIGEST_BYTES, Digest, RequestId
from turnkeep_domain.secrets.limits import LEASE_USES_MAX, require_count

if TYPE_CHECKING:
    from attrs import Attribute

DeliveryId = NewType("DeliveryId", bytes)
"""16 random bytes, minted for one call: they tell the very call that a use was counted for from
one that merely repeats its request id."""

DELIVERY_BYTES: Final = 16


def delivery_id(_: object, attribute: Attribute[DeliveryId], value: DeliveryId) -> None:
    """An attrs validator: the field is the id of a delivery."""
    if type(value) is not bytes or len(value) != DELIVERY_BYTES:
        raise InvalidValue(attribute.name, f"must have {DELIVERY_BYTES} bytes")


def digest(_: object, attribute: Attribute[Digest], value: Digest) -> None:
    """An attrs validator: the field is a digest."""
    if type(value) is not bytes or len(value) != DIGEST_BYTES:
        raise InvalidValue(attribute.name, f"must have {DIGEST_BYTES} bytes")


@frozen(kw_only=True)
class SecretReceipt:
    """One use.

    Attributes:
        use: Which one, from 1.
        request_id: The idempotency key that it was made under.
        arguments: What else the request said.
        delivery: The call that it was counted for.
        at: The store's now when it was counted.
    """

    use: int = field()
    request_id: RequestId = field(validator=identifier)
    arguments: Digest = field(validator=digest, repr=False)
    delivery: DeliveryId = field(validator=delivery_id, repr=False)
    at: datetime = field(validator=instant)

    @use.validator
    def _within_bounds(self, _: object, use: int) -> None:
        require_count("use", use, least=1, most=LEASE_USES_MAX)


@frozen
class Spent:
    """The request id was used before: its use is spent, and its material is not given again.

    Where the first call never returned, the material is lost; issue a further lease.
    """

    receipt: SecretReceipt


@frozen
class Delivered:
    """The use was counted for this very call."""

    receipt: SecretReceipt
