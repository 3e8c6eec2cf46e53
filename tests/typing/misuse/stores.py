"""A store that is half written; a write without an expectation; an answer that nobody awaits."""

from collections.abc import Sequence

from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import (
    ABSENT,
    Committed,
    Delete,
    Entry,
    Late,
    Loaded,
    Put,
    RecordStore,
    Stale,
)


class HalfStore:
    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        raise NotImplementedError


store: RecordStore = HalfStore()  # expect: assignment


def blind(address: Address, entry: Entry) -> Put:
    return Put(address, entry=entry)  # expect: call-arg


def delete_what_is_absent(address: Address) -> Delete:
    return Delete(address, ABSENT)  # expect: arg-type


async def never_awaited(some: RecordStore, keys: Sequence[Address], deadline: Deadline) -> None:
    some.load(keys, deadline=deadline)  # expect: unused-coroutine


async def without_a_deadline(some: RecordStore, keys: Sequence[Address]) -> Loaded:
    return await some.load(keys)  # expect: call-arg


def believes_every_commit(answer: Committed | Stale | Late) -> int:
    return len(answer.revisions)  # expect: union-attr
