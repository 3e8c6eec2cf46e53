"""A spawn tree: how large it may grow, and how it is called off."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.turns.places import NOW, later, run, spawned, tree
from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.refusals import TreeCancelling, TreeFull
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES, SpawnTree

ROOT = RunId("root")


def spawn(grown: SpawnTree, name: str = "more", *, parent: str = "root", depth: int = 1) -> object:
    return grown.spawn(run(name), parent=RunId(parent), depth=depth, now=later(1))


def live(grown: SpawnTree) -> list[str]:
    return [member.run.id for member in grown.live]


def state(grown: SpawnTree) -> str:
    return SPAWN_TREES.index_of(grown).state


# ---- growth -------------------------------------------------------------------------------------


def test_a_child_becomes_a_member_and_is_counted_for_ever() -> None:
    grown = spawned(tree("a"), "b", parent="a")
    assert (live(grown), grown.spawned) == (["a", "b"], 2)
    assert (live(grown.leave(RunId("a"), now=NOW)), grown.spawned) == (["b"], 2)


def test_spawning_again_adds_nobody() -> None:
    assert spawn(tree("a"), "a") == Unchanged(run("a"))


def test_the_64th_live_member_is_spawned_and_the_65th_refused() -> None:
    grown = tree(*(f"r{number}" for number in range(63)))
    last = spawn(grown, "last")
    assert isinstance(last, Changed)
    refusal = spawn(last.state)
    assert isinstance(refusal, Refused)
    assert isinstance(refusal.reason, TreeFull)
    assert refusal.reason.limit == "live"
    assert refusal.reason.retry_after_seconds is not None


def test_one_that_leaves_makes_room() -> None:
    grown = tree(*(f"r{number}" for number in range(64))).leave(RunId("r5"), now=NOW)
    assert isinstance(spawn(grown), Changed)


def test_the_1000th_ever_is_spawned_and_the_1001st_refused() -> None:
    last = spawn(evolve(tree("a"), spawned=999))
    assert isinstance(last, Changed)
    assert spawn(last.state, "yet another") == Refused(TreeFull("spawned", None))


def test_the_eighth_level_is_spawned_and_the_ninth_refused() -> None:
    assert isinstance(spawn(tree("a"), depth=8), Changed)
    assert spawn(tree("a"), depth=9) == Refused(TreeFull("depth", None))


def test_a_larger_tree_cannot_be() -> None:
    grown = tree(*(f"r{number}" for number in range(64)))
    surplus = evolve(grown.live[0], run=run("more"))
    with pytest.raises(InvalidValue, match="64"):
        evolve(grown, live=(*grown.live, surplus))
    with pytest.raises(InvalidValue, match="1000"):
        evolve(grown, spawned=1_001)


def test_a_member_that_is_named_twice_cannot_be() -> None:
    grown = tree("a")
    with pytest.raises(InvalidValue, match="once"):
        evolve(grown, live=grown.live * 2)


# ---- leaving ------------------------------------------------------------------------------------


def test_leaving_a_tree_in_which_one_is_not_changes_nothing() -> None:
    grown = tree("a")
    assert grown.leave(RunId("b"), now=later(1)) is grown


# ---- calling off --------------------------------------------------------------------------------


def test_a_root_that_is_called_off_calls_everybody_off() -> None:
    grown = spawned(tree("a"), "b", parent="a").call_off(ROOT, now=later(1))
    assert [member.run.id for member in grown.called_off()] == ["a", "b"]
    assert grown.is_called_off(RunId("b"), parent=RunId("a"))


def test_a_run_that_is_called_off_calls_its_own_children_off_alone() -> None:
    grown = spawned(spawned(tree("a", "x"), "b", parent="a"), "c", parent="b")
    grown = grown.call_off(RunId("a"), now=later(1))
    assert [member.run.id for member in grown.called_off()] == ["b"]
    assert not grown.is_called_off(RunId("x"), parent=ROOT)
    assert not grown.is_called_off(RunId("c"), parent=RunId("b"))


@pytest.mark.parametrize("parent", ["root", "a"])
def test_a_tree_that_is_called_off_grows_nowhere(parent: str) -> None:
    grown = tree("a").call_off(ROOT, now=later(1))
    assert spawn(grown, parent=parent) == Refused(TreeCancelling())


def test_a_run_that_is_called_off_spawns_nothing_and_others_do() -> None:
    grown = spawned(tree("a", "x"), "b", parent="a").call_off(RunId("a"), now=later(1))
    assert spawn(grown, parent="a") == Refused(TreeCancelling())
    assert isinstance(spawn(grown, parent="x"), Changed)


def test_that_it_is_called_off_comes_before_that_it_is_full() -> None:
    grown = tree(*(f"r{number}" for number in range(64))).call_off(ROOT, now=later(1))
    assert spawn(grown, depth=9) == Refused(TreeCancelling())


def test_calling_off_twice_changes_nothing() -> None:
    grown = tree("a").call_off(ROOT, now=later(1))
    assert grown.call_off(ROOT, now=later(2)) is grown


@pytest.mark.parametrize("name", ["a", "stranger"])
def test_calling_off_a_run_from_which_nothing_descends_changes_nothing(name: str) -> None:
    grown = tree("a")
    assert grown.call_off(RunId(name), now=later(1)) is grown


def test_calling_off_a_root_without_descendants_changes_nothing() -> None:
    alone = SpawnTree.of(run("root"), now=NOW)
    assert alone.call_off(ROOT, now=later(1)) is alone


def test_a_run_without_children_any_more_is_called_off_no_more() -> None:
    grown = spawned(tree("a"), "b", parent="a").call_off(RunId("a"), now=later(1))
    assert grown.leave(RunId("b"), now=later(2)).cancelling == ()


def test_that_the_root_was_called_off_is_never_forgotten() -> None:
    grown = tree("a").call_off(ROOT, now=later(1)).leave(RunId("a"), now=later(2))
    assert grown.cancelling == (ROOT,)
    assert spawn(grown) == Refused(TreeCancelling())


def test_a_sweep_finds_trees_with_live_members_to_call_off_alone() -> None:
    called_off = tree("a").call_off(ROOT, now=later(1))
    assert state(called_off) == "cancelling"
    assert SPAWN_TREES.index_of(called_off).due_at == later(1)
    assert state(called_off.leave(RunId("a"), now=later(2))) == "empty"
    assert state(tree("a")) == "live"
    assert state(tree()) == "empty"


@given(st.lists(st.tuples(st.sampled_from(["spawn", "leave", "off"]), st.integers(0, 5))))
def test_in_any_history_only_parents_of_the_living_are_called_off(
    moves: list[tuple[str, int]],
) -> None:
    grown = tree()
    for step, (move, number) in enumerate(moves):
        name, parent = f"r{number}", "root" if number < 2 else f"r{number - 2}"
        match move:
            case "spawn":
                decision = grown.spawn(run(name), parent=RunId(parent), depth=1, now=later(step))
                grown = decision.state if isinstance(decision, Changed) else grown
            case "leave":
                grown = grown.leave(RunId(name), now=later(step))
            case _:
                grown = grown.call_off(RunId(parent), now=later(step))
        parents = {ROOT, *(member.parent for member in grown.live)}
        assert set(grown.cancelling) <= parents
        assert grown.spawned >= len(grown.live)
