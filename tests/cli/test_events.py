"""`turnkeep events`: what has happened, in order, as it happens, and forgotten when it is old."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.cli.command_line import ENVIRONMENT, command
from tests.cli.conftest import CommandLine
from tests.cli.test_terminal import on_terminal
from tests.codec.cases import EVENT_CASES
from turnkeep import Keep, Recorded, RequestId, Scope, Tenancy, open_keep
from turnkeep_adapters.cli.events.telling import object_of
from turnkeep_ports.store import CommitId, Cursor


@frozen
class Desk:
    """One store in files, and the command line over it."""

    url: str
    turnkeep: CommandLine

    def __call__(self, command: str, *arguments: str) -> Any:
        """What a command answers as JSON."""
        return json.loads(self.text(command, *arguments, "--json"))

    def text(self, command: str, *arguments: str) -> str:
        done = self.turnkeep("events", command, "--store", self.url, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def refused(self, command: str, *arguments: str) -> str:
        done = self.turnkeep("events", command, "--store", self.url, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        return done.stderr

    def keeping(self, use: Callable[[Keep], Awaitable[None]]) -> None:
        async def opened() -> None:
            async with open_keep(self.url) as keep:
                await use(keep)

        asyncio.run(opened())

    def happen(self, *names: str, tenant: str = "acme", user: str = "ada") -> None:
        async def use(keep: Keep) -> None:
            for name in names:
                answer = await keep.leases.acquire(
                    Scope.of(tenant, user), name, holder="one", request_id=RequestId(name)
                )
                assert isinstance(answer, Tenancy)

        self.keeping(use)


@pytest.fixture
def desk(tmp_path: Path, turnkeep: CommandLine) -> Desk:
    return Desk((tmp_path / "store").as_uri(), turnkeep)


def ids(told: Any) -> list[str]:
    return [event["id"] for event in told["events"]]


def test_events_are_listed_in_order_page_by_page(desk: Desk) -> None:
    desk.happen("a", "b", "c")
    first = desk("list", "--limit", "2")
    assert ids(first) == ["a", "b"]
    assert ids(desk("list", "--after", first["next"])) == ["c"]
    table = desk.text("list", "--limit", "2")
    assert [line.split()[0] for line in table.splitlines()[0:1]] == ["WHEN"]
    assert "lease.acquired  a       acme/ada" in table
    assert table.endswith(f"Those after: --after {first['next']}\n")


def test_an_event_is_told_with_its_facts(desk: Desk) -> None:
    desk.happen("a")
    (event,) = desk("list")["events"]
    assert (event["kind"], event["collection"]) == ("lease.acquired", "lease")
    assert event["scope"]["tenant"] == "acme"
    assert event["facts"]["fence"] == 1
    assert event["facts"]["holder"] == "one"


@pytest.mark.parametrize("name", EVENT_CASES, ids="-".join)
def test_every_kind_of_event_can_be_told(name: tuple[str, str]) -> None:
    event = EVENT_CASES[name]
    told = object_of(Recorded(Cursor(b"c"), CommitId(b"i" * 16), event))
    assert json.loads(json.dumps(told))["kind"] == event.kind


def test_events_of_one_tenant_and_user_and_collection_are_found(desk: Desk) -> None:
    desk.happen("a")
    desk.happen("b", user="eve")
    desk.happen("c", tenant="other")
    assert ids(desk("list", "--tenant", "acme")) == ["a", "b"]
    assert ids(desk("list", "--tenant", "acme", "--user", "eve")) == ["b"]
    assert ids(desk("list", "--collection", "approval")) == []
    assert ids(desk("list", "--collection", "approval", "--collection", "lease")) == ["a", "b", "c"]


def test_what_cannot_be_meant_is_refused_in_a_sentence(desk: Desk) -> None:
    desk.happen("a")
    assert "--user needs --tenant" in desk.refused("list", "--user", "ada")
    assert "is no cursor" in desk.refused("list", "--after", "zz")
    lost = desk.refused("list", "--after", "00" * 24)
    assert "were trimmed, or it is of another store" in lost
    assert "Traceback" not in lost


def test_a_named_reader_continues_where_it_was(desk: Desk) -> None:
    desk.happen("a", "b")
    follow = ("--reader", "mirror", "--idle", "0.2")
    first = desk.text("follow", *follow, "--json").splitlines()
    assert [json.loads(line)["id"] for line in first] == ["a", "b"]
    desk.happen("c")
    then = desk.text("follow", *follow).splitlines()
    assert [line.split()[3] for line in then] == ["c"]
    (reader,) = desk("readers")["readers"]
    assert reader["name"] == "mirror"
    assert "mirror" in desk.text("readers")
    assert desk("forget", "mirror") == {"forgotten": True}
    assert desk.text("forget", "mirror") == "There was no such reader.\n"
    assert desk("readers") == {"readers": [], "unreadable": 0}


def test_old_events_are_forgotten_but_not_those_of_a_reader(desk: Desk) -> None:
    desk.happen("a", "b")
    assert desk("trim")["events"] == 0
    desk.text("follow", "--reader", "mirror", "--idle", "0")
    assert desk("trim", "--older-than", "0")["events"] == 0
    desk("forget", "mirror")
    assert "2 events would be forgotten" in desk.text("trim", "--older-than", "0", "--dry-run")
    assert desk("trim", "--older-than", "0")["events"] == 2
    assert ids(desk("list")) == []


def test_a_follower_in_a_pipe_tells_each_event_at_once_and_ends_when_nobody_reads(
    desk: Desk,
) -> None:
    desk.happen("a")
    with subprocess.Popen(
        command("events", "follow", "--store", desk.url, "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["id"] == "a"
        desk.happen("b")
        assert json.loads(process.stdout.readline())["id"] == "b"
        process.stdout.close()
        desk.happen("c")
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


def test_a_follower_on_a_terminal_is_ended_by_an_interrupt(desk: Desk) -> None:
    desk.happen("a")
    with on_terminal("events", "follow", "--store", desk.url) as (process, user):
        shown = b""
        while b"lease.acquired" not in shown:
            shown += os.read(user, 65_536)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert b"Traceback" not in shown


def test_a_store_that_is_not_there_is_one_sentence(turnkeep: CommandLine, tmp_path: Path) -> None:
    done = turnkeep("events", "list", "--store", (tmp_path / "no").as_uri())
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "no").exists()
