"""Leases and secret leases against their model: any history, any faults, on every store.

Each answer must be the model's. A use whose answer was lost on the way may be spent without its
material: then a repeat says so, and only then.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

import pytest
from dependency_injector import providers
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.application.secrets.vaults import OLD, keyed
from tests.machines.lending_model import Loan, Lock
from tests.machines.stores import EXAMPLES, STORES, settings_of
from tests.machines.test_approvals import faults
from turnkeep import (
    ANY,
    EVERYBODY,
    ConsumedLease,
    Container,
    Event,
    ExpiredLease,
    Guard,
    Keep,
    LeaseRef,
    Material,
    Opened,
    OutcomeUnknown,
    Recorded,
    RecordedPage,
    Refused,
    RequestId,
    RevokedLease,
    Scope,
    SecretLeaseRevoked,
    SecretOutcome,
    Spent,
    Tenancy,
    TenureReleased,
    Unavailable,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.keys import Address

T = TypeVar("T")
OWNER = Scope.of("acme", "ann")
SCOPE = Scope.of("acme", "ann", thread="t")
RUN = Address("lease", SCOPE, "run")

scripts = st.lists(faults, max_size=3).map("\n".join)
holders = st.sampled_from(["one", "two"])
fences = st.integers(1, 4)
names = st.integers(0, 2)
ids = st.sampled_from([f"r{number}" for number in range(6)])


def word(answer: object) -> object:
    """An answer, as the model puts it."""
    match answer:
        case Tenancy(fence=fence) | TenureReleased(fence=fence):
            return fence
        case Opened(material=material):
            with material:
                return material.reveal()
        case Spent():
            return "spent"
        case ConsumedLease():
            return "lease_consumed"
        case ExpiredLease():
            return "lease_expired"
        case RevokedLease(cause=cause):
            return cause.value
        case Refused(SecretLeaseRevoked(cause)):
            return cause.value
        case Refused(reason):
            return getattr(reason, "code", None)
        case _:
            return answer


class LendingMachine(RuleBasedStateMachine):
    """The services and the model, side by side."""

    store_name: str

    @initialize(together=st.booleans(), remembers=st.booleans())
    def begin(self, *, together: bool, remembers: bool) -> None:
        self.clock = VirtualClock()
        inner = STORES[self.store_name](self.clock)
        self.store = FaultyRecordStore(inner, script=Script.parse(""), clock=self.clock)
        container = Container()
        container.clock.override(providers.Object(self.clock))
        container.store.override(providers.Object(self.store))
        container.settings.override(settings_of(together=together, remembers=remembers))
        keyed(OLD)(container)
        self.keep: Keep = container.keep()
        self.lock = Lock()
        self.generation = 0
        self.material: bytes | None = None
        self.loans: dict[str, Loan] = {}
        self.refs: dict[int, LeaseRef] = {}
        self.delivered: dict[str, int] = {}
        self.repeated = False
        self.clock.run(self._open())

    async def _open(self) -> None:
        await self.store.__aenter__()
        await self.keep.secrets.begin()

    def run(self, call: Callable[[], Coroutine[object, object, T]], script: str = "") -> T:
        """One use case under a script; without it again, where it ended in doubt or unserved."""

        async def main() -> T:
            self.repeated = False
            self.store.follow(Script.parse(script))
            try:
                return await call()
            except (OutcomeUnknown, Unavailable):
                self.repeated = True
                self.store.follow(Script.parse(""))
                return await call()
            finally:
                self.store.follow(Script.parse(""))

        return self.clock.run(main())

    def told(self, id: str) -> list[Event]:
        """All events so far of one record."""
        page = self.run(lambda: self.keep.events.read(EVERYBODY, limit=500))
        assert isinstance(page, RecordedPage)
        events = [entry.event for entry in page.entries if isinstance(entry, Recorded)]
        return [event for event in events if event.address.id == id]

    def judged_at(self, id: str, before: list[str]) -> datetime:
        """When the store judged the last command: faults may have let time pass since."""
        events = self.told(id)
        return events[-1].at if len(events) > len(before) else self.clock.utc_now()

    # ---- the general lease ----------------------------------------------------------------------

    def compare(self, answer: object, expected: Callable[[datetime], object]) -> None:
        now = self.judged_at("run", self.lock.told)
        assert word(answer) == expected(now)
        if len(self.told("run")) < len(self.lock.told) and self.lock.told[-1] == "lease.lapsed":
            # Its end is proven by the record: the refusal stood, unstored.
            view = self.run(lambda: self.keep.leases.get(SCOPE, "run"))
            assert view.vacant
            self.run(lambda: self.keep.leases.expire(SCOPE, "run"))

    @rule(holder=holders, id=ids, script=scripts)
    def acquire(self, holder: str, id: str, script: str) -> None:
        leases = self.keep.leases
        answer = self.run(
            lambda: leases.acquire(SCOPE, "run", holder=holder, request_id=RequestId(id)), script
        )
        self.compare(answer, lambda now: self.lock.acquire(holder, id, now))

    @rule(holder=holders, fence=fences, script=scripts)
    def renew(self, holder: str, fence: int, script: str) -> None:
        leases = self.keep.leases
        answer = self.run(lambda: leases.renew(SCOPE, "run", holder=holder, fence=fence), script)
        if isinstance(answer, Tenancy):
            # A renewal tells nothing; when it was judged, its deadline tells.
            assert self.lock.renew(holder, fence, answer.tenure.since) == fence
            assert self.lock.until is not None
            assert answer.until >= self.lock.until
            assert answer.until <= self.clock.utc_now() + (answer.until - answer.tenure.since)
            self.lock.until = answer.until
        else:
            self.compare(answer, lambda now: self.lock.renew(holder, fence, now))

    @rule(holder=holders, fence=fences, script=scripts)
    def release(self, holder: str, fence: int, script: str) -> None:
        leases = self.keep.leases
        answer = self.run(lambda: leases.release(SCOPE, "run", holder=holder, fence=fence), script)
        self.compare(answer, lambda now: self.lock.release(holder, fence, now))

    # ---- the secret -----------------------------------------------------------------------------

    @rule(script=scripts, number=st.integers(0, 1_000_000))
    def put(self, script: str, number: int) -> None:
        material = f"material {self.generation} {number}".encode()
        id = RequestId(f"put-{self.generation}")

        async def put() -> object:
            with Material.of(material) as held:
                return await self.keep.secrets.put(
                    OWNER, "api", material=held, expected=ANY, request_id=id
                )

        answer = self.run(put, script)
        assert isinstance(answer, SecretOutcome)
        self.generation += 1
        assert answer.generation == self.generation
        self.material = material

    @rule(script=scripts)
    def delete(self, script: str) -> None:
        id = RequestId(f"delete-{self.generation}")
        secrets = self.keep.secrets
        answer = self.run(lambda: secrets.delete(OWNER, "api", expected=ANY, request_id=id), script)
        assert isinstance(answer, SecretOutcome)
        self.generation += self.material is not None
        assert answer.generation == self.generation
        self.material = None

    # ---- its leases -----------------------------------------------------------------------------

    @rule(name=names, uses_max=st.integers(1, 3), guard=st.none() | fences, script=scripts)
    def issue(self, name: int, uses_max: int, guard: int | None, script: str) -> None:
        if name in self.refs:
            return
        tenure = None if guard is None else Guard(RUN, guard)
        id = RequestId(f"issue-{name}-{self.generation}-{self.clock.monotonic()}-{guard}")
        secrets = self.keep.secrets
        answer = self.run(
            lambda: secrets.issue(
                SCOPE,
                owner=OWNER,
                handle="api",
                request_id=id,
                uses_max=uses_max,
                ttl_seconds=90,
                guard=tenure,
            ),
            script,
        )
        if isinstance(answer, LeaseRef):
            (event,) = self.told(answer.id)
            assert self.material is not None
            assert guard is None or self.lock.live(guard, event.at)
            (view,) = [one for one in self.listed() if one.ref == answer]
            loan = Loan(self.generation, self.material, uses_max, view.deadline, guard)
            self.refs[name], self.loans[answer.id] = answer, loan
        elif self.material is None:
            assert word(answer) == "secret_unknown"
        else:
            assert word(answer) == "guard_lost"
            assert guard is not None
            assert not self.lock.live(guard, self.clock.utc_now())

    def listed(self) -> Any:
        return self.run(lambda: self.keep.secrets.leases(SCOPE, limit=200)).leases

    @rule(name=names, id=ids, script=scripts)
    def consume(self, name: int, id: str, script: str) -> None:
        if name not in self.refs:
            return
        ref, loan = self.refs[name], self.loans[self.refs[name].id]
        secrets = self.keep.secrets
        answer = word(self.run(lambda: secrets.consume(ref, request_id=RequestId(id)), script))
        repeated = self.repeated
        generation = None if self.material is None else self.generation
        now = self.judged_at(ref.id, loan.told)
        fresh = id not in loan.receipts
        expected = loan.consume(id, now, self.lock, generation)
        if answer == "spent" and fresh:
            # Its answer was lost on the way, and the use with it.
            assert repeated
            assert expected == loan.material
        else:
            assert answer == expected
        if answer == loan.material:
            self.delivered[ref.id] = self.delivered.get(ref.id, 0) + 1
        self.settle(ref, loan)

    @rule(name=names, id=ids, script=scripts)
    def revoke(self, name: int, id: str, script: str) -> None:
        if name not in self.refs:
            return
        ref, loan = self.refs[name], self.loans[self.refs[name].id]
        secrets = self.keep.secrets
        answer = self.run(lambda: secrets.revoke(ref, request_id=RequestId(id)), script)
        now = self.judged_at(ref.id, loan.told)
        assert word(answer) == loan.revoke(id, now)

    def settle(self, ref: LeaseRef, loan: Loan) -> None:
        ends = [event.kind for event in self.told(ref.id)].count("secret_lease.ended")
        if loan.ended is not None and not ends:
            loan.overlook()

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 61]))
    def tick(self, seconds: int) -> None:
        self.run(lambda: self.clock.sleep(seconds))

    @rule()
    def sweep(self) -> None:
        swept = self.run(self.keep.secrets.sweep)
        now = self.clock.utc_now()
        due = [loan for loan in self.loans.values() if not loan.ended and loan.deadline <= now]
        assert (swept.expired, swept.unreadable) == (len(due), ())
        for loan in due:
            assert loan.revoke("never", now) == "lease_expired"

    # ---- what must be so ------------------------------------------------------------------------

    @invariant()
    def every_change_has_one_event_in_order(self) -> None:
        if not hasattr(self, "loans"):
            return
        assert [event.kind for event in self.told("run")] == self.lock.told
        for id, loan in self.loans.items():
            assert [event.kind for event in self.told(id)] == loan.told

    @invariant()
    def no_more_was_delivered_than_counted(self) -> None:
        for id, loan in getattr(self, "loans", {}).items():
            assert self.delivered.get(id, 0) <= len(loan.receipts) <= loan.uses_max

    @invariant()
    def what_is_listed_is_the_models(self) -> None:
        if not hasattr(self, "loans"):
            return
        now = self.clock.utc_now()
        for view in self.listed():
            loan = self.loans[view.ref.id]
            assert view.uses == len(loan.receipts)
            assert view.active == (loan.ended is None and loan.deadline > now)

    def teardown(self) -> None:  # type: ignore[explicit-override]  # 3.11 has no override
        if hasattr(self, "keep"):
            assert self.run(self.keep.secrets.audit).sound


@pytest.mark.parametrize("name", STORES)
def test_every_history_is_the_models_whatever_fails(name: str) -> None:
    """Laws 2 to 6, 9, 11, 16, 17, 20 to 25, 27, 31 to 33 of leases among them."""
    machine = type("Machine", (LendingMachine,), {"store_name": name})
    examples = EXAMPLES.get(name, 60)
    bounds = settings(max_examples=examples, stateful_step_count=30, deadline=None)
    run_machine(machine, settings=bounds)
