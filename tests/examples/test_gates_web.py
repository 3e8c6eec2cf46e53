"""The example of a web surface: every answer has its status, and the whole of it runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.gates_web import (
    Response,
    Session,
    answer_gate,
    ask,
    list_gates,
    resume,
    show_gate,
)
from turnkeep import Container, GrantSpent, Keep, Principal, Refused, RequestId
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.store import MemoryRecordStore

ADA, BO = Session(tenant="acme", user="ada"), Session(tenant="acme", user="bo")
EXAMPLE = Path(__file__).parents[2] / "examples" / "gates_web.py"


@pytest.fixture
async def keep() -> AsyncIterator[Keep]:
    container = Container()
    async with container.store():
        yield container.keep()


async def answered(keep: Keep, session: Session = ADA, **sent: object) -> Response:
    whole = {"option": "allow_once", "decision_id": "d1", **sent}
    return await answer_gate(keep, session, "t1", whole)


def test_the_example_tells_its_story() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE)],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "GET /gates: 200 2 gates",
        "POST yes: 409 ambiguous_gate",
        "POST yes to the first: 200 approved",
        "POST it again: 200 approved",
        "POST no to the second: 200",
        "POST yes to the second: 409 stale_gate denied",
        "The call: sent",
        "The call again: grant_spent",
    ]


async def test_gates_are_listed_with_their_options_and_nothing_of_what_they_say(
    keep: Keep,
) -> None:
    view = await ask(keep, ADA, "t1", "call-1")
    listed = await list_gates(keep, ADA)
    assert listed.status == 200
    assert listed.body["gates"] == [
        {
            "ref": str(view.ref),
            "thread": "t1",
            "tool": "mail.send",
            "effects": ["communicates"],
            "options": ["allow_once", "always_allow", "deny"],
            "expires_at": view.expires_at.isoformat(),
        }
    ]
    assert (await list_gates(keep, BO)).body["gates"] == []
    assert (await list_gates(keep, ADA, after="altered")).status == 400


async def test_a_gate_is_shown_to_its_owner_alone(keep: Keep) -> None:
    ref = str((await ask(keep, ADA, "t1", "call-1")).ref)
    shown = await show_gate(keep, ADA, "t1", ref)
    assert (shown.status, shown.body["why"]) == (200, "Bo asked for the report.")
    assert (await show_gate(keep, BO, "t1", ref)).status == 404
    assert (await show_gate(keep, ADA, "t2", ref)).status == 404
    assert (await show_gate(keep, ADA, "t1", "gate 1")).status == 400


async def test_every_answer_has_its_status(keep: Keep) -> None:
    first, second = [str((await ask(keep, ADA, "t1", f"call-{n}")).ref) for n in (1, 2)]
    shown_at = (await list_gates(keep, ADA)).body["shown_at"]
    unknown = "approval:00000000-0000-8000-8000-000000000000"
    for sent, status, code in (
        ({"ref": "gate 1"}, 400, "invalid_gate_ref"),
        ({"ref": first, "option": "perhaps"}, 400, "invalid_input"),
        ({"ref": first, "decision_id": ""}, 400, "invalid_input"),
        ({"ref": first, "decision_id": 7}, 400, "invalid_input"),
        ({}, 400, "invalid_input"),
        ({"shown_at": "yesterday"}, 400, "invalid_input"),
        ({"shown_at": "2030-01-01T00:00:00"}, 400, "invalid_input"),
        ({"ref": unknown}, 404, "unknown_gate"),
        ({"shown_at": shown_at}, 409, "ambiguous_gate"),
    ):
        told = await answered(keep, **sent)
        assert (told.status, told.body["code"]) == (status, code)
    assert (await answered(keep, BO, ref=first)).status == 404
    assert (await answered(keep, ref=first)).body == {
        "ref": first,
        "state": "approved",
        "missing": 0,
    }
    reused = await answered(keep, ref=first, option="deny")
    assert (reused.status, reused.body["code"]) == (409, "request_id_reused")
    late = await answered(keep, ref=first, option="deny", decision_id="d2")
    assert (late.status, late.body["code"], late.body["state"]) == (409, "stale_gate", "approved")
    always = await answered(keep, ref=second, option="always_allow", decision_id="d3")
    assert (always.status, always.body["state"]) == (200, "approved")


async def test_a_doubt_is_a_503_and_the_same_answer_again_is_the_first() -> None:
    container = Container()
    clock = container.clock()
    inner = container.store()
    assert isinstance(inner, MemoryRecordStore)
    faulty = FaultyRecordStore(inner, script=Script.parse(""), clock=clock)
    container.store.override(faulty)
    async with faulty:
        keep = container.keep()
        ref = str((await ask(keep, ADA, "t1", "call-1")).ref)
        faulty.follow(Script.parse("load#*: fail-before"))
        doubt = await answered(keep, ref=ref)
        assert (doubt.status, doubt.body) == (503, {"code": "unavailable", "retryable": True})
        faulty.follow(Script.parse(""))
        assert (await answered(keep, ref=ref)).body["state"] == "approved"


async def test_the_call_is_made_once_and_not_after_it_was_taken_back(keep: Keep) -> None:
    made: list[str] = []

    async def send() -> str:
        made.append("mail")
        return "sent"

    first, second = await ask(keep, ADA, "t1", "call-1"), await ask(keep, ADA, "t1", "call-2")
    refused = await resume(keep, first, send)
    assert isinstance(refused, Refused)
    await answered(keep, ref=str(first.ref))
    await answered(keep, ref=str(second.ref), decision_id="d2")
    assert await resume(keep, first, send) == "sent"
    assert await resume(keep, first, send) == Refused(GrantSpent())
    await keep.approvals.revoke_grant(
        second.scope, second.id, by=Principal.person("ada"), request_id=RequestId("r1")
    )
    assert isinstance(await resume(keep, second, send), Refused)
    assert made == ["mail"]
