"""An account id: the name of a credential account within its owner's scope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NewType

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

AccountId = NewType("AccountId", str)
"""1 to 128 of `A-Z`, `a-z`, `0-9`, `_` and `-`."""

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def require_account_id(what: str, text: object) -> None:
    """Refuses what is no account id.

    Raises:
        InvalidValue: It does not match ``[A-Za-z0-9_-]{1,128}``; it is not repeated.
    """
    if type(text) is not str or not _ACCOUNT.fullmatch(text):
        raise InvalidValue(what, "must match [A-Za-z0-9_-]{1,128}")


def account_id(_: object, attribute: Attribute[AccountId], text: AccountId) -> None:
    """An attrs validator: the field is an account id."""
    require_account_id(attribute.name, text)
