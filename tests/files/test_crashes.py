"""Crashes: a process may be killed, and the power cut, before any of its system calls."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from itertools import product

import pytest

from tests.files.actors import Actor, Ledger, address, audit, commit_of
from tests.files.scripted_disk import Killed, at_step, kill
from tests.files.simulated_disk import Keep, SimulatedDisk, everything, nothing

Scenario = Callable[[SimulatedDisk, Ledger, int], None]


def life(disk: SimulatedDisk, ledger: Ledger, death: int) -> None:
    """Makes a store and uses it, closing buckets and compacting, until the process dies."""
    actor = Actor(disk, ledger=ledger, script=at_step(death, kill))
    for number in range(4):
        actor.commits(commit_of(address(f"a{number}")), commit_of(address(f"b{number}")))
    actor.compact()
    for number in range(4, 7):
        actor.commit(commit_of(address(f"a{number}")))
    actor.compact()
    actor.commit(commit_of(address("last")))


def deaths(scenario: Scenario) -> range:
    """Every step at which the scenario can die."""
    low, high = 0, 4_096
    while low < high:
        middle = (low + high) // 2
        try:
            scenario(SimulatedDisk(), Ledger(), middle)
            high = middle
        except Killed:
            low = middle + 1
    assert low > 30, "the scenario has too few steps to be one"
    return range(low)


def random_keep(seed: int) -> Keep:
    chance = random.Random(seed)
    return lambda _: chance.random() < 0.5


def test_a_kill_at_each_system_call_loses_no_acknowledgement() -> None:
    """F4: What was acknowledged is there, what was refused is not, and the next goes on."""
    for death in deaths(life):
        disk, ledger = SimulatedDisk(), Ledger()
        with pytest.raises(Killed):
            life(disk, ledger, death)
        audit(disk, ledger)
        heir = Actor(disk)
        heir.put("heir")
        heir.compact()
        assert heir.body("heir") == b"body"


@pytest.mark.parametrize("keeps", [nothing, everything, 1, 2, 3])
def test_a_power_cut_at_each_system_call_loses_nothing_answered(keeps: Keep | int) -> None:
    """F5: Whatever of the unsynced survives; a number stands for a chance of one half."""
    for death in deaths(life):
        disk, ledger = SimulatedDisk(), Ledger()
        with pytest.raises(Killed):
            life(disk, ledger, death)
        disk.power_cut(random_keep(keeps * death) if isinstance(keeps, int) else keeps)
        audit(disk, ledger)
        heir = Actor(disk)
        heir.put("heir")
        heir.compact()
        heir.compact()
        audit(disk, heir.ledger, Ledger(doubtful=[*ledger.doubtful, *ledger.landed]))


def test_what_is_written_to_a_store_survives_wherever_its_maker_died() -> None:
    """F5, F6: One makes the store while another, who makes it too, sleeps; and is killed there."""
    steps = range(len(Actor(SimulatedDisk()).disk.steps))
    for pause, death in product(steps, steps):
        disk, ledger = SimulatedDisk(), Ledger()

        def make(_: str, disk: SimulatedDisk = disk, death: int = death) -> None:
            with suppress(Killed):
                Actor(disk, script=at_step(death, kill))

        second = Actor(disk, ledger=ledger, script=at_step(pause, make))
        second.put("a")
        disk.power_cut(nothing)
        audit(disk, ledger)


def test_what_a_reader_was_shown_survives_a_power_cut() -> None:
    """F5: A reader shows nothing of a commit that a power cut can still take back."""
    for segments in (1, 2):
        for death in range(200):
            disk = SimulatedDisk()
            writer = Actor(disk)
            for number in range(segments):
                writer.put(f"a{number}")
            reader = Actor(disk)
            writer.disk.script = at_step(death, kill)
            try:
                writer.put("shown")
            except Killed:
                pass
            else:
                break
            shown = reader.body("shown")
            disk.power_cut(nothing)
            after = Actor(disk)
            if shown is not None:
                assert after.body("shown") == shown
            assert after.body(f"a{segments - 1}") == b"body"
        else:
            raise AssertionError("the commit never ended")


def test_what_a_writer_has_built_upon_survives_a_power_cut() -> None:
    """F5: A segment that follows an unsynced one makes both durable."""
    for death in range(200):
        disk = SimulatedDisk()
        first, second = Actor(disk), Actor(disk)
        first.disk.script = at_step(death, kill)
        try:
            first.put("first")
        except Killed:
            pass
        else:
            return
        second.put("second")
        disk.power_cut(nothing)
        audit(disk, Ledger(landed=second.ledger.landed, doubtful=first.ledger.doubtful))
    raise AssertionError("the commit never ended")


def test_a_trim_is_durable_when_it_is_answered() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(5):
        actor.put(f"a{number}")
    cursors = [event.cursor for event in actor.events()]
    assert actor.trim(cursors[2]) == cursors[2]
    disk.power_cut(nothing)
    kept = Actor(disk).events()
    assert [event.cursor for event in kept] == cursors[3:]


def test_a_kill_in_a_scrub_loses_nothing() -> None:
    def scrubbing(disk: SimulatedDisk, ledger: Ledger, death: int) -> None:
        actor = Actor(disk, ledger=ledger, script=at_step(death, kill))
        actor.commit(commit_of(address("a")))
        actor.scrub()

    for death in deaths(scrubbing):
        disk, ledger = SimulatedDisk(), Ledger()
        with pytest.raises(Killed):
            scrubbing(disk, ledger, death)
        disk.power_cut(random_keep(death))
        audit(disk, ledger)
        Actor(disk).scrub()
        audit(disk, ledger)
