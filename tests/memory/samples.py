"""Addresses, entries and commits as the tests of the memory store write them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_adapters.memory.commits import Commit, Judged
from turnkeep_adapters.memory.engine import Engine
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.store import (
    ABSENT,
    CommitId,
    Entry,
    EventDraft,
    EventQuery,
    Expectation,
    Put,
    Revision,
    Write,
)

NOON: Final = datetime(2031, 5, 1, 12, tzinfo=UTC)
STORE_ID: Final = bytes(range(16))
EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
ALL_EVENTS: Final = EventQuery(collections=None, prefix=EVERYBODY)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def address(
    id: str = "one",
    *,
    collection: str = "note",
    tenant: str = "t",
    user: str = "u",
    thread: str | None = None,
) -> Address:
    return Address(collection, Scope.of(tenant, user, thread=thread), id)


def entry(
    body: bytes = b"body", *, state: str = "open", due_at: datetime | None = None, sort: str = ""
) -> Entry:
    return Entry(body=body, index=Index(state=state, due_at=due_at, sort=sort))


def put(
    at: Address, expect: Expectation = ABSENT, body: bytes = b"body", *, state: str = "open"
) -> Put:
    return Put(at, expect, entry(body, state=state))


def event(of: Address, kind: str = "note.written", body: bytes = b"fact") -> EventDraft:
    return EventDraft(address=of, kind=kind, at=NOON, body=body)


def commit_id(number: int) -> CommitId:
    """An id whose first 8 bytes, which revisions carry, tell it from the others."""
    return CommitId(number.to_bytes(8, "big") + bytes(8))


def commit(
    number: int,
    *writes: Write,
    events: tuple[EventDraft, ...] = (),
    valid_until: datetime | None = None,
) -> Commit:
    return Commit(
        commit_id=commit_id(number), writes=writes, events=events, valid_until=valid_until
    )


def judged(engine: Engine, asked: Commit) -> Judged:
    """Judges a commit whose expectations must hold."""
    answer = engine.judge(asked, NOON)
    assert isinstance(answer, Judged)
    return answer


def land(engine: Engine, asked: Commit) -> Judged:
    """Judges and applies a commit whose expectations must hold."""
    answer = judged(engine, asked)
    engine.apply(answer)
    return answer


def revision_of(engine: Engine, at: Address) -> Revision:
    return engine.load([at], NOON).cells[at].revision
