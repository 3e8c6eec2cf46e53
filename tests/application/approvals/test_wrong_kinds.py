"""Wrong kinds: a value of another class is a host's mistake, told before anything is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from tests.application.approvals.keep import ADA, AGENT, SCOPE, Keep, rid
from turnkeep_application.approvals import Approvals
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import Scope, ScopePrefix

SECRET: Final[Any] = "s3cret"
NONE: Final[Any] = None
SECRETS: Final[Any] = [{SECRET}, [SECRET], frozenset({SECRET}), SECRET, NONE]

DECIDING: Final[dict[str, Callable[[Approvals, Any], Awaitable[object]]]] = {
    "approve": lambda host, by: host.approve(SCOPE, "i", by=by, decision_id=rid("d")),
    "deny": lambda host, by: host.deny(SCOPE, "i", by=by, decision_id=rid("d")),
    "discard": lambda host, by: host.discard(SCOPE, "i", by=by, request_id=rid("d")),
}
SCOPED: Final[dict[str, Callable[[Approvals, Any], Awaitable[object]]]] = {
    "approve": lambda host, scope: host.approve(scope, "i", by=ADA, decision_id=rid("d")),
    "deny": lambda host, scope: host.deny(scope, "i", by=ADA, decision_id=rid("d")),
    "discard": lambda host, scope: host.discard(scope, "i", by=AGENT, request_id=rid("d")),
    "expire": lambda host, scope: host.expire(scope, "i"),
    "erase_payload": lambda host, scope: host.erase_payload(scope, "i"),
    "get": lambda host, scope: host.get(scope, "i"),
    "payload": lambda host, scope: host.payload(scope, "i"),
    "list_pending": lambda host, prefix: host.list_pending(prefix),
    "wait": lambda host, scope: host.wait(scope, "i", seen=0, timeout_seconds=0),
}


def refused(keep: Keep, call: Callable[[Approvals], Awaitable[object]]) -> None:
    """The call names the value that it refuses, repeats nothing of it and reads nothing."""

    async def scenario() -> None:
        async with keep.suffering("") as (host, faulty):
            with pytest.raises(InvalidValue) as error:
                await call(host)
            assert "s3cret" not in f"{error.value} {error.value!r}"
            assert faulty.calls == ()

    keep.run(scenario)


@pytest.mark.parametrize("by", [SECRET, NONE, SCOPE], ids=["text", "none", "scope"])
@pytest.mark.parametrize("command", DECIDING)
def test_who_decides_is_a_principal(keep: Keep, command: str, by: object) -> None:
    refused(keep, lambda host: DECIDING[command](host, by))


@pytest.mark.parametrize("scope", [SECRET, NONE, ADA], ids=["text", "none", "principal"])
@pytest.mark.parametrize("use_case", SCOPED)
def test_who_owns_it_is_a_scope(keep: Keep, use_case: str, scope: object) -> None:
    refused(keep, lambda host: SCOPED[use_case](host, scope))


@pytest.mark.parametrize("id", [3, NONE, b"s3cret"], ids=repr)
def test_an_id_is_text(keep: Keep, id: Any) -> None:
    refused(keep, lambda host: host.get(SCOPE, id))
    refused(keep, lambda host: host.expire(SCOPE, id))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"effects": effects} for effects in SECRETS),
        *({"requester": requester} for requester in (SECRET, NONE, SCOPE)),
        *({"action": action} for action in ("s3cret", 3, ADA)),
        *({"scope": scope} for scope in (SECRET, NONE)),
        *({"quorum": quorum} for quorum in (SECRET, 1, ADA)),
        *({"reason": reason} for reason in (NONE, b"s3cret", 3)),
        *({"display": display} for display in (NONE, b"s3cret", 3)),
        *({"invocation": invocation} for invocation in (NONE, b"s3cret", 3)),
        *({"attempt": attempt} for attempt in (SECRET, NONE, 1.0)),
        *({"lifetime_seconds": seconds} for seconds in (SECRET, 60.0)),
    ],
    ids=str,
)
def test_what_is_raised_is_made_of_the_right_kinds(keep: Keep, wrong: dict[str, Any]) -> None:
    refused(keep, lambda host: keep.ask(on=host, **wrong))


def test_a_redactor_is_given_text_alone(keep: Keep) -> None:
    given: list[object] = []

    def redact(text: str) -> str:
        given.append(text)
        return text

    async def scenario() -> None:
        keep.set(redact=redact)  # type: ignore[arg-type]  # the settings of tests are numbers
        wrong: Any
        for wrong in ({"reason": NONE}, {"display": 3}):
            with pytest.raises(InvalidValue):
                await keep.ask(**wrong)

    keep.run(scenario)
    assert given == []


def test_what_a_redactor_returns_is_text(keep: Keep) -> None:
    async def scenario() -> None:
        keep.set(redact=lambda _: SECRET.encode())  # type: ignore[arg-type]  # as above
        with pytest.raises(InvalidValue) as error:
            await keep.ask()
        assert "s3cret" not in str(error.value)
        assert (await keep.snapshot()).cells == ()

    keep.run(scenario)


@pytest.mark.parametrize("seen", [SECRET, NONE, 1.0], ids=repr)
def test_the_changes_that_were_seen_are_a_number(keep: Keep, seen: Any) -> None:
    refused(keep, lambda host: host.wait(SCOPE, "i", seen=seen, timeout_seconds=0))


@pytest.mark.parametrize("seconds", [SECRET, NONE], ids=repr)
def test_a_timeout_is_a_number(keep: Keep, seconds: Any) -> None:
    refused(keep, lambda host: host.wait(SCOPE, "i", seen=1, timeout_seconds=seconds))


@pytest.mark.parametrize("scope", [SECRET, NONE], ids=repr)
def test_a_prefix_and_a_quorum_are_of_a_scope(scope: Any) -> None:
    for make in (ScopePrefix.owner, ScopePrefix.exactly):
        with pytest.raises(InvalidValue, match="must be a Scope"):
            make(scope)
    assert ScopePrefix.owner(Scope.of("acme", "ada")).depth == 2
