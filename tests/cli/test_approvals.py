"""`turnkeep approvals`: what an operator sees and decides, in sentences and for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.cli.conftest import CommandLine, Ended
from tests.postgres.databases import shared
from turnkeep import (
    ApprovalView,
    CorrelationId,
    Dispatch,
    Effect,
    InvocationId,
    Keep,
    Offer,
    Principal,
    Quorum,
    Scope,
    open_keep,
)

T = TypeVar("T")
SCOPE = Scope.of("acme", "ada", agent="scout", thread="t1")
ADA, BO = Principal.person("ada"), Principal.person("bo")
OWNER = ("--tenant", "acme", "--user", "ada")
WHOLE = (*OWNER, "--agent", "scout", "--thread", "t1")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that is there, with nothing in it."""
    url = tmp_path.joinpath("store").as_uri()
    asyncio.run(made(url))
    return url


async def made(url: str) -> None:
    async with open_keep(url):
        pass


def kept(url: str, use: Callable[[Keep], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_keep(url) as keep:
            return await use(keep)

    return asyncio.run(run())


def raised(
    url: str,
    invocation: str = "i1",
    *,
    quorum: Quorum | None = None,
    always: bool = False,
    display: str = "mail to bo@acme.example",
) -> str:
    """The reference of a gate that was asked just now."""

    async def ask(keep: Keep) -> str:
        view = await keep.approvals.raise_request(
            SCOPE,
            invocation=InvocationId(invocation),
            action=Dispatch.of("mail.send"),
            effects=frozenset({Effect.COMMUNICATES}),
            requester=Principal.agent("scout"),
            correlation_id=CorrelationId("c1"),
            input={"to": "s3cret-input"},
            reason="To tell Bo.",
            display=display,
            quorum=quorum,
            offers=frozenset(Offer) if always else None,
        )
        assert isinstance(view, ApprovalView)
        return str(view.ref)

    return kept(url, ask)


def told(done: Ended, code: int = 0) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (code, "")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def on(command: str, url: str, *more: str, owner: tuple[str, ...] = OWNER) -> tuple[str, ...]:
    return ("approvals", command, "--store", url, *owner, *more)


def test_what_waits_is_listed_for_people_and_programs(turnkeep: CommandLine, url: str) -> None:
    refs = [raised(url), raised(url, "i2")]
    done = turnkeep(*on("list", url))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["GATE", "CALL", "BY", "MISSING", "THREAD", "UNTIL", "(UTC)"]
    assert [line.split()[0] for line in lines[1:]] == refs
    assert "dispatch mail.send" in lines[1]
    found = told(turnkeep(*on("list", url, "--json")))
    assert [gate["ref"] for gate in found["gates"]] == refs
    assert found["next"] is None
    assert "reason" not in found["gates"][0]
    assert "s3cret" not in done.stdout + json.dumps(found)
    first = turnkeep(*on("list", url, "--limit", "1")).stdout
    after = first.rsplit("--after ", 1)[1].strip()
    assert refs[1] in turnkeep(*on("list", url, "--after", after)).stdout
    nobody = ("--tenant", "acme", "--user", "bo")
    assert told(turnkeep(*on("list", url, "--json", owner=nobody)))["gates"] == []


def test_a_gate_is_shown_with_what_people_decide_by(turnkeep: CommandLine, url: str) -> None:
    ref = raised(url, display="mail\x1b[2J to bo")
    done = turnkeep(*on("show", url, ref))
    assert (done.returncode, done.stderr) == (0, "")
    assert "why:   To tell Bo." in done.stdout
    assert r"what:  mail\x1b[2J to bo" in done.stdout
    assert "does:  communicates" in done.stdout
    assert "needs: 1 of person:ada" in done.stdout
    found = told(turnkeep(*on("show", url, ref.removeprefix("approval:"), "--json")))
    assert (found["reason"], found["state"], found["missing"]) == ("To tell Bo.", "pending", 1)
    assert found["scope"]["thread"] == "t1"
    erased = turnkeep(*on("erase", url, ref))
    assert (erased.returncode, erased.stdout) == (0, "Erased.\n")
    assert "What people read of it is erased." in turnkeep(*on("show", url, ref)).stdout
    assert told(turnkeep(*on("erase", url, ref, "--json"))) == {"ref": ref, "erased": True}


def test_a_gate_is_approved_denied_and_withdrawn(turnkeep: CommandLine, url: str) -> None:
    yes, no, gone = raised(url), raised(url, "i2"), raised(url, "i3")
    done = turnkeep(*on("approve", url, yes, "--by", "ada"))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{yes} is approved.\n", "")
    found = told(turnkeep(*on("deny", url, no, "--by", "ada", "--json")))
    assert found == {"ref": no, "state": "denied", "missing": 0}
    done = turnkeep(*on("discard", url, gone, "--by", "agent:scout"))
    assert done.stdout == f"{gone} is discarded.\n"
    assert told(turnkeep(*on("list", url, "--json")))["gates"] == []


def test_a_yes_below_the_threshold_says_how_many_are_missing(
    turnkeep: CommandLine, url: str
) -> None:
    ref = raised(url, quorum=Quorum.of(2, ADA, BO))
    done = turnkeep(*on("approve", url, ref, "--by", "bo"))
    assert done.stdout == f"{ref} is pending, 1 more to go.\n"


def test_a_repeat_is_answered_as_it_was_and_an_ended_gate_needs_its_whole_scope(
    turnkeep: CommandLine, url: str
) -> None:
    ref = raised(url)
    by = ("--by", "ada", "--request-id", "d1")
    assert turnkeep(*on("approve", url, ref, *by)).returncode == 0
    done = turnkeep(*on("approve", url, ref, *by))
    assert done.returncode == 2
    assert "needs its whole scope" in done.stderr
    done = turnkeep(*on("approve", url, ref, *by, owner=WHOLE))
    assert (done.returncode, done.stdout) == (0, f"{ref} is approved.\n")
    done = turnkeep(*on("deny", url, ref, "--by", "ada", owner=WHOLE))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Refused: the approval has ended (stale_gate).\n"
    found = told(turnkeep(*on("deny", url, ref, "--by", "ada", "--json", owner=WHOLE)), 1)
    assert found == {"refused": "stale_gate", "sentence": "the approval has ended"}


def test_always_is_taken_where_it_is_offered(turnkeep: CommandLine, url: str) -> None:
    once, always = raised(url), raised(url, "i2", always=True)
    done = turnkeep(*on("approve", url, once, "--always", "--by", "ada"))
    assert done.returncode == 1
    assert done.stderr.endswith("(always_allow_unsupported).\n")
    done = turnkeep(*on("approve", url, always, "--always", "--by", "ada"))
    assert done.returncode == 0
    listed = turnkeep("consents", "list", "--store", url, *OWNER)
    assert "agent:scout may dispatch (communicates) until" in listed.stdout


def test_who_may_not_decide_is_refused(turnkeep: CommandLine, url: str) -> None:
    ref = raised(url)
    done = turnkeep(*on("approve", url, ref, "--by", "bo"))
    assert done.returncode == 1
    assert done.stderr.endswith("(not_eligible).\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "yes"), "a gate is named as approval:"),
        (("show", "approval:00000000-0000-8000-8000-000000000000"), "no such gate waits there"),
        (("deny", "approval:00000000-0000-8000-8000-000000000000", "--by", "bo"), "no such gate"),
    ],
)
def test_what_names_nothing_is_one_sentence(
    turnkeep: CommandLine, url: str, arguments: tuple[str, ...], said: str
) -> None:
    done = turnkeep(*on(arguments[0], url, *arguments[1:]))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_is_named_by_a_word_of_another_kind(turnkeep: CommandLine, url: str) -> None:
    ref = raised(url)
    done = turnkeep(*on("approve", url, ref, "--by", "robot:x"))
    assert done.returncode == 2
    assert "somebody is written as bo" in done.stderr


def test_a_store_that_is_not_there_is_not_made(turnkeep: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "none"
    done = turnkeep(*on("list", path.as_uri()))
    assert done.returncode == 2
    assert not path.exists()


def test_an_explanation_tells_the_whole_story(turnkeep: CommandLine, url: str) -> None:
    ref = raised(url)
    turnkeep(*on("approve", url, ref, "--by", "ada"))
    done = turnkeep(*on("explain", url, ref, owner=WHOLE))
    assert (done.returncode, done.stderr) == (0, "")
    assert "asked by the rule otherwise" in done.stdout
    assert "person:ada: approve (once) at " in done.stdout
    assert "grant: active, of agent:scout" in done.stdout
    assert "grant.issued" in done.stdout
    found = told(turnkeep(*on("explain", url, ref, "--json", owner=WHOLE)))
    assert [event["kind"] for event in found["history"]] == [
        "approval.raised",
        "approval.approved",
        "grant.issued",
    ]
    assert found["grant"]["state"] == "active"
    assert found["complete"] is True
    assert "s3cret" not in done.stdout + json.dumps(found)


def test_a_sweep_tells_what_it_noted_and_a_dry_run_what_it_would_prune(
    turnkeep: CommandLine, url: str
) -> None:
    raised(url)
    done = turnkeep("approvals", "sweep", "--store", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["expired: 0", "expired grants: 0", "unreadable: 0"]
    found = told(turnkeep("approvals", "sweep", "--store", url, "--prune", "--json"))
    assert found == {
        "expired": 0,
        "expired_grants": 0,
        "erased": [],
        "pruned": [],
        "spared": 0,
        "dry_run": False,
        "unreadable": 0,
    }
    found = told(turnkeep("approvals", "sweep", "--store", url, "--dry-run", "--json"))
    assert found["dry_run"] is True
    assert "expired" not in found


def test_gates_of_a_database_are_looked_after_too(turnkeep: CommandLine) -> None:
    databases = shared()[1]
    url = databases.clone()
    try:
        ref = raised(url)
        assert turnkeep(*on("approve", url, ref, "--by", "ada")).stdout == f"{ref} is approved.\n"
    finally:
        databases.drop()
