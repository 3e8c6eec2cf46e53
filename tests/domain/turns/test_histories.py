"""Histories: whatever is done to a thread's runs, in whatever order, the invariants hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.turns.samples import (
    APPROVAL_ID,
    ARGUMENTS,
    AUTH,
    BACKOFF,
    CHILD,
    GATE,
    GRACE,
    HOST,
    JOINED,
    NEXT,
    OPERATOR,
    RUN,
    SIBLING,
    SUBMITTER,
    TTL,
    Thread,
    free,
    later,
    token,
    turn,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.claims import Claim, Relinquishment
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    Intended,
    Mode,
    NotDone,
    Outcome,
    RunEffect,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref, RunId
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Cancelled, CancelRequested

Answer: TypeAlias = Decision[Moved, object, object]

POLICIES: Final = (
    TurnPolicy.interactive(),
    TurnPolicy(turn_class=TurnClass.BACKGROUND, journaled=False, lost_max=1, returned_max=1),
)
OUTCOMES: Final[tuple[Outcome | Unclear, ...]] = (
    Done(output=b"x", disposition=None),
    NotDone(category=Category("c"), redo=False),
    NotDone(category=Category("c"), redo=True),
    Unclear(),
)
SETTLEMENTS: Final[tuple[Outcome, ...]] = (OUTCOMES[0], OUTCOMES[2])  # type: ignore[assignment]  # no Unclear
GATES: Final = (GATE, AUTH, JOINED)


@frozen(kw_only=True)
class Step:
    """One command: which, when, by whose claim, and with which of the few arguments there are."""

    verb: str
    seconds: int
    pick: int
    latest: bool
    request: str


@define
class World:
    """One thread, the claims that were ever granted in it, and what the laws watch."""

    thread: Thread = field(factory=free)
    claims: list[Claim] = field(factory=list)

    def claim(self, step: Step) -> Claim:
        if not self.claims:
            return Claim(run=RunAddress(turn().scope, RUN), epoch=0, token=token(99))
        return self.claims[-1] if step.latest else self.claims[step.pick % len(self.claims)]

    def run_of(self, step: Step) -> RunId:
        active = self.thread.state.active
        if step.latest and active is not None:
            return active.id
        return (RUN, NEXT)[step.pick % 2]


Verb: TypeAlias = Callable[[World, Step, datetime, Thread], Answer]
"""Its arguments follow from the world as it was; the thread is what it is done to."""


def submit(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    request = "q1" if RUN not in world.thread.ended else "q2"
    if world.thread.record(NEXT) is not None:
        return Unchanged(None)
    return on.state.submit(
        id=RUN if request == "q1" else NEXT,
        turn=turn(request),
        policy=POLICIES[step.pick % 2],
        lineage=Lineage.of_root(),
        holds=(),
        actor=SUBMITTER,
        now=now,
    )


def claim(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    minted = token(len(world.claims))
    return on.state.claim(run=world.run_of(step), holder="w", token=minted, ttl=TTL, now=now)


def heartbeat(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held = world.claim(step)
    return on.state.heartbeat(claim=held, ttl=TTL, ended=on.record(held.run.id), now=now)


def start(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held = world.claim(step)
    return on.state.start(claim=held, ended=on.record(held.run.id), now=now)


def checkpoint(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held = world.claim(step)
    return on.state.checkpoint(
        claim=held,
        kind=CheckpointKind.FINAL,
        schema=1,
        payload=b"",
        ordinals=(),
        ended=on.record(held.run.id),
        now=now,
    )


def effect_of(step: Step) -> EffectId:
    return EffectId(("mail", "look")[step.pick % 2], step.pick % 3)


def mode_of(id: EffectId) -> Mode:
    return Mode.ONCE if id.name == "mail" else Mode.KEYED


def known(on: Thread, run: RunId, id: EffectId) -> RunEffect | None:
    entry = on.effects.get(id)
    return entry if entry is not None and entry.journal == run else None


def intend(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held, id = world.claim(step), EffectId("mail", step.pick % 3)
    return on.state.intend(
        claim=held,
        id=id,
        kind=EffectKind.STEP,
        arguments=ARGUMENTS,
        effect=known(on, held.run.id, id),
        ended=on.record(held.run.id),
        now=now,
    )


def settle(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held, id = world.claim(step), effect_of(step)
    mode = mode_of(id)
    outcomes = OUTCOMES if mode is Mode.ONCE else OUTCOMES[:3]
    return on.state.settle(
        claim=held,
        id=id,
        kind=EffectKind.STEP,
        mode=mode,
        arguments=ARGUMENTS,
        outcome=outcomes[step.pick % len(outcomes)],
        effect=known(on, held.run.id, id),
        ended=on.record(held.run.id),
        now=now,
    )


def block(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held, gate = world.claim(step), GATES[step.pick % len(GATES)]
    return on.state.block(
        claim=held,
        gate=gate,
        live=gate.awaited[step.pick % 3 :],
        until=None if gate is JOINED else later(2_000),
        settled=None,
        approval=APPROVAL_ID if gate is GATE else None,
        effect=known(on, held.run.id, gate.effect),
        ended=on.record(held.run.id),
        now=now,
    )


def complete(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held = world.claim(step)
    return on.state.complete(claim=held, result_ref=None, ended=on.record(held.run.id), now=now)


def fail(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held = world.claim(step)
    return on.state.fail(
        claim=held,
        category=Category("c"),
        effect=None,
        ended=on.record(held.run.id),
        now=now,
    )


def relinquish(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    held, id = world.claim(step), effect_of(step)
    entry = known(world.thread, held.run.id, id)
    return on.state.relinquish(
        claim=held,
        reason=(Relinquishment.DRAIN, Relinquishment.ERROR)[step.pick % 2],
        redo=None if entry is None else id,
        effect=known(on, held.run.id, id),
        backoff=BACKOFF,
        ended=on.record(held.run.id),
        now=now,
    )


def expire(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    return on.state.expire(run=world.run_of(step), backoff=BACKOFF, now=now)


def resume(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    run = world.run_of(step)
    gate = GATES[step.pick % 2]
    return on.state.resume(
        run=run,
        kind=gate.kind,
        ref=gate.ref,
        disposition=tuple(Disposition)[step.pick % 4],
        actor=HOST,
        request_id=RequestId(step.request),
        ended=on.record(run),
        now=now,
    )


def awaited_ended(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    return on.state.awaited_ended(child=(CHILD, SIBLING)[step.pick % 2], now=now)


def elapse(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    return on.state.elapse(run=world.run_of(step), now=now)


def cancel(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    run = world.run_of(step)
    return on.state.request_cancel(
        run=run,
        reason=Ref("r"),
        actor=SUBMITTER,
        request_id=RequestId(step.request),
        grace=GRACE,
        ended=on.record(run),
        now=now,
    )


def retry(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    run = world.run_of(step)
    active = world.thread.state.active
    open = () if active is None else active.open
    return on.state.retry(
        run=run,
        settlements=dict.fromkeys(open, SETTLEMENTS[step.pick % 2]),
        effects=tuple(on.effects.values()),
        actor=OPERATOR,
        request_id=RequestId(step.request),
        ended=on.record(run),
        now=now,
    )


def give_up(world: World, step: Step, now: datetime, on: Thread) -> Answer:
    run = world.run_of(step)
    return on.state.give_up(
        run=run,
        settlements={},
        effects=(),
        category=Category("c"),
        actor=OPERATOR,
        request_id=RequestId(step.request),
        ended=on.record(run),
        now=now,
    )


# Those that lead on are drawn more often, so that a history goes somewhere.
VERBS: Final[dict[str, Verb]] = {
    verb.__name__: verb
    for verb in (
        *(submit, claim, heartbeat, start, checkpoint, intend, settle, block, complete, fail),
        *(relinquish, expire, resume, awaited_ended, elapse, cancel, retry, give_up),
    )
}
OFTEN: Final = ("submit", "claim", "claim", "intend", "settle", "block", "resume", "retry")

REPEATED: Final = (
    *("claim", "heartbeat", "start", "settle", "intend", "block", "complete", "fail"),
    *("relinquish", "resume", "cancel", "retry", "give_up"),
)
"""Those whose repeat is answered as the first was; the others have no request to know it by."""

STEPS: Final = st.lists(
    st.builds(
        Step,
        verb=st.sampled_from([*VERBS, *OFTEN]),
        seconds=st.sampled_from([0, 0, 0, 1, 5, 30, 95]),
        pick=st.integers(0, 11),
        latest=st.sampled_from([True, True, True, False]),
        request=st.sampled_from([f"r{number}" for number in range(5)]),
    ),
    min_size=20,
    max_size=50,
)


def carried_out(world: World, step: Step, now: datetime) -> None:
    """Does one step, and judges it by all laws."""
    before = world.thread
    verb = VERBS[step.verb]
    answer = verb(world, step, now, before)
    if not isinstance(answer, Changed | Settled):
        return
    after = before.after(answer)
    assert_one_active_run(after)
    assert_the_fence(before, after, step)
    assert_ends_are_for_ever(before, after)
    assert_versions(before, after, step, answer)
    assert_steps_start_once(before, after)
    assert_journal_is_counted(after)
    assert_done_once(step, answer, verb(world, step, now, after))
    world.thread = after
    if step.verb == "claim":
        run = after.run
        world.claims.append(Claim(run=run.address, epoch=run.epoch, token=token(len(world.claims))))
    epochs = [held.epoch for held in world.claims]
    assert epochs == sorted(set(epochs))


def assert_done_once(step: Step, first: Answer, again: Answer) -> None:
    """The same command at once again stores nothing and, where it is to, answers alike."""
    if isinstance(first, Settled):
        assert again == Refused(first.reason)
    elif step.verb in REPEATED and isinstance(first, Changed):
        assert again == Unchanged(first.outcome)
    else:
        assert step.verb == "checkpoint" or not isinstance(again, Changed | Settled)


def assert_one_active_run(thread: Thread) -> None:
    """1, 2."""
    run = thread.state.active
    assert run is None or (not run.status.final and run.id not in thread.ended)
    assert all(record.run.status.final for record in thread.ended.values())
    if run is not None and run.lease is not None:
        assert run.epoch == thread.state.fence


def assert_the_fence(before: Thread, after: Thread, step: Step) -> None:
    """3."""
    held_before = is_held(before.state.active)
    held_after = is_held(after.state.active)
    rise = 1 if held_before != held_after else 0
    assert after.state.fence == before.state.fence + rise, step


def is_held(run: Run | None) -> bool:
    return run is not None and run.lease is not None


def assert_ends_are_for_ever(before: Thread, after: Thread) -> None:
    """4."""
    assert all(after.ended[id] == record for id, record in before.ended.items())
    run = before.state.active
    if run is not None and isinstance(run.state, CancelRequested):
        now = after.state.active or after.ended[run.id].run
        assert isinstance(now.state, CancelRequested | Cancelled)


def assert_versions(before: Thread, after: Thread, step: Step, answer: Answer) -> None:
    """9."""
    run = before.state.active
    if run is None or isinstance(answer, Settled):
        return
    now = after.state.active or after.ended[run.id].run
    assert now.version == run.version + (step.verb != "heartbeat"), step


def assert_steps_start_once(before: Thread, after: Thread) -> None:
    """7."""
    for id, entry in after.effects.items():
        was = before.effects.get(id)
        started = isinstance(entry.state, Intended) and (was is None or was.state != entry.state)
        if started and was is not None and was.journal == entry.journal:
            assert was.is_to_be_redone


def assert_journal_is_counted(thread: Thread) -> None:
    run = thread.state.active
    if run is not None:
        entries = [entry for entry in thread.effects.values() if entry.journal == run.journal]
        assert set(run.open) == {entry.id for entry in entries if entry.is_open}


def first(verb: str) -> Step:
    return Step(verb=verb, seconds=0, pick=0, latest=True, request="r0")


def begun() -> World:
    """A world in which a worker has just begun with the first run."""
    world = World()
    carried_out(world, first("submit"), later(0))
    carried_out(world, first("claim"), later(0))
    return world


@settings(max_examples=200)
@given(STEPS)
def test_every_history_keeps_the_invariants(steps: list[Step]) -> None:
    """1, 2, 3, 4, 7 and 9 of the invariants."""
    world = begun()
    seconds = 0
    for step in steps:
        seconds += step.seconds
        carried_out(world, step, later(seconds))


def test_histories_reach_every_state_and_end() -> None:
    """So that the invariants are not kept by standing still."""
    seen: set[str] = set()
    ends: set[str] = set()

    @settings(max_examples=150, database=None, derandomize=True)
    @given(STEPS)
    def explore(steps: list[Step]) -> None:
        world = begun()
        seconds = 0
        for step in steps:
            seconds += step.seconds
            carried_out(world, step, later(seconds))
            run = world.thread.state.active
            seen.update(record.run.status.value for record in world.thread.ended.values())
            seen.update(set() if run is None else {run.status.value})
            ends.update(end.operation.value for end in world.thread.state.ends)

    explore()
    assert len(seen) == 8
    assert ends == {"complete", "fail", "block", "relinquish", "expiry"}


def test_an_ended_run_is_what_its_record_says() -> None:
    world = begun()
    carried_out(world, first("complete"), later(0))
    record = world.thread.record()
    assert record is not None
    assert record.standing == record.run.standing
