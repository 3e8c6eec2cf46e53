"""Turns against their model: any history, any faults, on every store.

Several threads of two users share a tenant's places; workers keep every claim that they were ever
given and go on using it. Runs spawn and join others, ask people, are refused calls, fail and are
done again on the same journal. Whatever got lost, came late or was cut off, each answer must be the
model's, and after each step every invariant of what is stored must hold.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.application.turns.invariants import Whole, require_invariants
from tests.machines.stores import EXAMPLES, STORES, settings_of
from tests.machines.turns_model import (
    ASKED,
    BUSY,
    DISPOSITIONS,
    FINAL,
    JOINS,
    LEASE,
    LOST_MAX,
    RETURNED_MAX,
    Holding,
    Model,
    ModelRun,
)
from turnkeep import (
    Actor,
    Address,
    ApprovalOutcome,
    Axis,
    Blocked,
    BucketId,
    BucketLimits,
    Category,
    Claim,
    ClaimedRun,
    ClaimPass,
    Container,
    Contended,
    Dispatch,
    Disposition,
    Done,
    Effect,
    EffectId,
    EffectKind,
    EndedRun,
    Gate,
    GateKind,
    Heartbeat,
    Intended,
    InvocationId,
    JournalCall,
    Keep,
    LaneId,
    Mode,
    NotDone,
    OutcomeUnknown,
    Principal,
    Queued,
    Ref,
    Refused,
    Relinquishment,
    RequestId,
    RunAddress,
    RunId,
    RunStanding,
    RunView,
    Scope,
    Token,
    TurnClass,
    TurnPolicy,
    Unavailable,
    Uncertain,
    Unclear,
    digest_of,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.turns.child_orders import child_call, child_order
from turnkeep_application.turns.views import run_view
from turnkeep_domain.turns.run import Run
from turnkeep_ports.clock import Deadline

T = TypeVar("T")

THREADS: Final = {"t1": "ada", "t2": "ada", "t3": "ada", "t4": "bob", "t5": "bob"}
OPERATOR: Final = Actor.operator(Principal.person("olga"))
TENANT: Final = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
BOBS: Final = LaneId.of(Scope.of("acme", "bob"), TurnClass.INTERACTIVE)
GATE: Final = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=EffectId("gate", 0))
OUTCOMES: Final[dict[str, Done | NotDone | Unclear]] = {
    "done": Done(output=b"1", disposition=None),
    "not_done": NotDone(category=Category("no"), redo=False),
    "redo": NotDone(category=Category("no"), redo=True),
    "uncertain": Unclear(),
}
STUCK: Final = ("failed", "needs_operator")
SPAWNS: Final = {"spawn0": "c0", "spawn1": "c1"}
CALLS: Final = {
    "a": EffectId("a", 0),
    "b": EffectId("b", 0),
    "spawn0": EffectId("spawn", 0),
    "spawn1": EffectId("spawn", 1),
}
POLICY: Final = evolve(TurnPolicy.interactive(), lost_max=LOST_MAX, returned_max=RETURNED_MAX)

SWEPT: Final = frozenset(
    f"run.{status}"
    for status in ("requeued", "failed", "needs_operator", "cancelled", "resumed", "expired")
)
CALLED_OFF: Final = frozenset({"run.cancel_requested", "run.cancelled"})

threads = st.sampled_from(sorted(THREADS))
numbers = st.integers(0, 3)
picks = st.integers(0, 40)
steps = st.sampled_from(["a", "b"])
slots = st.sampled_from(sorted(SPAWNS))
faults = st.sampled_from(
    [
        *("commit#1: lose-before", "commit#1: lose-after", "commit#1: fail-before"),
        *("commit#1: land-late 1", "commit#1: land-late 2", "commit#1: land-late 9"),
        *("commit#1: stale", "commit#1: busy", "commit#1: stall"),
        *("commit#2: lose-before", "commit#2: lose-after", "commit#2: land-late 3"),
        *("load#1: fail-before", "load#2: fail-before", "load#2: stall", "commit#3: lose-after"),
        *("scan#1: fail-before", "load in lane: fail-before"),
    ]
)
scripts = st.lists(faults, max_size=2).map("\n".join)


class SeededRandom:
    """So that a history that fails can be played again."""

    def __init__(self) -> None:
        self._random = random.Random(3)

    def below(self, bound: float) -> float:
        return self._random.random() * bound


class TurnsMachine(RuleBasedStateMachine):
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
        container.random.override(SeededRandom())
        self.keep: Keep = container.keep()
        self.codec = container.codec()
        self.model = Model()
        self.claims: list[Claim] = []
        self.seen: Whole | None = None
        self.addresses: dict[str, RunAddress] = {}
        self.clock.run(self._open())

    async def _open(self) -> None:
        await self.store.__aenter__()
        turns = self.keep.turns
        running = BucketLimits(held=None, running=2)
        await turns.set_limit(TENANT, limits=running, by=OPERATOR)
        await turns.set_limit(BOBS, limits=1, by=OPERATOR)
        await self.clock.sleep(15)
        assert (await turns.sweep()).counted == 0

    # ---- how a step is compared -----------------------------------------------------------------

    def run(self, call: Callable[[], Coroutine[object, object, T]], script: str = "") -> T:
        """One use case under a script; without it again, where it ended in doubt or unserved."""

        self.seen = None

        async def main() -> T:
            self.store.follow(Script.parse(script))
            try:
                return await call()
            except (OutcomeUnknown, Unavailable, Contended):
                self.store.follow(Script.parse(""))
                return await call()
            finally:
                self.store.follow(Script.parse(""))

        return self.clock.run(main())

    @property
    def whole(self) -> Whole:
        """Everything that is stored, read once after each use case."""
        if self.seen is None:
            self.seen = self.clock.run(
                Whole.read(self.store, self.codec, Deadline.after(self.clock, 60))
            )
        return self.seen

    def compare(
        self,
        call: Callable[[], Coroutine[object, object, object]],
        expected: Callable[[Model, datetime], str],
        script: str,
        name: str | None = None,
    ) -> None:
        """The answer is the model's, at a moment at which the store may have judged it.

        Args:
            call: The use case.
            expected: The model's.
            script: What goes wrong.
            name: The run that it is about, where it may tell of others after it.
        """
        before = self.clock.utc_now()
        told = len(self.whole.events)
        answer = self.run(call, script)
        events = self.whole.events[told:]
        if name is not None:
            events = tuple(event for event in events if event.address == self.told_at(name))
        moments = [event.at for event in events[-1:]]
        moments += [answer.at] if isinstance(answer, Heartbeat) else []
        tried = []
        for now in (*moments, before, self.clock.utc_now()):
            model = copy.deepcopy(self.model)
            tried.append(expected(model, now))
            if tried[-1] == word(answer):
                self.model = model
                return
        raise AssertionError(f"{word(answer)}, where the model says {tried}")

    def told_at(self, name: str) -> Address:
        """What the events of a run name."""
        run = self.addresses[name]
        return Address("run", run.scope, run.id)

    def holding(self, pick: int) -> int | None:
        """A claim, every other time one that has not ended: else histories do not get far."""
        live = [claim.number for claim in self.model.claims if claim.ended is None]
        if live and pick % 2:
            return live[pick // 2 % len(live)]
        return pick % len(self.claims) if self.claims else None

    def picked(self, pick: int, *statuses: str) -> str | None:
        """A run, every other time one in such a state, where there is any."""
        known = list(self.model.runs)
        wanted = [name for name in known if self.model.runs[name].status in statuses]
        if wanted and pick % 2:
            return wanted[pick // 2 % len(wanted)]
        return known[pick % len(known)] if known else None

    # ---- what happens ---------------------------------------------------------------------------

    @rule(thread=threads, request=numbers, journaled=st.booleans(), script=scripts)
    def submit(self, thread: str, request: int, *, journaled: bool, script: str) -> None:
        name = f"{thread}-{request}"
        scope = Scope.of("acme", THREADS[thread], thread=thread)
        # A request id stands for one order: whether it is journaled is a part of it.
        journaled = self.model.runs[name].journaled if name in self.model.runs else journaled
        found: list[RunView] = []

        async def call() -> object:
            answer = await self.keep.turns.submit(
                scope,
                actor=Principal.person("ada"),
                request_id=RequestId(f"r{request}"),
                policy=evolve(POLICY, journaled=journaled),
            )
            if isinstance(answer, RunView):
                found[:] = [answer]
            return answer

        fresh = ModelRun(user=THREADS[thread], thread=thread, journaled=journaled)
        self.compare(call, lambda model, now: model.submit(name, copy.deepcopy(fresh), now), script)
        if found:
            self.addresses[name] = found[0].address

    @rule(count=st.integers(1, 3), script=scripts)
    def claim(self, count: int, script: str) -> None:
        token = Token(random.Random(len(self.claims) * 7 + count).randbytes(16))

        told = len(self.whole.events)

        async def call(lanes: tuple[LaneId, ...] | None = None) -> ClaimPass:
            return await self.keep.turns.claim(
                holder="worker", token=token, count=count, lanes=lanes
            )

        found = self.run(call, script)
        granted = [*found.granted]
        if found.doubtful:
            granted += self.run(lambda: call(found.doubtful)).granted
        assert len(granted) <= count
        self.follow(told)
        self.take(granted)

    def take(self, granted: list[ClaimedRun]) -> None:
        names = {address: name for name, address in self.addresses.items()}
        for each in sorted(granted, key=lambda each: each.until):
            name = names[each.claim.run]
            self.model.claim(name, each.until - LEASE)
            self.claims.append(each.claim)

    @rule(script=scripts)
    def whoever_is_due_and_has_room_is_served_at_last(self, script: str) -> None:
        self.sweep(script)
        for turn in range(6):
            self.sweep("")
            told = len(self.whole.events)
            token = Token(random.Random(10**6 + len(self.claims) * 31 + turn).randbytes(16))
            found = self.run(partial(self.keep.turns.claim, holder="worker", token=token, count=8))
            self.follow(told)
            self.take([*found.granted])
        now = self.clock.utc_now()
        assert not [name for name in self.model.runs if self.model.may_be_claimed(name, now)]

    @rule(pick=picks, script=scripts)
    def heartbeat(self, pick: int, script: str) -> None:
        self.under(pick, script, self.keep.turns.heartbeat, Model.heartbeat)

    @rule(pick=picks, script=scripts)
    def start(self, pick: int, script: str) -> None:
        self.under(pick, script, self.keep.turns.start, Model.start)

    @rule(pick=picks, step=steps, script=scripts)
    def intend(self, pick: int, step: str, script: str) -> None:
        self.under(
            pick,
            script,
            lambda claim: self.keep.turns.intend(
                claim, EffectId(step, 0), arguments=digest_of(step)
            ),
            lambda model, held, now: model.intend(held, step, now),
        )

    @rule(pick=picks, step=steps, outcome=st.sampled_from(sorted(OUTCOMES)), script=scripts)
    def settle(self, pick: int, step: str, outcome: str, script: str) -> None:
        self.under(
            pick,
            script,
            lambda claim: self.keep.turns.settle(
                claim,
                EffectId(step, 0),
                mode=Mode.ONCE,
                arguments=digest_of(step),
                outcome=OUTCOMES[outcome],
            ),
            lambda model, held, now: model.settle(held, step, outcome, now),
        )

    @rule(pick=picks, step=steps | slots, script=scripts)
    def decline(self, pick: int, step: str, script: str) -> None:
        """A call was refused, and its runner notes that."""
        number = self.holding(pick)
        if number is None or (step in SPAWNS and not self.may_spawn(number)):
            return

        refused = self.journal_call(self.claims[number], step)

        async def call(claim: Claim) -> object:
            return await self.keep.turns.decline(claim, refused, code=BUSY)

        self.under(pick, script, call, lambda model, held, now: model.decline(held, step, now))

    def journal_call(self, claim: Claim, step: str) -> JournalCall:
        if step not in SPAWNS:
            return JournalCall(
                id=CALLS[step], kind=EffectKind.STEP, mode=Mode.ONCE, arguments=digest_of(step)
            )
        order = child_order(
            self.record(claim.run),
            CALLS[step],
            scope=Scope.of("acme", "ada", thread=SPAWNS[step]),
            payload=b"",
            message_ref=None,
            source_ref=None,
            reply_ref=None,
            policy=None,
        )
        return child_call(order, CALLS[step], digest_of(step))

    def may_spawn(self, number: int) -> bool:
        run = self.model.runs[self.model.claims[number].run]
        return run.user == "ada" and run.parent is None

    @rule(pick=picks, slot=slots, script=scripts)
    def spawn(self, pick: int, slot: str, script: str) -> None:
        number = self.holding(pick)
        if number is None or not self.may_spawn(number):
            return
        thread, found = SPAWNS[slot], list[RunView]()

        async def call(claim: Claim) -> object:
            answer = await self.keep.turns.submit_child(
                claim,
                CALLS[slot],
                scope=Scope.of("acme", "ada", thread=thread),
                arguments=digest_of(slot),
            )
            if isinstance(answer, RunView):
                found[:] = [answer]
            return answer

        self.under(
            pick, script, call, lambda model, held, now: model.spawn(held, slot, thread, now)
        )
        if found:
            journal = self.model.runs[self.model.claims[number].run].journal
            self.addresses[journal.children[slot]] = found[0].address

    @rule(pick=picks, gate=st.sampled_from(sorted(JOINS)), script=scripts)
    def join(self, pick: int, gate: str, script: str) -> None:
        number = self.holding(pick)
        if number is None:
            return
        child = self.model.runs[self.model.claims[number].run].journal.children.get(JOINS[gate])
        if child is None:
            return
        joined = Gate.of(
            kind=GateKind.DEPENDENT_RUN,
            ref=Ref(gate),
            effect=EffectId(gate, 0),
            awaited=(self.addresses[child],),
        )
        self.under(
            pick,
            script,
            lambda claim: self.keep.turns.block(claim, gate=joined),
            lambda model, held, now: model.wait(held, gate, None, now),
        )

    @rule(slot=slots, script=scripts)
    def a_parent_fails_and_the_run_that_does_it_again_joins(self, slot: str, script: str) -> None:
        """A way that histories find too rarely by themselves."""
        live = [claim for claim in self.model.claims if claim.ended is None]
        parents = [claim for claim in live if self.may_spawn(claim.number)]
        if not parents:
            return
        name, at = parents[0].run, 2 * live.index(parents[0]) + 1
        self.spawn(at, slot, "")
        self.end(at, "fail", script)
        failed = [id for id, run in self.model.runs.items() if run.status in STUCK]
        if name not in failed:
            return
        self.retry(2 * failed.index(name) + 1, request=3, found="done", script=script)
        self.whoever_is_due_and_has_room_is_served_at_last("")
        live = [claim for claim in self.model.claims if claim.ended is None]
        for again in [claim for claim in live if claim.run in self.model.runs[name].retries]:
            (gate,) = [gate for gate, spawned in JOINS.items() if spawned == slot]
            self.join(2 * live.index(again) + 1, gate, script)

    @rule(pick=picks, script=scripts)
    def ask(self, pick: int, script: str) -> None:
        """The next attempt, where what was asked before was withdrawn with its run."""
        number = self.holding(pick)
        if number is None:
            return
        journal = self.model.runs[self.model.claims[number].run].journal
        invocation = InvocationId(self.record(self.claims[number].run).journal)

        async def call(claim: Claim) -> object:
            return await self.keep.turns.require_approval(
                claim,
                EffectId("ask", 0),
                invocation=invocation,
                action=Dispatch.of("pay", {"usd_nano": 5}),
                effects=frozenset({Effect.FINANCIAL}),
                requester=Principal.agent("scout"),
                input={"cents": 5},
                reason="because",
                display="pay",
                lifetime_seconds=int(ASKED.total_seconds()),
                attempt=journal.withdrawn + 1,
            )

        self.under(pick, script, call, lambda model, held, now: model.wait(held, "ask", None, now))

    @rule(pick=picks, verdict=st.sampled_from(sorted(DISPOSITIONS)), script=scripts)
    def decide(self, pick: int, verdict: str, script: str) -> None:
        """Somebody decides what a run waits for."""
        asking = [
            name
            for name, run in self.model.runs.items()
            if run.status == "blocked" and run.waits_at == "ask"
        ]
        if not asking:
            return
        name = asking[pick % len(asking)]
        run, user = self.addresses[name], Principal.person(self.model.runs[name].user)
        state = self.view(name).state
        assert isinstance(state, Blocked)
        id, request = str(state.gate.ref), RequestId(f"verdict on {state.gate.ref}")

        async def call() -> object:
            approvals = self.keep.approvals
            match verdict:
                case "approved":
                    return await approvals.approve(run.scope, id, by=user, decision_id=request)
                case "denied":
                    return await approvals.deny(run.scope, id, by=user, decision_id=request)
                case _:
                    return await approvals.discard(run.scope, id, by=user, request_id=request)

        self.compare(call, lambda model, now: model.decide(name, verdict, now), script)

    @rule(
        pick=picks,
        how=st.sampled_from(
            ["complete", "fail", "fail a", "fail b", "fail spawn0", "drain", "error"]
        ),
        script=scripts,
    )
    def end(self, pick: int, how: str, script: str) -> None:
        turns = self.keep.turns

        async def call(claim: Claim) -> object:
            match how:
                case "complete":
                    return await turns.complete(claim)
                case "fail":
                    return await turns.fail(claim, category=Category("broken"))
                case str() if how.startswith("fail "):
                    fatal = CALLS[how.removeprefix("fail ")]
                    return await turns.fail(claim, category=Category("broken"), effect=fatal)
                case "drain":
                    return await turns.relinquish(claim, reason=Relinquishment.DRAIN)
                case _:
                    return await turns.relinquish(claim, reason=Relinquishment.ERROR)

        self.under(pick, script, call, lambda model, held, now: model.end(held, how, now))
        self.learn_when_due()

    @rule(pick=picks, seconds=st.none() | st.sampled_from([30, 60]), script=scripts)
    def block(self, pick: int, seconds: int | None, script: str) -> None:
        until = None
        if seconds is not None:
            until = self.clock.utc_now() + timedelta(seconds=seconds)

        self.under(
            pick,
            script,
            lambda claim: self.keep.turns.block(claim, gate=GATE, until=until),
            lambda model, held, now: model.wait(held, "gate", until, now),
        )

    def under(
        self,
        pick: int,
        script: str,
        call: Callable[[Claim], Awaitable[object]],
        expected: Callable[[Model, Holding, datetime], str],
    ) -> None:
        number = self.holding(pick)
        if number is None:
            return
        claim = self.claims[number]

        async def main() -> object:
            return await call(claim)

        self.compare(main, lambda model, now: expected(model, model.claims[number], now), script)

    @rule(pick=picks, request=numbers, script=scripts)
    def cancel(self, pick: int, request: int, script: str) -> None:
        name = self.picked(pick)
        if name is None:
            return
        mark = f"{name}-{request}"
        call = partial(
            self.keep.turns.request_cancel,
            self.addresses[name],
            reason=Ref("stop"),
            actor=OPERATOR,
            request_id=RequestId(mark),
        )
        told = len(self.whole.events)
        self.compare(call, lambda model, now: model.cancel(name, mark, now), script, name)
        self.follow(told, but=name)

    @rule(
        pick=picks,
        request=numbers,
        disposition=st.sampled_from([Disposition.GRANTED, Disposition.DENIED]),
        script=scripts,
    )
    def resume(self, pick: int, request: int, disposition: Disposition, script: str) -> None:
        name = self.picked(pick)
        if name is None:
            return
        mark = f"{name}-{request}"
        call = partial(
            self.keep.turns.resume,
            self.addresses[name],
            kind=GATE.kind,
            ref=GATE.ref,
            disposition=disposition,
            actor=Actor.system("callbacks"),
            request_id=RequestId(mark),
        )
        self.compare(
            call, lambda model, now: model.resume(name, disposition.value, mark, now), script
        )

    @rule(pick=picks, request=numbers, found=st.sampled_from(["done", "redo"]), script=scripts)
    def retry(self, pick: int, request: int, found: str, script: str) -> None:
        """A run that needs an operator goes on; one that has failed is done again."""
        name = self.picked(pick, *STUCK)
        if name is None:
            return
        mark, at = f"{name}-{request}", self.addresses[name]
        outcome, answers = OUTCOMES[found], list[RunStanding]()
        assert not isinstance(outcome, Unclear)
        settles = self.model.to_settle(name, mark)

        async def call() -> object:
            answer = await self.keep.turns.retry(
                at,
                settlements={EffectId(step, 0): outcome for step in settles},
                actor=OPERATOR,
                request_id=RequestId(mark),
            )
            if isinstance(answer, RunStanding):
                answers[:] = [answer]
            return answer

        before = set(self.model.runs)
        self.compare(call, lambda model, now: model.retry(name, found, mark, now), script)
        for new in self.model.runs.keys() - before:
            self.addresses[new] = RunAddress(at.scope, answers[0].run)

    @rule(seconds=st.sampled_from([1, 5, 29, 30, 60, 89, 90, 91]))
    def tick(self, seconds: int) -> None:
        self.run(lambda: self.clock.sleep(seconds))

    @rule(script=scripts)
    def sweep(self, script: str) -> None:
        """Under faults, then again without: whatever was due by then is dealt with."""
        told = len(self.whole.events)
        self.run(self.keep.turns.sweep, script)
        self.run(self.keep.turns.sweep)
        self.follow(told)
        now = self.clock.utc_now()
        assert not [name for name in self.addresses if self.model.is_overdue(name, now)]
        self.learn_when_due()

    def follow(self, told: int, *, but: str | None = None) -> None:
        """What nobody has asked for, in the order in which it was told: time, and a cascade.

        Each must be something that the model has come to. What it does not bring about by itself
        is missing from what it expects to have been told.
        """
        names = {self.told_at(name): name for name in self.addresses if name != but}
        for event in self.whole.events[told:]:
            name = names.get(event.address)
            if name is None:
                continue
            run = self.model.runs[name]
            if self.model.is_overdue(name, event.at) and event.kind in SWEPT:
                self.model.sweep(name, event.at)
            elif self.model.is_orphan(name) and event.kind in CALLED_OFF:
                self.model.call_off(name, event.at)
            else:
                assert event.kind in {*run.events, "run.claimed"}, event.kind

    def learn_when_due(self) -> None:
        """When a run that rests is due again is drawn; it must only be within the bounds."""
        for name, run in self.model.runs.items():
            if run.status != "queued":
                continue
            view = self.view(name)
            assert isinstance(view.state, Queued)
            assert run.due_at is not None
            rest = (view.state.due_at - run.due_at).total_seconds()
            assert 0 <= rest < 2 * 60
            run.due_at = view.state.due_at

    # ---- what must be so ------------------------------------------------------------------------

    def record(self, address: RunAddress) -> Run:
        (run,) = [run for run in self.known() if run.address == address]
        return run

    def known(self) -> list[Run]:
        ended = [record.run for record in self.whole.runs if isinstance(record, EndedRun)]
        return [state.active for state in self.whole.states if state.active is not None] + ended

    def view(self, name: str) -> RunView:
        return run_view(self.record(self.addresses[name]))

    @invariant()
    def everything_that_is_stored_agrees(self) -> None:
        if hasattr(self, "keep"):
            require_invariants(self.whole)

    @invariant()
    def every_run_is_the_models(self) -> None:
        for name in getattr(self, "addresses", {}):
            run, view = self.model.runs[name], self.view(name)
            assert view.status.value == run.status
            assert (view.held_until is not None) == run.held
            if run.held:
                assert view.held_until == run.until
            assert (view.counters.lost, view.counters.returned) == (run.lost, run.returned)
            assert sorted(effect.name for effect in view.open) == sorted(run.open)
            if run.status not in FINAL:
                known = [e for e in self.whole.effects if e.journal == view.journal]
                assert view.counters.effects == len(known)

    @invariant()
    def every_change_was_told_once(self) -> None:
        if not hasattr(self, "keep"):
            return
        told: dict[RunId, list[str]] = {}
        for event in self.whole.events:
            if event.address.collection == "run":
                told.setdefault(RunId(event.address.id), []).append(event.kind)
        expected = {
            self.addresses[name].id: sorted(run.events) for name, run in self.model.runs.items()
        }
        assert {id: sorted(kinds) for id, kinds in told.items()} == expected


def word(answer: object) -> str:
    """An answer in the model's words."""
    match answer:
        case Refused(reason=reason):
            return str(reason.code)
        case RunStanding() | RunView():
            return answer.status.value
        case Disposition():
            return answer.value
        case Heartbeat():
            return "beats"
        case Intended():
            return "intended"
        case Done():
            return "done"
        case NotDone(redo=redo):
            return "redo" if redo else "not_done"
        case Uncertain():
            return "uncertain"
        case ApprovalOutcome(state=state):
            return state.value
        case _:
            raise AssertionError(f"no answer of turns: {answer}")


@pytest.mark.parametrize("name", STORES)
def test_every_history_of_turns_is_the_models_whatever_fails(name: str) -> None:
    """Laws 17, 28, 29, 32, 34 to 39, 48, 51, 55, 56, 61 and 62 among them, under drawn faults."""
    machine = type("Machine", (TurnsMachine,), {"store_name": name})
    examples = EXAMPLES.get(name, 60)
    bounds = settings(max_examples=examples, stateful_step_count=30, deadline=None)
    run_machine(machine, settings=bounds)
