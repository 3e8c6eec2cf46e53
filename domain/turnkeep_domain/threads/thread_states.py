"""A state of a thread: whether it is there for its owner.

```text
  (new) ------a--> Active <--c/d--> Archived      a  created or forked    c  archived
     '--b--> Importing --e--> Active              b  an import has begun  d  unarchived
                                                  e  the import is whole
  Importing, Active, Archived ------f--> Deleted  f  deleted, for ever
```
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant

_DIGEST_BYTES: Final = 32


class ThreadState(Enum):
    """Where a thread stands, in one word."""

    IMPORTING = "importing"
    ACTIVE = "active"
    ARCHIVED = "archived"
    DELETED = "deleted"


@frozen
class Importing:
    """The thread is being filled, and shown to nobody; until `due_at` it may take."""

    due_at: datetime = field(validator=instant)


@frozen
class Active:
    """The thread is in use."""


@frozen
class Archived:
    """The thread is put aside: it takes no inbound message."""

    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class Deleted:
    """The thread is gone; what is left says that its id is spent.

    Attributes:
        digest: Of what the thread was: who made it, when, and how many messages it had.
        swept: Whether its own messages are gone, but for those that living forks share.
    """

    at: datetime = field(validator=instant)
    digest: bytes = field(repr=False)
    swept: bool = field()

    @digest.validator
    def _is_digest(self, _: object, digest: bytes) -> None:
        if type(digest) is not bytes or len(digest) != _DIGEST_BYTES:
            raise InvalidValue("digest", f"must have {_DIGEST_BYTES} bytes")


ThreadPhase: TypeAlias = Importing | Active | Archived | Deleted


def thread_state(phase: ThreadPhase) -> ThreadState:
    """A phase in one word."""
    match phase:
        case Importing():
            return ThreadState.IMPORTING
        case Active():
            return ThreadState.ACTIVE
        case Archived():
            return ThreadState.ARCHIVED
        case Deleted():
            return ThreadState.DELETED
        case _:
            assert_never(phase)
