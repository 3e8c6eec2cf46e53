"""A ledger: the smallest record that has everything the loop cares for."""

from __future__ import annotations

import json
from datetime import datetime
from typing import ClassVar, TypeVar

from attrs import evolve, frozen

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.request_ids import (
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.store import StoredEvent

T = TypeVar("T")
MARKS_KEPT = 4
SCOPE = Scope.of("acme", "ann")


@frozen(kw_only=True)
class Added(Event):
    kind: ClassVar[str] = "ledger.added"
    total: int


@frozen(kw_only=True)
class Ledger:
    scope: Scope
    id: str
    total: int
    marks: Marks[int]

    def add(
        self, amount: int, request_id: RequestId, at: Address, now: datetime
    ) -> Decision[Ledger, int, RequestIdReused]:
        """Adds once for each request id; answers the total after it."""
        arguments = digest_of("add", amount)
        match self.marks.recall(request_id, arguments):
            case Mark(outcome=outcome):
                return Unchanged(outcome)
            case RequestIdReused() as reused:
                return Refused(reused)
            case None:
                pass
        total = self.total + amount
        marks = remember(self.marks, Mark(request_id, arguments, total), bound=MARKS_KEPT)
        event = Added(address=at, at=now, total=total)
        return Changed(evolve(self, total=total, marks=marks), total, (event,))


def _index(ledger: Ledger) -> Index:
    return Index(state="open", due_at=None, sort=ledger.id)


def _collection(name: str, *, permanent: bool) -> Collection[Ledger]:
    return Collection(
        name=name,
        members=(Ledger,),
        permanent=permanent,
        index=_index,
        identity=lambda ledger: Identity(ledger.scope, ledger.id),
        marks=lambda ledger: ledger.marks,
        remembered=True,
    )


LEDGERS = _collection("ledger", permanent=False)
PERMANENT_LEDGERS = _collection("permanent_ledger", permanent=True)


def opened(id: str = "l1") -> Ledger:
    """A ledger with nothing in it."""
    return Ledger(scope=SCOPE, id=id, total=0, marks=Marks.none())


class LedgerCodec:
    """The loop's codec port for ledgers, as plain JSON."""

    def encode(self, record: object) -> bytes:
        assert isinstance(record, Ledger)
        marks = [[m.request_id, m.arguments.hex(), m.outcome] for m in record.marks.entries]
        return json.dumps([record.id, record.total, marks, record.marks.dropped]).encode()

    def decode(self, of: Collection[T], address: Address, body: bytes) -> T:
        try:
            id, total, marks, dropped = json.loads(body)
        except ValueError as error:
            raise Corrupt("no ledger", address) from error
        entries = tuple(Mark(RequestId(r), Digest(bytes.fromhex(d)), o) for r, d, o in marks)
        ledger = Ledger(scope=address.scope, id=id, total=total, marks=Marks(entries, dropped))
        return of.member(ledger)

    def encode_event(self, event: Event) -> bytes:
        assert isinstance(event, Added)
        return str(event.total).encode()

    def decode_event(self, stored: StoredEvent) -> Event:
        return Added(address=stored.address, at=stored.at, total=int(stored.body))
