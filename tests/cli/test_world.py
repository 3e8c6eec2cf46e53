"""The world lets each deed happen once under its name, whoever comes second or asks first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve

from tests.cli.recordings import line
from turnkeep_adapters.cli.demo.errand import Errand, errand_of
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.shelf import Shelf
from turnkeep_adapters.cli.demo.world import Deed, World

DEED = Deed(key="k-1", thread="t", call="line 1, call 1", epoch=3, at=1.0, cost=5)
LATER = evolve(DEED, epoch=4, at=2.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_done_is_seen(world: World) -> None:
    assert world.do(DEED, keyed=False)
    assert list(world.deeds()) == [DEED]
    assert world.count() == 1


@pytest.mark.parametrize("keyed", [True, False])
def test_nothing_is_done_twice_under_one_name(world: World, *, keyed: bool) -> None:
    assert world.do(DEED, keyed=keyed)
    assert not world.do(DEED, keyed=keyed)
    assert list(world.deeds()) == [DEED]


def test_a_tool_that_knows_the_key_does_nothing_for_another_claim(world: World) -> None:
    assert world.do(DEED, keyed=True)
    assert not world.do(LATER, keyed=True)


def test_a_tool_that_knows_no_key_does_it_again(world: World) -> None:
    """So that a journal that lets a call be made twice is found out."""
    assert world.do(DEED, keyed=False)
    assert world.do(LATER, keyed=False)
    assert sorted(world.deeds(), key=lambda deed: deed.at) == [DEED, LATER]


def test_whoever_asks_for_what_was_not_done_rules_it_out(world: World) -> None:
    assert world.found("k-1", 3) is None
    assert not world.do(DEED, keyed=False)
    assert list(world.deeds()) == []
    assert world.do(LATER, keyed=False)


def test_whoever_asks_for_what_was_done_changes_nothing(world: World) -> None:
    world.do(DEED, keyed=False)
    assert [world.found("k-1", 3) for _ in range(2)] == [DEED, DEED]
    assert list(world.deeds()) == [DEED]


@pytest.mark.parametrize("number", range(20))
def test_doing_and_ruling_out_at_once_have_one_winner(world: World, number: int) -> None:
    deed = evolve(DEED, key=f"k-{number}")
    acts: list[Callable[[], bool]] = [
        lambda: world.do(deed, keyed=False),
        lambda: world.found(deed.key, deed.epoch) == deed,
    ]
    with ThreadPoolExecutor(2) as pool:
        done, was_done = [future.result() for future in [pool.submit(act) for act in acts]]
    assert done is was_done
    assert len(list(world.deeds())) == done


def test_nothing_is_left_aside(world: World, tmp_path: Path) -> None:
    world.do(DEED, keyed=False)
    world.do(DEED, keyed=False)
    world.found("k-2", 1)
    assert {path.suffix for path in tmp_path.iterdir()} == {".deed"}


# ---- the shelf ----------------------------------------------------------------------------------


def test_an_errand_is_found_by_its_name(tmp_path: Path) -> None:
    errand = errand_of(Line(7, line()), 1)
    assert isinstance(errand, Errand)
    Shelf(tmp_path, 1).put(errand)
    assert Shelf(tmp_path, 1).get(errand.name) == errand
    assert [path.name for path in tmp_path.iterdir()] == [errand.name]


def test_an_errand_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        Shelf(tmp_path, 1).get("nothing")


def test_what_is_no_errand_is_an_error(tmp_path: Path) -> None:
    tmp_path.joinpath("torn").write_bytes(b"7\n{")
    with pytest.raises(LookupError):
        Shelf(tmp_path, 1).get("torn")
