"""Each check holds in a true world, and fails in a world that was tampered with where it looks."""

from collections.abc import Callable
from typing import Final

import pytest
from attrs import evolve

from tests.cli.worlds import World, fact, told
from turnkeep_adapters.cli.demo.checks import COMPLAINTS_KEPT, Check, Findings
from turnkeep_adapters.cli.demo.chronicle import APPROVE, DENY, Ballot, Chronicles
from turnkeep_adapters.cli.demo.examination import NOTHING, Examination, Found
from turnkeep_adapters.cli.demo.ledger import Case, Told

GONE: Final = Found(state="discarded", ruling=None, votes=None, threshold=None, changes=None)
ADA: Final = Ballot("d1", "person:ada", APPROVE)
BEN: Final = Ballot("d2", "person:ben", APPROVE)


def discarded() -> World:
    """The asker withdrew the call after one approval."""
    world = World(found=GONE)
    world.told[2:] = [
        told("approve", "person:ada", "d1", state="pending", missing=1),
        told("discard", "agent:clerk", "w", state="discarded", missing=0),
        told("approve", "person:ben", "d2", refused="stale_gate", state="discarded"),
        told("wait", "agent:clerk", state="discarded"),
    ]
    world.facts[2] = fact("discarded", 3, "agent:clerk", "w")
    return world


def denied() -> World:
    """The second decider denied."""
    world = World()
    votes = (ADA, Ballot("d2", "person:ben", DENY))
    world.found = evolve(world.found, state="denied", votes=votes)
    world.told[2] = told("deny", "person:ben", "d2", state="denied", missing=0)
    world.told[4] = told("wait", "agent:clerk", state="denied", ruling="d2")
    world.facts[2] = fact("denied", 3, "person:ben", "d2")
    return world


@pytest.mark.parametrize("world", [World, discarded, denied])
def test_a_true_world_satisfies_every_check(world: Callable[[], World]) -> None:
    assert world().failures() == {}


TRUE: Final = {
    "the same again": told("approve", "person:ada", "d9", state="approved", missing=0),
    "the same before": told("approve", "person:ada", "d9", state="pending", missing=1),
    "too late": told(
        "deny", "person:cem", "d3", refused="stale_gate", state="approved", ruling="d2"
    ),
    "used id": told("deny", "person:ada", "d1", refused="request_id_reused"),
    "not asked": told("approve", "agent:clerk", "d4", refused="not_eligible"),
    "stranger": told("approve", "person:eve", "d5", refused="unknown_gate", stranger=True),
    "looking": told("get", "person:eve", refused="unknown_gate", stranger=True),
}


@pytest.mark.parametrize("answer", TRUE.values(), ids=TRUE)
def test_a_true_answer_satisfies_every_check(answer: Told) -> None:
    world = World()
    world.told.append(answer)
    assert world.failures() == {}


UNTRUE: Final = {
    "a ruling that is not stored": told("deny", "person:cem", "d3", state="denied", missing=0),
    "an outcome of another vote": told("approve", "person:ada", "d7", state="denied", missing=0),
    "another's verdict": told("deny", "person:ada", "d3", state="denied", missing=0),
    "fewer missing": told("approve", "person:cem", "d3", state="pending", missing=1),
    "another ruling": told(
        "deny", "person:cem", "d3", refused="stale_gate", state="approved", ruling="d1"
    ),
    "another end": told("deny", "person:cem", "d3", refused="stale_gate", state="denied"),
    "a discard": told("discard", "agent:clerk", "w", state="discarded", missing=0),
    "an end that is none": told("wait", "agent:clerk", state="denied", ruling="d2"),
    "an id that nobody used": told("deny", "person:ada", "d8", refused="request_id_reused"),
    "a voter who may not vote": told("approve", "person:ada", "d8", refused="not_eligible"),
    "unknown to its own": told("approve", "person:cem", "d8", refused="unknown_gate"),
    "a spent id that is not": told("raise", "agent:clerk", refused="id_spent"),
    "an unheard-of refusal": told("approve", "person:cem", "d8", refused="tuesday"),
}


@pytest.mark.parametrize("answer", UNTRUE.values(), ids=UNTRUE)
def test_an_answer_that_the_store_does_not_bear_out_is_found_lost(answer: Told) -> None:
    world = World()
    world.told.append(answer)
    assert set(world.failures()) == {Check.KEPT}


def test_a_vote_that_no_event_of_a_withdrawn_call_tells_of_is_found_lost() -> None:
    world = discarded()
    world.told.append(told("approve", "person:cem", "d3", state="pending", missing=1))
    assert set(world.failures()) == {Check.KEPT}


def test_a_dropped_vote_is_found_lost() -> None:
    world = World()
    world.found = evolve(world.found, state="pending", ruling=None, votes=(ADA,), changes=2)
    assert {Check.KEPT, Check.DECIDED, Check.FOLDED, Check.ENDED} <= set(world.failures())


def test_an_approval_that_vanished_is_not_decided() -> None:
    world = World(found=NOTHING)
    assert {Check.KEPT, Check.DECIDED, Check.FOLDED} <= set(world.failures())


def test_an_actor_that_gave_up_leaves_its_call_undecided() -> None:
    world = World(trouble=("unavailable",))
    assert world.failures() == {Check.DECIDED: ("line 1, call 1: an actor gave up (unavailable)",)}


def test_a_call_that_could_not_be_raised_is_not_decided() -> None:
    world = World(gate="", trouble=("unavailable",))
    examination = world.examined()
    assert set(world.failures()) == {Check.DECIDED}
    assert not examination.ends


def test_a_repeat_that_was_answered_otherwise_is_found() -> None:
    world = World()
    world.told[3] = told("approve", "person:ada", "d1", state="approved", missing=0)
    assert set(world.failures()) == {Check.KEPT, Check.SINGLE}


@pytest.mark.parametrize(
    "votes",
    [
        (ADA, Ballot("d1", "person:ben", APPROVE)),
        (ADA, Ballot("d2", "person:ada", APPROVE)),
        (ADA, BEN, Ballot("d3", "person:cem", DENY)),
        (ADA,),
    ],
    ids=["an id twice", "a voter twice", "two rulings", "no ruling"],
)
def test_votes_that_do_not_add_up_to_one_ruling_are_found(votes: tuple[Ballot, ...]) -> None:
    world = World()
    world.found = evolve(world.found, votes=votes)
    assert Check.SINGLE in world.failures()


@pytest.mark.parametrize(
    "answer",
    [
        told("approve", "person:eve", "d5", state="pending", missing=1, stranger=True),
        told("approve", "person:eve", "d5", refused="not_eligible", stranger=True),
        told("get", "person:eve", state="pending", stranger=True),
    ],
    ids=["a vote", "a refusal that tells of it", "a look"],
)
def test_a_stranger_who_learns_of_a_call_is_found(answer: Told) -> None:
    world = World()
    world.told.append(answer)
    assert set(world.failures()) == {Check.ALONE}


def test_a_doubled_event_is_found() -> None:
    world = World()
    world.facts.append(evolve(world.facts[2], cursor=b"\x09"))
    assert {Check.ORDERED, Check.FOLDED} == set(world.failures())


def test_an_event_read_twice_is_found() -> None:
    world = World()
    world.facts.insert(0, world.facts[0])
    assert Check.ORDERED in world.failures()


def test_a_missing_event_is_found() -> None:
    world = World()
    del world.facts[1]
    assert {Check.ORDERED, Check.FOLDED} <= set(world.failures())


def test_a_call_without_events_is_found() -> None:
    world = World(facts=[])
    assert {Check.ORDERED, Check.FOLDED} <= set(world.failures())


def test_events_that_were_trimmed_away_are_found() -> None:
    assert set(World(gap=True).failures()) == {Check.ORDERED}


def test_events_in_disorder_are_found_though_they_add_up() -> None:
    world = World()
    world.facts[1] = fact("voted", 9, "person:ada", "d1")
    assert set(world.failures()) == {Check.ORDERED}


def test_events_that_lead_elsewhere_are_found() -> None:
    world = World()
    world.facts[2] = fact("denied", 3, "person:ben", "d2")
    assert set(world.failures()) == {Check.FOLDED}


def test_events_of_other_votes_are_found() -> None:
    world = World()
    world.facts[1] = fact("voted", 2, "person:cem", "d1")
    assert set(world.failures()) == {Check.FOLDED}


def test_a_change_without_an_event_is_found() -> None:
    world = World()
    world.found = evolve(world.found, changes=4)
    assert set(world.failures()) == {Check.ORDERED}


def test_what_is_listed_as_pending_is_found() -> None:
    assert set(World(pending=2).failures()) == {Check.ENDED}


def test_an_approval_that_was_asked_for_twice_is_examined_once() -> None:
    world = World()
    examination = world.examined()
    examination.of_case(world.case(), world.found)
    decided = examination.findings.verdicts()[0]
    assert (decided.numbers["calls"], decided.numbers["approvals"]) == (2, 1)
    assert decided.numbers["approved"] == 1
    assert all(verdict.ok for verdict in examination.findings.verdicts())


def test_only_the_first_complaints_are_kept_and_all_are_counted() -> None:
    findings = Findings()
    for number in range(COMPLAINTS_KEPT + 2):
        findings.complain(Check.KEPT, f"complaint {number}")
    (kept,) = (verdict for verdict in findings.verdicts() if verdict.check is Check.KEPT)
    assert kept.failures == COMPLAINTS_KEPT + 2
    assert kept.complaints == tuple(f"complaint {number}" for number in range(COMPLAINTS_KEPT))


# ---- the killed worker --------------------------------------------------------------------------


def after_a_kill(
    world: World, killed: Case, *, replayed: bool = True, replay: Case | None = None
) -> Examination:
    """A world in which a worker was killed once it had been told some of it."""
    chronicles = Chronicles()
    for one in world.facts:
        chronicles.take(one)
    examination = Examination(chronicles)
    examination.of_log()
    examination.of_kill()
    examination.of_killed_case(killed, world.found)
    whole = world.case() if replay is None else replay
    examination.of_case(whole, world.found)
    if replayed:
        examination.of_replayed_case(whole)
    examination.of_replay()
    return examination


def complaints(examination: Examination) -> dict[Check, tuple[str, ...]]:
    verdicts = examination.findings.verdicts()
    return {verdict.check: verdict.complaints for verdict in verdicts if not verdict.ok}


def cut_off(world: World, answers: int = 3) -> Case:
    return evolve(world.case(), told=tuple(world.told[:answers]), ended=False)


def test_a_kill_that_lost_nothing_satisfies_every_check_and_is_no_call_more() -> None:
    examination = after_a_kill(World(), cut_off(World()))
    assert complaints(examination) == {}
    found = {verdict.check: verdict.numbers for verdict in examination.findings.verdicts()}
    assert found[Check.SURVIVED] == {"answers": 3, "calls in flight": 1, "commands repeated": 3}
    assert (found[Check.DECIDED]["calls"], found[Check.DECIDED]["approvals"]) == (1, 1)
    assert found[Check.KEPT]["answers"] == 8
    assert examination.ends == {("agreed", "approved"): 1}


def test_a_world_without_a_kill_has_no_verdict_on_one() -> None:
    verdicts = World().examined().findings.verdicts()
    assert [verdict.check for verdict in verdicts] == list(Check)[:-1]


def test_an_answer_that_the_killed_worker_was_told_and_nobody_stored_is_found() -> None:
    killed = cut_off(World())
    dreamt = told("deny", "person:cem", "d3", state="denied", missing=0)
    killed = evolve(killed, told=(*killed.told, dreamt))
    assert set(complaints(after_a_kill(World(), killed))) == {Check.KEPT, Check.SURVIVED}


def test_a_stranger_whom_the_killed_worker_let_in_is_found() -> None:
    killed = evolve(
        cut_off(World()), told=(told("get", "person:eve", state="pending", stranger=True),)
    )
    assert set(complaints(after_a_kill(World(), killed))) == {Check.ALONE}


def test_a_repeat_by_the_replacement_that_was_answered_otherwise_is_found() -> None:
    world = World()
    late = told("approve", "person:ada", "d1", state="approved", missing=0)
    replay = evolve(world.case(), told=(world.told[0], late))
    found = complaints(after_a_kill(world, cut_off(world), replay=replay))
    assert found[Check.SURVIVED] == (
        "line 1, call 1: person:ada was told approved to approve, the killed worker otherwise",
    )


def test_a_vote_that_was_only_said_again_may_be_answered_by_what_came_of_it() -> None:
    world = World()
    before = told("approve", "person:ada", "d9", state="pending", missing=1)
    after = told("approve", "person:ada", "d9", state="approved", missing=0)
    killed = evolve(cut_off(world, 2), told=(*world.told[:2], before))
    replay = evolve(world.case(), told=(*world.told, after))
    assert complaints(after_a_kill(world, killed, replay=replay)) == {}


def test_a_call_that_the_replacement_never_asked_for_is_found() -> None:
    found = complaints(after_a_kill(World(), cut_off(World()), replayed=False))
    assert found == {Check.SURVIVED: ("line 1, call 1: the replacement never asked for it",)}


def test_a_call_that_the_killed_worker_withdrew_keeps_its_plot() -> None:
    world = discarded()
    killed = evolve(world.case(), plot="withdrawn while approved")
    spent = told("raise", "agent:clerk", refused="id_spent")
    replay = evolve(world.case(), plot="already withdrawn", told=(spent,))
    examination = after_a_kill(world, killed, replay=replay)
    assert complaints(examination) == {}
    assert examination.ends == {("withdrawn while approved", "discarded"): 1}


def test_an_actor_of_the_killed_worker_that_gave_up_is_found() -> None:
    killed = evolve(cut_off(World()), trouble=("unavailable",))
    assert set(complaints(after_a_kill(World(), killed))) == {Check.DECIDED}


def test_a_killed_worker_whose_call_no_event_tells_of_is_found() -> None:
    world = World(facts=[])
    assert Check.ORDERED in complaints(after_a_kill(world, cut_off(world)))


def test_a_call_that_the_killed_worker_could_not_raise_is_not_missed() -> None:
    killed = evolve(cut_off(World()), gate="", told=())
    assert complaints(after_a_kill(World(), killed)) == {}
