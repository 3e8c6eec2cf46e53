"""A lease reference: what the borrower of a secret keeps, and names its lease by.

It is no bearer: who may use it, the host decides, and it works in its own scope alone. It names
all records that a use has to load, so that a use is one load and one commit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NewType

from attrs import field, frozen
from attrs.validators import optional

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.handles import Handle, handle
from turnkeep_domain.secrets.owners import owner

if TYPE_CHECKING:
    from attrs import Attribute

SecretLeaseId = NewType("SecretLeaseId", str)
"""`sl_` and 128 random bits, as 32 hexadecimal digits."""

_ID: Final = re.compile(r"sl_[0-9a-f]{32}", re.ASCII)
ID_BYTES: Final = 16


def secret_lease_id(octets: bytes) -> SecretLeaseId:
    """The id that 16 random bytes spell."""
    return SecretLeaseId(f"sl_{octets.hex()}")


def lease_id(_: object, attribute: Attribute[SecretLeaseId], text: SecretLeaseId) -> None:
    """An attrs validator: the field is the id of a secret lease."""
    if type(text) is not str or not _ID.fullmatch(text):
        raise InvalidValue(attribute.name, "must be sl_ and 32 hexadecimal digits")


def work_scope(_: object, attribute: Attribute[Scope], scope: Scope) -> None:
    """An attrs validator: the field is a scope in which work can be done."""
    of_kind(Scope)(_, attribute, scope)
    scope.require_work()


@frozen(kw_only=True)
class LeaseRef:
    """Which lease, of which secret.

    Attributes:
        scope: Whose the lease is.
        owner: Whose the secret is.
        guard: Where the tenure is kept on which the lease depends; None where it depends on none.
    """

    scope: Scope = field(validator=work_scope)
    id: SecretLeaseId = field(validator=lease_id)
    owner: Scope = field(validator=owner)
    handle: Handle = field(validator=handle)
    guard: Address | None = field(validator=optional(of_kind(Address)))
