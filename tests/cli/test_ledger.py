"""A ledger gives back what was written, as often as it is asked, and whoever wrote it."""

from pathlib import Path

import pytest
from attrs import evolve

from tests.cli.worlds import World, keep_case, told
from turnkeep_adapters.cli.demo.ledger import Ledger


def test_cases_are_read_back_as_they_were_written() -> None:
    world = World(trouble=("unavailable", "undecided"))
    world.told.append(
        told("deny", "person:\u00e9va", "d9", refused="stale_gate", ruling="d2", stranger=True)
    )
    cases = [world.case(), evolve(world.case(), call=2, told=(), gate="")]
    with Ledger.opened() as ledger:
        for case in cases:
            keep_case(ledger, case)
        assert list(ledger.cases()) == cases
        assert list(ledger.cases()) == cases


def test_a_ledger_is_empty_at_first() -> None:
    with Ledger.opened() as ledger:
        assert list(ledger.cases()) == []


def test_answers_of_several_cases_go_to_their_own() -> None:
    whole = World().case()
    begun = evolve(whole, told=(), ended=False)
    with Ledger.opened() as ledger:
        first, second = ledger.begin(begun), ledger.begin(evolve(begun, call=2))
        for answer in whole.told:
            ledger.add_answer(second, answer)
            ledger.add_answer(first, answer)
        ledger.add_trouble(second, "unavailable")
        ledger.end(second)
        ledger.end(first)
        assert list(ledger.cases()) == [
            evolve(whole, call=2, trouble=("unavailable",)),
            whole,
        ]


def test_a_case_that_nobody_ended_is_told_as_such() -> None:
    case = evolve(World().case(), ended=False)
    with Ledger.opened() as ledger:
        keep_case(ledger, case)
        assert list(ledger.cases()) == [case]


def test_an_answer_is_in_the_file_before_anybody_hears_of_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    seen: list[bytes] = []
    case = World().case()
    with Ledger.at(path, lambda: seen.append(path.read_bytes())) as ledger:
        number = ledger.begin(evolve(case, told=(), ended=False))
        ledger.add_answer(number, case.told[0])
    (then,) = seen
    assert then == path.read_bytes()
    assert b'"told"' in then


@pytest.mark.parametrize("bytes_left", range(1, 40, 6))
def test_the_torn_end_of_a_ledger_is_dropped(tmp_path: Path, bytes_left: int) -> None:
    path = tmp_path / "ledger"
    case = World().case()
    with Ledger.at(path) as ledger:
        number = ledger.begin(evolve(case, told=case.told[:1], ended=False))
        whole = len(path.read_bytes())
        ledger.add_answer(number, case.told[1])
    path.write_bytes(path.read_bytes()[: whole + bytes_left])
    with Ledger.at(path) as torn:
        assert list(torn.cases()) == [evolve(case, told=case.told[:1], ended=False)]


def test_a_ledger_that_was_never_begun_is_empty(tmp_path: Path) -> None:
    with Ledger.at(tmp_path / "ledger") as ledger:
        assert list(ledger.cases()) == []
