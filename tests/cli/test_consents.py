"""`turnkeep consents`: what stands for a user's tools is seen, given and taken back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CommandLine, Ended
from turnkeep import open_keep

OWNER = ("--tenant", "acme", "--user", "ada")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that is there, with nothing in it."""
    url = tmp_path.joinpath("store").as_uri()
    asyncio.run(made(url))
    return url


async def made(url: str) -> None:
    async with open_keep(url):
        pass


def told(done: Ended, code: int = 0) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (code, "")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def on(command: str, url: str, *more: str, by: str | None = "ada") -> tuple[str, ...]:
    who = () if by is None else ("--by", by)
    return ("consents", command, "--store", url, *OWNER, *more, *who)


ALLOW = ("mail.send", "--grantee", "agent:scout", "--effect", "communicates")


def listed(turnkeep: CommandLine, url: str) -> dict[str, Any]:
    return told(turnkeep(*on("list", url, "--json", by=None)))


def test_nothing_stands_at_first(turnkeep: CommandLine, url: str) -> None:
    done = turnkeep(*on("list", url, by=None))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Nothing stands: every call is asked about.\n"
    assert listed(turnkeep, url) == {"tools": [], "auto_approve": None, "unreadable": 0}


def test_a_tool_is_allowed_listed_and_revoked(turnkeep: CommandLine, url: str) -> None:
    done = turnkeep(*on("allow", url, *ALLOW, "--days", "3"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "mail.send is allowed.\n", "")
    (tool,) = listed(turnkeep, url)["tools"]
    assert (tool["tool"], tool["override"]) == ("mail.send", None)
    (allow,) = tool["allows"]
    assert (allow["grantee"], allow["kinds"], allow["effects"], allow["granted_by"]) == (
        "agent:scout",
        ["dispatch"],
        ["communicates"],
        "person:ada",
    )
    text = turnkeep(*on("list", url, by=None)).stdout
    assert "agent:scout may dispatch (communicates) until " in text
    other = turnkeep(*on("revoke", url, "mail.send", "--grantee", "agent:other"))
    assert other.returncode == 0
    assert listed(turnkeep, url)["tools"]
    assert told(turnkeep(*on("revoke", url, "mail.send", "--json"))) == {"done": True}
    assert listed(turnkeep, url)["tools"] == []


def test_an_override_ends_what_was_allowed_and_is_cleared(turnkeep: CommandLine, url: str) -> None:
    turnkeep(*on("allow", url, *ALLOW))
    done = turnkeep(*on("override", url, "mail.send", "disabled"))
    assert done.stdout == "mail.send is overridden: disabled.\n"
    (tool,) = listed(turnkeep, url)["tools"]
    assert (tool["override"]["kind"], tool["allows"]) == ("disabled", [])
    assert "mail.send: disabled, by person:ada" in turnkeep(*on("list", url, by=None)).stdout
    turnkeep(*on("clear", url, "mail.send"))
    assert listed(turnkeep, url)["tools"] == []


def test_auto_approval_is_switched_on_for_a_while_and_off(turnkeep: CommandLine, url: str) -> None:
    done = turnkeep(*on("auto-approve", url, "on", "--days", "2"))
    assert done.stdout == "Auto-approval is on.\n"
    assert listed(turnkeep, url)["auto_approve"]["by"] == "person:ada"
    assert "Auto-approval is on until" in turnkeep(*on("list", url, by=None)).stdout
    assert turnkeep(*on("auto-approve", url, "off")).stdout == "Auto-approval is off.\n"
    assert listed(turnkeep, url)["auto_approve"] is None


def test_a_request_id_that_was_used_for_something_else_is_refused(
    turnkeep: CommandLine, url: str
) -> None:
    assert turnkeep(*on("allow", url, *ALLOW, "--request-id", "r1")).returncode == 0
    assert turnkeep(*on("allow", url, *ALLOW, "--request-id", "r1")).returncode == 0
    done = turnkeep(*on("override", url, "mail.send", "disabled", "--request-id", "r1"))
    assert done.returncode == 1
    assert done.stderr.endswith("(request_id_reused).\n")


def test_what_must_be_asked_each_time_cannot_be_allowed(turnkeep: CommandLine, url: str) -> None:
    done = turnkeep(*on("allow", url, *ALLOW, "--effect", "financial"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "asked each time" in done.stderr


def test_an_agent_consents_to_nothing(turnkeep: CommandLine, url: str) -> None:
    done = turnkeep(*on("allow", url, *ALLOW, by="agent:scout"))
    assert done.returncode == 2
    assert listed(turnkeep, url)["tools"] == []


def test_consents_of_another_user_are_not_seen(turnkeep: CommandLine, url: str) -> None:
    turnkeep(*on("allow", url, *ALLOW))
    done = turnkeep(
        "consents", "list", "--store", url, "--tenant", "acme", "--user", "bo", "--json"
    )
    assert told(done)["tools"] == []
