"""An errand follows from the seed and its line, and asks people for what they must know."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.recordings import line
from turnkeep import Effect, Json, Mode, Principal, Scope, TurnClass
from turnkeep_adapters.cli.demo.errand import (
    DESK,
    PEOPLE,
    Call,
    Errand,
    drawn,
    errand_of,
    owners_of,
    tenant_of,
)
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.recording import Unusable

TASKS: Final = [f"desk/{number}" for number in range(99)]


def errand(content: bytes, seed: int = 1, number: int = 4) -> Errand:
    found = errand_of(Line(number, content), seed)
    assert isinstance(found, Errand)
    return found


def call(tool: str, args: dict[str, Json] | None = None) -> Call:
    (only,) = errand(line(calls=[{"tool": tool, "args": args or {}}])).calls
    return only


def test_every_call_is_there_in_order() -> None:
    calls = [{"tool": "read_file", "args": {}}, {"tool": "deploy", "args": {}}]
    found = errand(line(calls=calls))
    assert found.line == 4
    assert [one.position for one in found.calls] == [1, 2]
    assert [one.action.capability for one in found.calls] == ["read_file", "deploy"]
    assert len({one.name for one in found.calls} | {one.gate for one in found.calls}) == 4


@given(st.integers(0, 1 << 63))
def test_the_same_line_is_the_same_errand_whenever_it_is_read(seed: int) -> None:
    assert errand(line(), seed) == errand(line(), seed)


def test_the_same_line_further_down_has_the_same_name() -> None:
    assert errand(line(), number=1).request_id == errand(line(), number=9).request_id
    assert errand(line()).name != errand(line(prompt="Else.")).name


def test_seeds_have_nothing_in_common() -> None:
    tenants = {errand(line(), seed).scope.tenant for seed in range(9)}
    assert tenants == {f"harbour-{seed}" for seed in range(9)}
    assert tenant_of(7) == Scope.of("harbour-7", None)


def test_one_task_is_one_thread_of_one_owner() -> None:
    one, other = errand(line("desk/1")), errand(line("desk/1", prompt="And more."))
    assert one.scope == other.scope
    assert one.scope.thread == "desk/1"
    assert one.actor == Principal.person(str(one.scope.user))


def test_everybody_owns_something_and_some_can_wait() -> None:
    errands = [errand(line(task)) for task in TASKS]
    assert {one.scope.user for one in errands} == set(PEOPLE)
    assert {Scope.of(one.scope.tenant, one.scope.user) for one in errands} == set(owners_of(1))
    assert {one.turn_class for one in errands} == set(TurnClass)


@pytest.mark.parametrize("tool", ["send_money", "reset_password", "delete_files"])
def test_a_grave_call_takes_two_people(tool: str) -> None:
    assert call(tool).is_risky
    assert call(tool).quorum.threshold == 2


@pytest.mark.parametrize("tool", ["send_email", "deploy"])
def test_a_risky_call_takes_one(tool: str) -> None:
    assert call(tool).is_risky
    assert call(tool).quorum.threshold == 1


def test_what_a_tool_promises_follows_from_its_risk() -> None:
    tools = ("read_file", "set_price", "send_money")
    assert [call(tool).mode for tool in tools] == [Mode.SAFE, Mode.KEYED, Mode.ONCE]
    assert [call(tool).is_risky for tool in tools] == [False, False, True]


def test_two_people_and_a_service_may_decide_and_the_agent_may_not() -> None:
    found = errand(line(calls=[{"tool": "send_money", "args": {}}]))
    (asked,) = found.calls
    assert asked.quorum.eligible == set(asked.voters)
    assert len(asked.voters) == 3
    assert DESK in asked.voters
    assert asked.voters[0] == found.actor
    assert found.agent == Principal.agent(str(found.scope.agent))
    assert found.agent not in asked.voters


def test_what_a_call_may_do_is_said() -> None:
    assert call("send_money").risk.effects == {Effect.FINANCIAL}


def test_people_see_the_call_as_it_would_be_made() -> None:
    asked = call("send_money", {"to": "DE02", "amount": 12.5, "note": None})
    assert asked.display == 'send_money(to="DE02", amount=12.5, note=null)'


def test_a_secret_is_not_shown() -> None:
    asked = call("reset_password", {"account": "jo", "newPassword": "Regen-am-Kai-7"})
    assert asked.display == 'reset_password(account="jo", newPassword=(secret))'
    assert asked.args["newPassword"] == "Regen-am-Kai-7"
    assert "Regen" not in repr(asked)


def test_what_lies_deeper_is_only_counted_and_what_is_long_is_cut() -> None:
    asked = call("deploy", {"where": ["a", "b"], "how": {"x": {"y": 1}}, "why": "w" * 500})
    assert asked.display == (
        "deploy(where=[2 items], how={1 item}, why=" + '"' + "w" * 119 + "...)"
    )


@pytest.mark.parametrize("task", ["", " padded ", "a\x00b", "\ud800", "x" * 201])
def test_a_task_needs_a_name_that_is_an_identifier(task: str) -> None:
    found = errand_of(Line(3, line(task)), 1)
    assert isinstance(found, Unusable)
    assert found.sentence.startswith("line 3: its task must ")


def test_a_tool_needs_a_name_that_is_an_identifier() -> None:
    found = errand_of(Line(3, line(calls=[{"tool": "", "args": {}}])), 1)
    assert found == Unusable(3, "its tool must have 1 to 200 bytes")


def test_an_empty_line_is_no_errand() -> None:
    assert errand_of(Line(1, b"  "), 1) is None


def test_chance_is_the_same_on_every_machine() -> None:
    assert [drawn(1, "desk/1").randrange(1_000) for _ in range(2)] == [992, 992]
