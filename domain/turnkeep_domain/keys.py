"""A key: collection, scope and id, typed by the record that it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, TypeVar

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier, require_collection
from turnkeep_domain.instants import optional_instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Marks
from turnkeep_domain.scope import Scope

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

STATE_BYTES_MAX: Final = 32
SORT_BYTES_MAX: Final = 255


# Hashed again and again, for an update looks its cells up by it.
@frozen(cache_hash=True)
class Address:
    """A cell's place, untyped: what stores see.

    Raises:
        InvalidValue: The collection is no collection name, the scope none, or the id no identifier.
    """

    collection: str = field()
    scope: Scope = field(validator=of_kind(Scope))
    id: str = field(validator=identifier)

    @collection.validator
    def _is_collection(self, _: object, collection: str) -> None:
        require_collection("collection", collection)


@frozen(kw_only=True)
class Index:
    """What a store may search a record by; bodies are never parsed for it.

    Attributes:
        state: 1 to 32 bytes.
        due_at: When the record becomes due, or None: never.
        sort: At most 255 bytes, compared as bytes; ends with the id, so that ties never need more.
    """

    state: str = field()
    due_at: datetime | None = field(validator=optional_instant)
    sort: str = field()

    @state.validator
    def _state_fits(self, _: object, state: str) -> None:
        if not 1 <= len(state.encode()) <= STATE_BYTES_MAX:
            raise InvalidValue("state", f"must have 1 to {STATE_BYTES_MAX} bytes")

    @sort.validator
    def _sort_fits(self, _: object, sort: str) -> None:
        if len(sort.encode()) > SORT_BYTES_MAX or "\x00" in sort:
            raise InvalidValue("sort", f"must have at most {SORT_BYTES_MAX} bytes and no NUL")


@frozen
class Identity:
    """The scope and id that a record says it has; they must equal its key's."""

    scope: Scope
    id: str


@frozen(kw_only=True)
class Collection(Generic[T_co]):
    """A kind of record: its name, its closed union of classes, its index and its identity.

    Attributes:
        name: The collection name, as in every key.
        members: The classes of the union.
        permanent: Whether its cells are never deleted; the update loop refuses to.
        remembered: Whether a process may keep such a record in memory, and decide first on what it
            has last seen. Never for secrets, nor for what must be gone once it is erased.
    """

    name: str = field()
    members: tuple[type[T_co], ...] = field(eq=False)
    permanent: bool = field()
    _index: Callable[[T_co], Index] = field(eq=False, repr=False)
    _identity: Callable[[T_co], Identity] = field(eq=False, repr=False)
    _marks: Callable[[T_co], Marks[object] | None] = field(eq=False, repr=False)
    remembered: bool = field(default=False, eq=False)

    @name.validator
    def _is_collection(self, _: object, name: str) -> None:
        require_collection("collection", name)

    def index_of(self, record: object) -> Index:
        """What stores may search the record by."""
        return self._index(self.member(record))

    def identity_of(self, record: object) -> Identity:
        """The scope and id that the record carries."""
        return self._identity(self.member(record))

    def marks_of(self, record: object) -> Marks[object] | None:
        """The request ids that the record remembers; None where commands need none."""
        return self._marks(self.member(record))

    def member(self, record: object) -> T_co:
        """The record, checked to be of this collection.

        Raises:
            TypeError: It is of another kind.
        """
        if isinstance(record, self.members):
            return record
        raise TypeError(f"a record of {self.name} was expected, not {type(record).__name__}")


@frozen
class ReadKey(Generic[T_co]):
    """Where a record is read. Covariant: a list of any keys is `Sequence[ReadKey[object]]`."""

    collection: Collection[T_co] = field(eq=False, repr=False)
    address: Address = field()


@frozen
class Key(ReadKey[T], Generic[T]):
    """Where a record is written too. Invariant: no key of one kind takes another kind."""


def key(of: Collection[T], scope: Scope, id: str) -> Key[T]:
    """The key of one record.

    Raises:
        InvalidValue: The id is no identifier.
    """
    return Key(of, Address(of.name, scope, id))
