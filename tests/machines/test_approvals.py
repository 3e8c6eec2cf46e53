"""Approvals against their model: any history, any faults, on every store.

Whatever got lost, came late or was cut off on the way, each answer must be the model's. Where a
call ends in doubt, it is repeated as its error says, and then it must be. Late commits may land
operations later; they must find that they are too late.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.machines.model import DISCARDED, EXPIRED, PENDING, Gate, unknown
from tests.machines.stores import EXAMPLES, STORES, settings_of
from turnkeep import (
    EVERYBODY,
    ApprovalView,
    CapabilityId,
    Container,
    CorrelationId,
    Dispatch,
    Effect,
    Estimate,
    Event,
    InvocationId,
    Keep,
    OutcomeUnknown,
    Principal,
    Quorum,
    Recorded,
    RecordedPage,
    Refused,
    RequestId,
    Scope,
    ScopePrefix,
    StillPending,
    Unavailable,
    Verdict,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock

T = TypeVar("T")
SCOPE = Scope.of("acme", "ann", thread="t")
PEOPLE = [Principal.person(name) for name in ("ann", "bob", "eve")]
QUORUMS = [Quorum.of(1, PEOPLE[0]), Quorum.of(2, PEOPLE[0], PEOPLE[1])]
LIFETIME_SECONDS = 60

calls = st.integers(0, 2)
people = st.sampled_from(PEOPLE)
ids = st.sampled_from([RequestId(f"d{number}") for number in range(6)])
verdicts = st.sampled_from(list(Verdict))
faults = st.sampled_from(
    [
        *("commit#1: lose-before", "commit#1: lose-after", "commit#1: fail-before"),
        *("commit#1: land-late 1", "commit#1: land-late 2", "commit#1: land-late 9"),
        *("commit#1: stale", "commit#1: busy", "commit#1: stall", "commit#1: hold-after x"),
        *("commit#2: lose-before", "commit#2: lose-after", "commit#2: land-late 3"),
        *("load#1: fail-before", "load#2: fail-before", "load#2: stall", "commit#3: lose-after"),
    ]
)
scripts = st.lists(faults, max_size=3).map("\n".join)


class ApprovalMachine(RuleBasedStateMachine):
    """The service and the model, side by side."""

    store_name: str

    @initialize(together=st.booleans(), remembers=st.booleans())
    def begin(self, *, together: bool, remembers: bool) -> None:
        self.clock = VirtualClock()
        inner = STORES[self.store_name](self.clock)
        self.store = FaultyRecordStore(inner, script=Script.parse(""), clock=self.clock)
        container = Container()
        container.clock.override(self.clock)
        container.store.override(self.store)
        container.settings.override(settings_of(together=together, remembers=remembers))
        self.keep: Keep = container.keep()
        self.gates: dict[str, Gate] = {}
        self.ids: dict[int, str] = {}
        self.clock.run(self._open())

    async def _open(self) -> None:
        await self.store.__aenter__()

    def run(self, call: Callable[[], Coroutine[object, object, T]], script: str = "") -> T:
        """One use case under a script; without it again, where it ended in doubt or unserved."""

        async def main() -> T:
            self.store.follow(Script.parse(script))
            try:
                return await call()
            except (OutcomeUnknown, Unavailable):
                self.store.follow(Script.parse(""))
                return await call()
            finally:
                self.store.follow(Script.parse(""))

        return self.clock.run(main())

    def told(self) -> list[Event]:
        """All events so far."""
        page = self.run(lambda: self.keep.events.read(EVERYBODY, limit=500))
        assert isinstance(page, RecordedPage)
        events = [entry.event for entry in page.entries if isinstance(entry, Recorded)]
        assert len(events) == len(page.entries)
        return events

    def judged_at(self, id: str) -> datetime:
        """When the store judged the last command: faults may have let time pass since."""
        events = [event for event in self.told() if event.address.id == id]
        is_new = len(events) > len(self.gates[id].events)
        return events[-1].at if is_new else self.clock.utc_now()

    # ---- what happens ---------------------------------------------------------------------------

    @rule(call=calls, quorum=st.sampled_from(QUORUMS), script=scripts)
    def raise_request(self, call: int, quorum: Quorum, script: str) -> None:
        answer = self.run(
            lambda: self.keep.approvals.raise_request(
                SCOPE,
                invocation=InvocationId(f"call-{call}"),
                action=Dispatch(capability=CapabilityId("tool"), estimate=Estimate.nothing()),
                effects=frozenset({Effect.WRITES}),
                requester=Principal.agent("bot"),
                correlation_id=CorrelationId("c"),
                input={"call": call},
                reason="why",
                display="what",
                lifetime_seconds=LIFETIME_SECONDS,
                quorum=quorum,
            ),
            script,
        )
        gate = self.gates.get(self.ids.get(call, ""))
        if gate is None:
            assert isinstance(answer, ApprovalView)
            self.ids[call] = answer.id
            self.gates[answer.id] = Gate(quorum=quorum, expires_at=answer.expires_at)
        elif gate.state is DISCARDED or gate.quorum != quorum:
            assert isinstance(answer, Refused)
            assert answer.reason.code == "id_spent"
        else:
            assert isinstance(answer, ApprovalView)
            assert (answer.id, answer.votes) == (self.ids[call], tuple(gate.votes))

    @rule(call=calls, by=people, verdict=verdicts, id=ids, script=scripts)
    def vote(self, call: int, by: Principal, verdict: Verdict, id: RequestId, script: str) -> None:
        approvals = self.keep.approvals
        command = approvals.approve if verdict is Verdict.APPROVE else approvals.deny
        at = self.ids.get(call, "none")
        answer = self.run(lambda: command(SCOPE, at, by=by, decision_id=id), script)
        self.compare(answer, at, lambda gate, now: gate.vote(verdict, by, id, now))

    @rule(call=calls, by=people, id=ids, script=scripts)
    def discard(self, call: int, by: Principal, id: RequestId, script: str) -> None:
        at = self.ids.get(call, "none")
        discard = self.keep.approvals.discard
        answer = self.run(lambda: discard(SCOPE, at, by=by, request_id=id), script)
        self.compare(answer, at, lambda gate, now: gate.discard(by, id, now))

    @rule(call=calls, script=scripts)
    def expire(self, call: int, script: str) -> None:
        at = self.ids.get(call, "none")
        answer = self.run(lambda: self.keep.approvals.expire(SCOPE, at), script)
        self.compare(answer, at, lambda gate, now: gate.expire(now))

    @rule(call=calls, script=scripts)
    def erase(self, call: int, script: str) -> None:
        at = self.ids.get(call, "none")
        answer = self.run(lambda: self.keep.approvals.erase_payload(SCOPE, at), script)
        self.compare(answer, at, lambda gate, now: gate.erase(at))

    def compare(
        self, answer: object, at: str, expected: Callable[[Gate, datetime], object]
    ) -> None:
        gate = self.gates.get(at)
        if gate is None:
            assert answer == unknown(at)
            return
        assert answer == expected(gate, self.judged_at(at))
        if gate.state is EXPIRED and "approval.expired" not in {
            event.kind for event in self.told() if event.address.id == at
        }:
            gate.overlook()  # its end is proven by the record: the refusal stood, unstored

    @rule(seconds=st.sampled_from([1, 59, 60, 61]))
    def tick(self, seconds: int) -> None:
        self.run(lambda: self.clock.sleep(seconds))

    # ---- what must be so ------------------------------------------------------------------------

    @precondition(lambda self: self.gates)
    @rule(call=calls)
    def wait(self, call: int) -> None:
        at = self.ids.get(call, "none")
        view = self.run(lambda: self.keep.approvals.get(SCOPE, at))
        waited = self.run(
            lambda: self.keep.approvals.wait(
                SCOPE, at, seen=view.changes if view else 0, timeout_seconds=0
            )
        )
        gate = self.gates.get(at)
        if gate is None or gate.state is DISCARDED:
            assert waited is None
        elif gate.shown(self.clock.utc_now()) is PENDING:
            assert waited == StillPending(view)  # type: ignore[arg-type]  # there is a view
        else:
            assert waited == view

    @invariant()
    def every_view_is_the_models(self) -> None:
        for at, gate in getattr(self, "gates", {}).items():
            view = self.run(partial(self.keep.approvals.get, SCOPE, at))
            assert (view is None) == (gate.state is DISCARDED)
            if view is not None:
                assert view.state is gate.shown(self.clock.utc_now())
                assert view.votes == tuple(gate.votes)
                assert view.ruling == gate.ruling
            payload = self.run(partial(self.keep.approvals.payload, SCOPE, at))
            assert (payload is not None) == gate.payload

    @invariant()
    def every_change_has_one_event_in_order(self) -> None:
        if not hasattr(self, "gates"):
            return
        told: dict[str, list[str]] = {}
        for event in self.told():
            told.setdefault(event.address.id, []).append(event.kind)
        assert told == {at: gate.events for at, gate in self.gates.items()}

    @invariant()
    def what_is_listed_is_what_waits(self) -> None:
        if not hasattr(self, "gates"):
            return
        page = self.run(lambda: self.keep.approvals.list_pending(ScopePrefix.owner(SCOPE)))
        now = self.clock.utc_now()
        waiting = {at for at, gate in self.gates.items() if gate.shown(now) is PENDING}
        assert {view.id for view in page.approvals} == waiting
        assert page.unreadable == ()


@pytest.mark.parametrize("name", STORES)
def test_every_history_is_the_models_whatever_fails(name: str) -> None:
    """Laws 35, 42 and 48 to 50 of approvals among them, under drawn faults."""
    machine = type("Machine", (ApprovalMachine,), {"store_name": name})
    examples = EXAMPLES.get(name, 60)
    bounds = settings(max_examples=examples, stateful_step_count=30, deadline=None)
    run_machine(machine, settings=bounds)
