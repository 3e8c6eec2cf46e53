"""A hold: what one reservation keeps of an account until the work is done, or its deadline."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Final, NewType

from attrs import field, frozen

from turnkeep_domain.budgets.account_ref import Level
from turnkeep_domain.budgets.bounds import require_amount
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope

HoldId = NewType("HoldId", str)
_DIGEST_BYTES: Final = 18
_spelt: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


# Pure: a memory of answers. A reservation is looked for under it whenever it is held or let go.
@lru_cache(maxsize=4_096, typed=True)
def hold_id(scope: Scope, id: str) -> HoldId:
    """The name of a reservation among the holds of an account that many scopes share.

    Two scopes may use one reservation id, so it is a digest of both.
    """
    digest = hashlib.sha256(_spelt([*scope.components(), id]).encode()).digest()[:_DIGEST_BYTES]
    return HoldId(urlsafe_b64encode(digest).decode())


class OnExpiry(Enum):
    """What becomes of a hold at its deadline, where nobody has closed it."""

    RELEASE = "release"
    CHARGE = "charge"


@frozen
class WindowId:
    """A window of an account: its epoch and its start."""

    epoch: int = field()
    start: datetime = field(validator=instant)

    @epoch.validator
    def _counts(self, _: object, epoch: int) -> None:
        require_amount("epoch", epoch)


@frozen
class Placement:
    """Where one account's share of a reservation is charged: its level, and the window."""

    level: Level = field(validator=of_kind(Level))
    window: WindowId = field(validator=of_kind(WindowId))


@frozen(kw_only=True)
class Hold:
    """What one reservation keeps of an account.

    Attributes:
        id: Whose it is, as `hold_id` names it.
        window: The window that it was reserved in, and will be charged to.
        deadline: From this instant on it is overdue.
    """

    id: HoldId = field(validator=identifier)
    tally: Tally = field(validator=of_kind(Tally))
    window: WindowId = field(validator=of_kind(WindowId))
    deadline: datetime = field(validator=instant)
    on_expiry: OnExpiry = field(validator=of_kind(OnExpiry))


@frozen
class UsedIn:
    """What is charged to one window."""

    start: datetime = field(validator=instant)
    usage: Usage = field(validator=of_kind(Usage))
