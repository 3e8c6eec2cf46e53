"""A scene follows from its seed, repeats commands when it is played again, and ends decided."""

import random
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from turnkeep import ApprovalOutcome, DiscardRefusal, Principal, Refused, RequestId, VoteRefusal
from turnkeep_adapters.cli.demo.asking import Ask, asks_of
from turnkeep_adapters.cli.demo.chronicle import APPROVE, DENY
from turnkeep_adapters.cli.demo.recording import Task, ToolCall
from turnkeep_adapters.cli.demo.scene import Plot, Scene, Step, scene_of
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.fingerprint import Fingerprint
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Changed, Decision

NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
seeds = st.integers(0, 10_000)
tools = st.sampled_from(["read_file", "send_money"])


def ask(tool: str = "send_money") -> Ask:
    (only,) = asks_of(Task(line=1, id="desk/1", prompt="", calls=(ToolCall(1, tool, {}),)), 1)
    return only


def steps(scene: Scene) -> list[Step]:
    return [step for errand in scene.errands for step in errand.steps]


def raised(asked: Ask) -> Approval:
    question = Question(
        scope=asked.scope,
        attempt=1,
        invocation=asked.invocation,
        action=asked.action,
        effects=asked.effects,
        requester=asked.requester,
        correlation_id=asked.correlation_id,
        fingerprint=Fingerprint("sha256:" + "0" * 64),
        offers=frozenset({Offer.ONCE}),
        quorum=asked.quorum,
    )
    return Approval.raised(question, now=NOW, lifetime_seconds=3_600).state


def played(asked: Ask, scene: Scene, order: random.Random) -> ApprovalRecord:
    """The approval after all that happens in a scene, each actor's part in its own order."""
    record: ApprovalRecord = raised(asked)
    parts: list[list[Step | None]] = [list(errand.steps) for errand in scene.errands]
    if scene.withdrawal is not None:
        parts.append([None] * scene.withdrawal.times)
    now = NOW
    while parts := [part for part in parts if part]:
        step = order.choice(parts).pop(0)
        now += timedelta(seconds=1)
        if step is not None and step.stranger:
            continue
        record = after(record, step, asked.requester, now)
    return record


def after(
    record: ApprovalRecord, step: Step | None, asker: Principal, now: datetime
) -> ApprovalRecord:
    decision: Decision[ApprovalRecord, ApprovalOutcome, VoteRefusal | DiscardRefusal]
    if step is None:
        decision = record.discard(by=asker, request_id=RequestId("withdraw"), now=now)
    elif step.verdict == APPROVE:
        decision = record.approve(by=step.by, decision_id=step.decision_id, now=now)
    else:
        decision = record.deny(by=step.by, decision_id=step.decision_id, now=now)
    return decision.state if isinstance(decision, Changed) else record


@given(seeds, tools)
def test_a_scene_is_the_same_whenever_it_is_written(seed: int, tool: str) -> None:
    assert scene_of(ask(tool), "gate-1", seed) == scene_of(ask(tool), "gate-1", seed)


def test_scenes_differ_by_approval_and_by_seed() -> None:
    assert len({scene_of(ask(), f"gate-{number}", 1) for number in range(50)}) > 40
    assert len({scene_of(ask(), "gate-1", seed) for seed in range(50)}) > 40


@given(seeds, tools, st.randoms(use_true_random=False))
def test_a_scene_that_is_played_to_its_end_leaves_a_decision(
    seed: int, tool: str, order: random.Random
) -> None:
    asked = ask(tool)
    record = played(asked, scene_of(asked, "gate-1", seed), order)
    assert isinstance(record, Discarded) or record.state_at(NOW).final


@given(seeds, tools)
def test_an_id_belongs_to_one_person(seed: int, tool: str) -> None:
    owners: dict[str, set[Principal]] = {}
    for step in steps(scene_of(ask(tool), "gate-1", seed)):
        owners.setdefault(step.decision_id, set()).add(step.by)
    assert all(len(people) == 1 for people in owners.values())


def test_every_plot_and_every_aside_comes_up() -> None:
    scenes = [scene_of(ask(), "gate-1", seed) for seed in range(300)]
    assert {scene.plot for scene in scenes} == set(Plot)
    every = [steps(scene) for scene in scenes]
    assert any(step.stranger for some in every for step in some)
    assert any(step.by == ask().requester for some in every for step in some)
    assert any(
        len({(s.decision_id, s.verdict) for s in some}) > len({s.decision_id for s in some})
        for some in every
    )
    assert any(step.decision_id.endswith("/again") for some in every for step in some)


def test_strangers_come_before_and_after_those_who_decide() -> None:
    scenes = [scene_of(ask(), "gate-1", seed) for seed in range(300)]
    order = [[errand.steps[0].stranger for errand in scene.errands] for scene in scenes]
    assert any(strangers[0] for strangers in order)
    assert any(strangers[-1] for strangers in order)


def test_only_a_withdrawal_withdraws() -> None:
    scenes = [scene_of(ask(), "gate-1", seed) for seed in range(300)]
    assert all((s.withdrawal is not None) is (s.plot is Plot.WITHDRAWN) for s in scenes)
    assert {s.withdrawal.times for s in scenes if s.withdrawal is not None} == {1, 2}


def test_opposite_verdicts_come_from_different_people_at_once() -> None:
    scenes = [scene_of(ask("read_file"), "gate-1", seed) for seed in range(300)]
    opposed = [scene for scene in scenes if scene.plot is Plot.OPPOSED]
    assert opposed
    for scene in opposed:
        (denial,) = (e for e in scene.errands if [s.verdict for s in e.steps] == [DENY])
        assert any(
            errand.steps[0].verdict == APPROVE
            and errand.steps[0].by in ask("read_file").voters
            and errand.steps[0].by != denial.steps[0].by
            for errand in scene.errands
        )


def test_a_lost_acknowledgement_sends_the_same_again() -> None:
    scenes = [scene_of(ask(), "gate-1", seed) for seed in range(300)]
    for scene in (scene for scene in scenes if scene.plot is Plot.FORGOTTEN):
        twice = [e.steps for e in scene.errands if len(e.steps) == 2]
        same = [
            (first, again)
            for first, again in twice
            if (first.decision_id, first.verdict) == (again.decision_id, again.verdict)
        ]
        assert len(same) == ask().quorum.threshold


def test_a_refusal_of_a_scene_is_no_change() -> None:
    asked = ask()
    record = raised(asked)
    outsider = Step(verdict=APPROVE, by=asked.requester, decision_id=RequestId("d"), turns=0)
    assert after(record, outsider, asked.requester, NOW) is record
    answer = record.approve(by=asked.requester, decision_id=RequestId("d"), now=NOW)
    assert isinstance(answer, Refused)
