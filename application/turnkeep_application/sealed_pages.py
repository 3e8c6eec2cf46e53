"""A sealed page: records of one scope as a listing finds them, each verified by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from attrs import frozen

from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.secret_settings import PAGE_MAX
from turnkeep_application.vault import Sealed, Vault
from turnkeep_domain.keys import Collection
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.secrets.limits import require_count
from turnkeep_ports.key_errors import KeyMismatch, Tampered
from turnkeep_ports.scans import InScope, place_of

T = TypeVar("T")
S = TypeVar("S", bound=Sealed)


@frozen
class SealedPage(Generic[T]):
    """What was found, and what could not be read."""

    found: tuple[T, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


async def sealed_page(
    reading: Reading,
    vault: Vault,
    of: Collection[S],
    scope: Scope,
    view: Callable[[S, datetime], T | None],
    *,
    after: str | None,
    limit: int,
) -> SealedPage[T]:
    """One page of a scope's records in key order; one that cannot be read hides no other.

    Raises:
        InvalidValue: The limit is out of bounds, or `after` is no `next` of this scope.
        MasterKeyMissing: There is no key to verify them with.
    """
    require_count("limit", limit, least=1, most=PAGE_MAX)
    query = InScope(collection=of.name, prefix=ScopePrefix.exactly(scope))
    begin = position_of(after)
    if begin is not None:
        place_of(query, begin)
    page = await reading.page(query, after=begin, limit=limit, deadline=reading.deadline())
    found: list[T] = []
    unreadable: list[Unreadable] = []
    for cell in page.cells:
        record = readable(vault, reading.decoded(of, cell))
        if isinstance(record, Unreadable):
            unreadable.append(record)
        elif (seen := view(record, page.now)) is not None:
            found.append(seen)
    return SealedPage(tuple(found), tuple(unreadable), token_of(page.next))


def readable(vault: Vault, record: S | Unreadable) -> S | Unreadable:
    """The record, if it is what was sealed; otherwise why it cannot be read."""
    if isinstance(record, Unreadable):
        return record
    try:
        vault.verified(record)
    except (KeyMismatch, Tampered) as error:
        return Unreadable(record.binding().address, error.code)
    return record
