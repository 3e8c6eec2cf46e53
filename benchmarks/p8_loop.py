"""P8: one update through the loop on the memory store, against the codec alone."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from benchmarks.figure import Figure, Side
from turnkeep import (
    EVERYBODY,
    CapabilityId,
    Container,
    CorrelationId,
    Dispatch,
    Effect,
    Estimate,
    InvocationId,
    Principal,
    Quorum,
    RecordedPage,
    RequestId,
    Scope,
)
from turnkeep_application.records import Records
from turnkeep_application.updates import Updates
from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.calls import Call
from turnkeep_domain.approvals.canonical import CanonicalInput, canonical
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Changed, Decision
from turnkeep_domain.keys import Key, key
from turnkeep_ports.codec import Codec

ANN, BOB, EVE = (Principal.person(name) for name in ("ann", "bob", "eve"))
SCOPE: Final = Scope.of("acme", "ann", agent="clerk", project="books", thread="rent")
ROUNDS, ROUNDS_QUICK = 40, 10
OPERATIONS: Final = 250


@frozen
class Pair:
    """Two states of one approval, of which an update puts the other one."""

    where: Key[ApprovalRecord]
    one: Approval
    other: Approval

    @classmethod
    def made(cls) -> Pair:
        """An approval with one vote of three, and with two."""
        action = Dispatch(
            capability=CapabilityId("send_money"), estimate=Estimate.of({"usd_nano": 25_000_000})
        )
        spelt = canonical({"recipient": "GB29NWBK60161331926819", "amount": 1200})
        assert isinstance(spelt, CanonicalInput)
        invocation = InvocationId("turn-7/call-1")
        call = Call(scope=SCOPE, invocation=invocation, action=action, input=spelt)
        question = Question(
            scope=SCOPE,
            attempt=1,
            invocation=invocation,
            action=action,
            effects=frozenset({Effect.FINANCIAL, Effect.WRITES}),
            requester=Principal.agent("clerk"),
            correlation_id=CorrelationId("turn-7"),
            fingerprint=fingerprint_of(call),
            offers=frozenset({Offer.ONCE}),
            quorum=Quorum.of(3, ANN, BOB, EVE),
        )
        now = datetime.now(UTC)
        raised = Approval.raised(question, now=now, lifetime_seconds=86_400).state
        one = _voted(raised, ANN, now)
        return cls(key(APPROVALS, SCOPE, question.id), one, _voted(one, BOB, now))

    def swap(self, records: Records, now: datetime) -> Decision[Records, None, None]:
        """Puts the state that is not there."""
        record = self.other if records[self.where] == self.one else self.one
        event = record.erased(now)
        return Changed(records.put(self.where, record), None, (event,))


def _voted(approval: Approval, by: Principal, now: datetime) -> Approval:
    decision = approval.approve(by=by, decision_id=RequestId(f"click-{by.id}"), now=now)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Approval)
    return decision.state


def measure(*, quick: bool) -> Figure:
    """Measures both sides in turns, so that a busy machine is busy for both."""
    return asyncio.run(_measure(ROUNDS_QUICK if quick else ROUNDS))


async def _measure(rounds: int) -> Figure:
    container = Container()
    pair = Pair.made()
    codec = container.codec()
    ours: list[float] = []
    peer: list[float] = []
    async with container.store():
        updates = container.updates()
        await _update(updates, pair, 100)
        for _ in range(rounds):
            started = time.perf_counter()
            await _update(updates, pair, OPERATIONS)
            ours.append((time.perf_counter() - started) / OPERATIONS)
            peer.append(_timed_codec(codec, pair))
        await _require_all(container, rounds * OPERATIONS + 100)
    return Figure(
        number="P8",
        title="one update of an approval on the memory store, against the codec alone",
        ours=Side(name="update", seconds=statistics.median(ours)),
        peer=Side(name="decode and encode", seconds=statistics.median(peer)),
        at_most=3.0,
    )


async def _update(updates: Updates, pair: Pair, operations: int) -> None:
    for _ in range(operations):
        await updates.update([pair.where], pair.swap)


def _timed_codec(codec: Codec, pair: Pair) -> float:
    body = codec.encode(pair.one)
    started = time.perf_counter()
    for _ in range(OPERATIONS):
        codec.encode(codec.decode(APPROVALS, pair.where.address, body))
    return (time.perf_counter() - started) / OPERATIONS


async def _require_all(container: Container, updates: int) -> None:
    """Nothing was lost: one event for each update."""
    told, after = 0, b""
    events = container.events()
    page = await events.read(EVERYBODY, limit=500)
    while isinstance(page, RecordedPage) and page.next != after:
        told, after = told + len(page.entries), page.next
        page = await events.read(EVERYBODY, after=page.next, limit=500)
    if told != updates:
        raise AssertionError(f"{updates} updates were answered, {told} were told")
