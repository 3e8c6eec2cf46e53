"""Budgets against their model: any history, any faults, on every store.

Whatever got lost, came late or was cut off on the way, each answer must be the model's, and what
is spent and reserved must be its sums. Where a call ends in doubt, it is repeated as its error
says, and then it must be.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.machines.budget_model import TENANT, USER, Sheet
from tests.machines.stores import EXAMPLES, STORES, settings_of
from turnkeep import (
    EVERYBODY,
    START,
    AccountRef,
    Calendar,
    CalendarUnit,
    Ceiling,
    Container,
    Dimension,
    Event,
    Keep,
    LimitExceeded,
    Limits,
    LimitsSet,
    OnExpiry,
    OutcomeUnknown,
    Principal,
    Receipt,
    Recorded,
    RecordedPage,
    Refused,
    RequestId,
    Scope,
    Unavailable,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock

T = TypeVar("T")
WORK = Scope.of("acme", "ann")
ACCOUNTS = {TENANT: AccountRef.tenant("acme"), USER: AccountRef.user("acme", "ann")}
DAILY = Calendar("UTC", CalendarUnit.DAY)
USD, SLOTS = Dimension.USD_NANO, Dimension.CONCURRENCY_SLOTS
TTL_MS = 60_000

ids = st.sampled_from([f"r{number}" for number in range(5)])
requests = st.sampled_from(["a", "b", "c"])
amounts = st.integers(0, 12)
ways = st.sampled_from(OnExpiry)
names = st.sampled_from([TENANT, USER])
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
# What goes through several records must not be judged at several times.
swift = st.lists(
    st.sampled_from(["commit#1: lose-after", "commit#1: stale", "commit#2: lose-before"]),
    max_size=2,
).map("\n".join)


def told(answer: object) -> object:
    """What is compared of an answer."""
    match answer:
        case Receipt(status=status, standing=standing, actual=actual):
            return status, standing, None if actual is None else actual[USD]
        case Refused(LimitExceeded(breaches=breaches)):
            return [(each.account.level.value, each.dimension.value) for each in breaches]
        case Refused(reason):
            return reason.code
        case _:
            raise AssertionError(answer)


class BudgetMachine(RuleBasedStateMachine):
    """The service and the model, side by side."""

    store_name: str

    @initialize(
        usd=st.integers(0, 30),
        slots=st.integers(0, 3),
        together=st.booleans(),
        remembers=st.booleans(),
    )
    def begin(self, usd: int, slots: int, *, together: bool, remembers: bool) -> None:
        self.clock = VirtualClock()
        inner = STORES[self.store_name](self.clock)
        self.store = FaultyRecordStore(inner, script=Script.parse(""), clock=self.clock)
        container = Container()
        container.clock.override(self.clock)
        container.store.override(self.store)
        container.settings.override(settings_of(together=together, remembers=remembers))
        self.keep: Keep = container.keep()
        self.sheet = Sheet()
        self.orders = self.known = 0
        self.clock.run(self._open())
        self.limit(TENANT, usd, slots, "")

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

    def events(self) -> list[Event]:
        found: list[Event] = []
        after = START
        while True:
            page = self.run(lambda: self.keep.events.read(EVERYBODY, after=after, limit=500))  # noqa: B023 - it runs at once
            assert isinstance(page, RecordedPage)
            found += [entry.event for entry in page.entries if isinstance(entry, Recorded)]
            if page.next == after:
                return found
            after = page.next

    def judged_at(self, before: int) -> datetime:
        """When the store judged the last command: faults may have let time pass since."""
        found = self.events()
        return found[-1].at if len(found) > before else self.clock.utc_now()

    # ---- what happens ---------------------------------------------------------------------------

    @rule(id=ids, usd=amounts, slots=st.integers(0, 2), way=ways, script=scripts)
    def reserve(self, id: str, usd: int, slots: int, way: OnExpiry, script: str) -> None:
        if not usd and not slots:
            return
        before = self.known
        answer = self.run(
            lambda: self.keep.budgets.reserve(
                WORK,
                id=RequestId(id),
                estimate={USD: usd, SLOTS: slots},
                owner="w",
                ttl_ms=TTL_MS,
                on_expiry=way,
            ),
            script,
        )
        now = self.judged_at(before)
        assert told(answer) == self.sheet.reserve(id, usd, slots, way, ttl_ms=TTL_MS, now=now)

    @rule(id=ids, request=requests, usd=st.none() | amounts, script=scripts)
    def close(self, id: str, request: str, usd: int | None, script: str) -> None:
        before = self.known
        budgets, named = self.keep.budgets, RequestId(request)

        async def close() -> object:
            if usd is None:
                return await budgets.release(WORK, RequestId(id), request_id=named)
            return await budgets.reconcile(WORK, RequestId(id), request_id=named, usage={USD: usd})

        answer = self.run(close, script)
        assert told(answer) == self.sheet.close(id, request, usd, self.judged_at(before))

    @rule(id=ids, ttl_ms=st.sampled_from([1_000, TTL_MS, 10 * TTL_MS]), script=scripts)
    def extend(self, id: str, ttl_ms: int, script: str) -> None:
        extend, begun = self.keep.budgets.extend, self.clock.utc_now()
        answer = self.run(lambda: extend(WORK, RequestId(id), ttl_ms=ttl_ms), script)
        now = self.clock.utc_now()
        line = self.sheet.lines.get(id)
        if isinstance(answer, Receipt) and line is not None and answer.deadline != line.deadline:
            # No event tells when it was judged, but its new deadline does.
            now = answer.deadline - timedelta(milliseconds=ttl_ms)
            assert begun <= now <= self.clock.utc_now()
        assert told(answer) == self.sheet.extend(id, ttl_ms, now)
        if isinstance(answer, Receipt) and line is not None:
            assert answer.deadline == line.deadline

    @rule(script=swift)
    def sweep(self, script: str) -> None:
        before, begun = self.known, self.clock.utc_now()
        self.run(self.keep.budgets.expire_due, script)
        swept = {event.address.id for event in self.events()[before:]}
        lines = self.sheet.lines.items()
        assert swept >= {id for id, line in lines if line.is_overdue(begun)}
        assert swept <= {id for id, line in lines if line.is_overdue(self.clock.utc_now())}
        for id in swept:
            self.sheet.expire(id)

    @rule(name=names, usd=st.integers(0, 30), slots=st.integers(0, 3), script=swift)
    def limit(self, name: str, usd: int, slots: int, script: str) -> None:
        self.orders += 1
        before = self.known
        limits = Limits.of(DAILY, {USD: Ceiling.of(usd), SLOTS: Ceiling.of(slots)})
        by, named = Principal.person("bo"), RequestId(f"l{self.orders}")
        set_limit = self.keep.budgets.set_limit
        answer = self.run(
            lambda: set_limit(ACCOUNTS[name], limits, by=by, request_id=named), script
        )
        assert isinstance(answer, LimitsSet)
        self.sheet.limit(name, usd, slots, self.judged_at(before))

    @rule(name=names)
    def meter(self, name: str) -> None:
        self.run(lambda: self.keep.budgets.meter(ACCOUNTS[name]))
        if not self.sheet.entries[name].metered:
            self.sheet.entries[name].metered = True
            self.sheet.events.append("metered")

    @rule(seconds=st.sampled_from([1, 29, 30, 59, 60, 61, 3_600, 40_000, 86_400]))
    def tick(self, seconds: int) -> None:
        self.run(lambda: self.clock.sleep(seconds))

    # ---- what must be so ------------------------------------------------------------------------

    @invariant()
    def spent_and_reserved_are_the_models_sums(self) -> None:
        if not hasattr(self, "sheet"):
            return
        shown = self.run(lambda: self.keep.budgets.snapshot(WORK))
        for view in shown.accounts:
            name = view.account.level.value
            entry = self.sheet.entries[name]
            assert (view.metered_since is not None) == entry.metered
            if not entry.limited:
                continue  # its window is its lifetime
            now = shown.at
            assert view[USD].spent == self.sheet.spent(name, now)
            assert view[USD].reserved == self.sheet.usd_held(name, now)
            assert view[SLOTS].reserved == self.sheet.slots_held(name, now)

    @invariant()
    def every_reservation_stands_as_the_models_does(self) -> None:
        for id, line in getattr(self, "sheet", Sheet()).lines.items():
            reservation = self.keep.budgets.reservation
            view = self.run(lambda: reservation(WORK, RequestId(id)))  # noqa: B023 - it runs at once
            assert view is not None
            assert view.receipt.standing is line.standing(self.clock.utc_now())

    @invariant()
    def every_change_has_one_event(self) -> None:
        if hasattr(self, "sheet"):
            kinds = [event.kind.removeprefix("budget.") for event in self.events()]
            self.known = len(kinds)
            assert sorted(kinds) == sorted(self.sheet.events)


@pytest.mark.parametrize("name", STORES)
def test_every_history_is_the_models_whatever_fails(name: str) -> None:
    """56, and 17 to 36 of budgets among them, under drawn faults."""
    machine = type("Machine", (BudgetMachine,), {"store_name": name})
    examples = EXAMPLES.get(name, 60)
    bounds = settings(max_examples=examples, stateful_step_count=30, deadline=None)
    run_machine(machine, settings=bounds)
