"""What is asked follows from the seed and the recording, and shows people what they need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep import Effect, InvalidValue, Json, Principal, Scope
from turnkeep_adapters.cli.demo.asking import (
    DESK,
    PEOPLE,
    Ask,
    asks_of,
    drawn,
    owners_of,
    stranger_to,
    tenant_of,
)
from turnkeep_adapters.cli.demo.recording import Task, ToolCall


def task(*calls: tuple[str, dict[str, Json]], id: str = "desk/1", line: int = 4) -> Task:
    tools = tuple(ToolCall(place, *call) for place, call in enumerate(calls, start=1))
    return Task(line=line, id=id, prompt="Please.", calls=tools)


def ask(tool: str, args: dict[str, Json] | None = None) -> Ask:
    (only,) = asks_of(task((tool, args or {})), 1)
    return only


def test_every_call_is_asked_in_order() -> None:
    first, second = asks_of(task(("read_file", {}), ("deploy", {})), 1)
    assert [first.invocation, second.invocation] == ["call-1", "call-2"]
    assert [first.action.capability, second.action.capability] == ["read_file", "deploy"]
    assert [first.line, second.line] == [4, 4]
    assert [first.reason, second.reason] == ["Please.", "Please."]


@given(st.integers(0, 1 << 63), st.text(min_size=1, max_size=5))
def test_the_same_is_asked_whenever_it_is_asked(seed: int, id: str) -> None:
    try:
        first = asks_of(task(("pay", {"x": 1}), id=id), seed)
    except InvalidValue:
        return
    assert asks_of(task(("pay", {"x": 1}), id=id), seed) == first


def test_seeds_have_nothing_in_common() -> None:
    assert {asks_of(task(("pay", {})), seed)[0].scope.tenant for seed in range(9)} == {
        f"harbour-{seed}" for seed in range(9)
    }


def test_everybody_owns_something_under_some_seed() -> None:
    scopes = [asks_of(task(("pay", {}), id=str(number)), 1)[0].scope for number in range(99)]
    assert {scope.user for scope in scopes} == set(PEOPLE)
    assert {Scope.of(scope.tenant, scope.user) for scope in scopes} == set(owners_of(1))


@pytest.mark.parametrize("tool", ["send_money", "reset_password", "delete_files"])
def test_a_grave_call_takes_two(tool: str) -> None:
    assert ask(tool).quorum.threshold == 2


@pytest.mark.parametrize("tool", ["read_file", "send_email", "deploy", "set_price"])
def test_another_call_takes_one(tool: str) -> None:
    assert ask(tool).quorum.threshold == 1


def test_two_people_and_a_service_may_decide_and_the_agent_may_not() -> None:
    asked = ask("send_money")
    assert asked.quorum.eligible == set(asked.voters)
    assert len(asked.voters) == 3
    assert DESK in asked.voters
    assert asked.voters[0] == Principal.person(str(asked.scope.user))
    assert asked.requester == Principal.agent(str(asked.scope.agent))
    assert asked.requester not in asked.voters


def test_what_a_call_may_do_is_said() -> None:
    assert ask("send_money").effects == {Effect.FINANCIAL}
    assert ask("read_file").effects == {Effect.READS}


def test_people_see_the_call_as_it_would_be_made() -> None:
    asked = ask("send_money", {"to": "DE02", "amount": 12.5, "note": None})
    assert asked.display == 'send_money(to="DE02", amount=12.5, note=null)'


def test_a_secret_is_not_shown() -> None:
    asked = ask("reset_password", {"account": "jo", "newPassword": "Regen-am-Kai-7"})
    assert asked.display == 'reset_password(account="jo", newPassword=(secret))'
    assert asked.input["newPassword"] == "Regen-am-Kai-7"
    assert "Regen" not in repr(asked)


def test_what_lies_deeper_is_only_counted_and_what_is_long_is_cut() -> None:
    asked = ask("deploy", {"where": ["a", "b"], "how": {"x": {"y": 1}}, "why": "w" * 500})
    assert asked.display == (
        "deploy(where=[2 items], how={1 item}, why=" + '"' + "w" * 119 + "...)"
    )


@pytest.mark.parametrize("id", ["", " padded ", "a\x00b", "\ud800", "x" * 201])
def test_a_task_needs_a_name_that_is_an_identifier(id: str) -> None:
    with pytest.raises(InvalidValue):
        asks_of(task(("pay", {}), id=id), 1)


def test_a_tool_needs_a_name_that_is_an_identifier() -> None:
    with pytest.raises(InvalidValue):
        asks_of(task(("", {})), 1)


def test_a_stranger_stands_in_another_tenant() -> None:
    scope = ask("pay").scope
    foreign = stranger_to(scope)
    assert foreign.tenant != scope.tenant
    assert foreign.components()[1:] == scope.components()[1:]


def test_the_tenant_of_a_seed_is_a_scope_without_a_user() -> None:
    assert tenant_of(7) == Scope.of("harbour-7", None)


def test_chance_is_the_same_on_every_machine() -> None:
    assert [drawn(1, "desk/1").randrange(1_000) for _ in range(2)] == [992, 992]
