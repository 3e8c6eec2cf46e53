"""A request: one commit as it travels, and what the server's rows say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import LiteralString, TypeAlias

import orjson
from attrs import define, field, frozen

from turnkeep_adapters.postgres.connections import Row
from turnkeep_adapters.postgres.key_parts import levels, scope_length
from turnkeep_adapters.postgres.statements import COMMIT, COMMIT_PUT
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import (
    Check,
    CommitId,
    Committed,
    Delete,
    EventDraft,
    Late,
    Put,
    Revision,
    Stale,
    Write,
)


class Taken(Enum):
    """A lock was taken and nobody waited for it: nothing was written, and it may be sent again."""

    TAKEN = "taken"


Judgement: TypeAlias = Committed | Stale | Late
Outcome: TypeAlias = Judgement | TurnkeepError


@frozen(kw_only=True)
class Contents:
    """What a commit wants written, within the limits of the port; its keys as bytes.

    Raises:
        InvalidValue: A text has a NUL or a lone surrogate, which no text of the database can have.
    """

    commit_id: CommitId
    writes: tuple[Write, ...]
    events: tuple[EventDraft, ...]
    valid_until: datetime | None
    keys: dict[Address, bytes] = field(init=False)

    @keys.default
    def _all_keys(self) -> dict[Address, bytes]:
        addresses = [write.address for write in self.writes]
        addresses += [event.address for event in self.events]
        return {address: key_bytes(address) for address in dict.fromkeys(addresses)}

    def __attrs_post_init__(self) -> None:
        texts = [event.kind for event in self.events]
        for write in self.writes:
            if isinstance(write, Put):
                texts += (write.entry.index.state, write.entry.index.sort)
        if any("\x00" in text or _is_torn(text) for text in texts):
            raise InvalidValue("state, sort and kind", "must have no NUL and no lone surrogate")

    def changed(self) -> set[bytes]:
        """The keys of all that a waiter may wait for."""
        checked = {write.address for write in self.writes if isinstance(write, Check)}
        told = {event.address for event in self.events}
        return {key for at, key in self.keys.items() if at not in checked or at in told}

    def size(self) -> int:
        """Bytes of bodies and events."""
        bodies = sum(len(write.entry.body) for write in self.writes if isinstance(write, Put))
        return bodies + sum(len(event.body) for event in self.events)

    def rows(self, n: int) -> list[dict[str, object]]:
        """What the server is told, under the number that the commit has in its call."""
        by = _hex(self.commit_id)
        until = None if self.valid_until is None else self.valid_until.isoformat()
        rows: list[dict[str, object]] = [{"n": n, "what": "commit", "at": until}]
        rows += [_write(n, by, write, self.keys[write.address]) for write in self.writes]
        rows += [
            {
                "n": n,
                "what": "event",
                "commit_id": by,
                "key": _hex(self.keys[event.address]),
                "kind": event.kind,
                "at": event.at.isoformat(),
                "body": _hex(event.body),
            }
            for event in self.events
        ]
        return rows

    def put(self) -> tuple[object, ...] | None:
        """What the server is told where all is one put of a cell that is there; else None.

        At most one event may tell of it, and of nothing else. What is absent is of the type of
        what is there, so that the server plans one statement for all.
        """
        if len(self.writes) != 1 or len(self.events) > 1:
            return None
        (write,) = self.writes
        if not isinstance(write, Put) or not isinstance(write.expect, bytes):
            return None
        kind = at = None
        told = b""
        for event in self.events:
            if event.address != write.address:
                return None
            kind, at, told = event.kind, event.at.isoformat(), event.body
        until, index = self.valid_until, write.entry.index
        return (
            self.commit_id,
            None if until is None else until.isoformat(),
            self.keys[write.address],
            write.expect,
            index.state,
            None if index.due_at is None else index.due_at.isoformat(),
            index.sort,
            write.entry.body,
            kind,
            at,
            told,
        )

    def judged(self, told: Sequence[tuple[str, bytes | None]]) -> Judgement | Taken | None:
        """What the server's rows for this commit mean; None where they mean nothing."""
        answers = {answer for answer, _ in told}
        match answers:
            case _ if answers == {"taken"}:
                return Taken.TAKEN
            case _ if answers == {"late"}:
                return Late()
            case _ if answers == {"stale"}:
                stale = {value for _, value in told}
                named = {write.address for write in self.writes}
                keys = {at for at, key in self.keys.items() if at in named and key in stale}
                return Stale(frozenset(keys), busy=False)
            case _ if "committed" in answers:
                return self._committed([value for answer, value in told if answer == "revision"])
            case _:
                return None

    def _committed(self, revisions: Sequence[bytes | None]) -> Committed | None:
        puts = [write.address for write in self.writes if isinstance(write, Put)]
        if len(puts) != len(revisions):
            return None
        pairs = zip(puts, revisions, strict=True)
        return Committed({at: Revision(value) for at, value in pairs if value is not None})


@define(eq=False)
class Request:
    """A commit that somebody waits for.

    Attributes:
        outcome: Set once, never to an exception: nobody may be there to see it.
        sent: Whether it was handed to the server; until then it can be withdrawn.
        left: Whether its caller is gone: what was not handed over by then never is.
        held: Whether others of its keys have to wait for it.
    """

    contents: Contents
    deadline: Deadline
    outcome: asyncio.Future[Outcome]
    exclusive: frozenset[bytes] = field(init=False)
    shared: frozenset[bytes] = field(init=False)
    size: int = field(init=False)
    sent: bool = field(default=False, init=False)
    left: bool = field(default=False, init=False)
    held: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        keys = self.contents.keys
        checks = [write for write in self.contents.writes if isinstance(write, Check)]
        self.shared = frozenset(keys[check.address] for check in checks)
        named = frozenset(keys[write.address] for write in self.contents.writes)
        self.exclusive = named - self.shared
        self.size = self.contents.size()

    def answer(self, outcome: Outcome) -> None:
        """Tells whoever still waits."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)


def call_of(requests: Sequence[Request]) -> tuple[LiteralString, tuple[object, ...]]:
    """The statement by which requests travel, and what it is told of them."""
    put = requests[0].contents.put() if len(requests) == 1 else None
    return (COMMIT, (encoded(requests),)) if put is None else (COMMIT_PUT, put)


def encoded(requests: Iterable[Request]) -> str:
    """The one parameter in which requests of any kind travel."""
    rows = [row for n, request in enumerate(requests) for row in request.contents.rows(n)]
    return orjson.dumps(rows).decode()


def told_of(rows: Iterable[Row]) -> dict[int, list[tuple[str, bytes | None]]]:
    """The server's rows by the number of the commit in its call."""
    told: dict[int, list[tuple[str, bytes | None]]] = {}
    for n, answer, value in rows:
        told.setdefault(n, []).append((answer, value))
    return told


def _write(n: int, by: str, write: Write, key: bytes) -> dict[str, object]:
    match write:
        case Check(expect=expect):
            return {"n": n, "what": "check", "key": _hex(key), "expect": _expected(expect)}
        case Delete(expect=expect):
            # Never a null, which would mean that it must be absent: there is nothing to delete.
            wanted = _expected(expect) or _hex(b"")
            return {
                "n": n,
                "what": "delete",
                "commit_id": by,
                "key": _hex(key),
                "expect": wanted,
            }
        case Put(expect=expect, entry=entry):
            due_at = entry.index.due_at
            return {
                "n": n,
                "what": "put",
                "commit_id": by,
                "key": _hex(key),
                "expect": _expected(expect),
                "owner_bytes": levels(key)[-1],
                "scope_bytes": scope_length(key),
                "collection": write.address.collection,
                "state": entry.index.state,
                "due_at": None if due_at is None else due_at.isoformat(),
                "sort": entry.index.sort,
                "body": _hex(entry.body),
            }


def _is_torn(text: str) -> bool:
    """Whether it cannot be sent: found out on its way, that would be told to all of its group."""
    return not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)


def _expected(expect: object) -> str | None:
    return _hex(expect) if isinstance(expect, bytes) else None


def _hex(value: bytes) -> str:
    return "\\x" + value.hex()
