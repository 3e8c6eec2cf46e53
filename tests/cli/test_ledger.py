"""A ledger gives back what was written, in order, as often as it is asked."""

from attrs import evolve

from tests.cli.worlds import World, told
from turnkeep_adapters.cli.demo.ledger import Ledger


def test_cases_are_read_back_as_they_were_written() -> None:
    world = World(trouble=("unavailable", "undecided"))
    world.told.append(
        told("deny", "person:\u00e9va", "d9", refused="stale_gate", ruling="d2", stranger=True)
    )
    cases = [world.case(), evolve(world.case(), call=2, told=(), gate="")]
    with Ledger.opened() as ledger:
        for case in cases:
            ledger.write(case)
        assert list(ledger.cases()) == cases
        assert list(ledger.cases()) == cases


def test_a_ledger_is_empty_at_first() -> None:
    with Ledger.opened() as ledger:
        assert list(ledger.cases()) == []
