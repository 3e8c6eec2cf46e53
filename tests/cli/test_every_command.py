"""Every command there is, on a terminal and in a pipe, over one store with something of everything.

A command that is added and has no row here fails: nobody has tried it as its user will.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from attrs import frozen

from tests.cli.command_line import run
from tests.cli.recordings import file_of, line
from tests.cli.test_terminal import on_terminal, seen
from tests.cli.test_threads import OWNER as THREAD_OWNER
from tests.cli.test_threads import filled
from tests.postgres.databases import shared
from turnkeep import (
    AccountRef,
    ApprovalView,
    Ceiling,
    CorrelationId,
    Dimension,
    Dispatch,
    Effect,
    InvocationId,
    Lifetime,
    Limits,
    LimitsSet,
    Principal,
    ReaderName,
    RequestId,
    RunView,
    Scope,
    open_keep,
)
from turnkeep_adapters.cli.command import turnkeep

ADA: Final = Principal.person("ada")
SCOPE: Final = Scope.of("acme", "ada")
WORK: Final = Scope.of("acme", "ada", thread="t1")
OWNED: Final = ("--tenant", "acme", "--user", "ada")
ENVIRONMENT: Final = {"TURNKEEP_MASTER_KEY": hashlib.sha256(b"key").hexdigest()}


@frozen(kw_only=True)
class Row:
    """How one command is tried.

    Attributes:
        arguments: Behind its name; what is in braces is filled in.
        code: How it must end.
        stored: Whether it takes a store, which is then named by the environment.
        json: What in its arguments asks for JSON; empty where it never answers so.
        typed: What its user types.
    """

    arguments: tuple[str, ...] = ()
    code: int = 0
    stored: bool = True
    json: tuple[str, ...] = ("--json",)
    typed: bytes = b""


def row(*arguments: str, code: int = 0, typed: bytes = b"") -> Row:
    return Row(arguments=arguments, code=code, typed=typed)


def plain(*arguments: str, code: int = 0, stored: bool = True, typed: bytes = b"") -> Row:
    return Row(arguments=arguments, code=code, stored=stored, json=(), typed=typed)


SMALL: Final = ("--kills", "0", "--pauses", "0", "--workers", "1")
ROWS: Final[dict[str, Row]] = {
    "adopt": plain("{database}", stored=False),
    "approvals approve": row("{gate}", *OWNED, "--by", "ada"),
    "approvals deny": row("{gate}", *OWNED, "--by", "ada"),
    "approvals discard": row("{gate}", *OWNED, "--by", "ada"),
    "approvals erase": row("{gate}", *OWNED),
    "approvals explain": row("{gate}", *OWNED),
    "approvals list": row(*OWNED),
    "approvals show": row("{gate}", *OWNED),
    "approvals sweep": row(),
    "budgets accounts": row(),
    "budgets approve": row("tenant:acme", "none", "--by", "bo", code=2),
    "budgets decline": row("tenant:acme", "none", "--by", "bo", code=1),
    "budgets gates": row(),
    "budgets limit": row("tenant:acme", "--ceiling", "processes=3", "--by", "bo"),
    "budgets sweep": row("--prune"),
    "completion": plain("bash", stored=False),
    "consents allow": row(
        "mail", *OWNED, "--grantee", "agent:scout", "--effect", "reads", "--by", "ada"
    ),
    "consents auto-approve": row("on", *OWNED, "--by", "ada"),
    "consents clear": row("mail", *OWNED, "--by", "ada"),
    "consents list": row(*OWNED),
    "consents override": row("mail", "disabled", *OWNED, "--by", "ada"),
    "consents revoke": row("mail", *OWNED, "--by", "ada"),
    "demo": Row(arguments=(*SMALL, "--input", "{recording}", "--store", "memory:"), stored=False),
    "doctor": Row(arguments=("{store}", "--verify"), stored=False),
    "events follow": plain("--idle", "0.2"),
    "events forget": row("mirror"),
    "events list": row(),
    "events readers": row(),
    "events trim": row(),
    "export": row("{new}"),
    "gc": row("--dry-run"),
    "import": Row(arguments=("--store", "{empty}", "{export}"), stored=False),
    "migrate": plain("{database}", stored=False),
    "runs cancel": row("{run}", *OWNED),
    "runs give-up": row("{run}", *OWNED, "--category", "tired", code=1),
    "runs limits": row("--tenant", "acme", "--running", "3"),
    "runs list": row(*OWNED),
    "runs recover": row(),
    "runs retry": row("{run}", *OWNED, code=1),
    "runs show": row("{run}", *OWNED),
    "salvage": plain("{store}", "{new}", stored=False),
    "secrets doctor": row(),
    "secrets lease": row("api", *OWNED),
    "secrets list": row(*OWNED),
    "secrets put": row("new", *OWNED, "--file", "{material}"),
    "secrets revoke": row("none", *OWNED, code=2),
    "secrets rotate": row(),
    "threads delete": row("rent", *OWNED, "--yes"),
    "threads export": plain("rent", *OWNED, "--output", "{new}"),
    "threads import": row("copy", "{archive}", *OWNED, "--by", "ada"),
    "threads list": row(*OWNED),
    "threads redact": row("rent", "{message}", *OWNED, "--code", "privacy", "--by", "ada"),
    "threads show": row("rent", *OWNED),
    "worker": plain("--app", "nowhere:handler", code=2),
}


def leaves(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *path, name)
        else:
            yield " ".join((*path, name)), command


COMMANDS: Final = dict(leaves(turnkeep))


def test_every_command_is_tried() -> None:
    assert sorted(ROWS) == sorted(COMMANDS)


def test_whatever_can_answer_in_json_is_asked_to() -> None:
    able = {
        name
        for name, command in COMMANDS.items()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert able - {"events follow"} == {name for name, row in ROWS.items() if row.json}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A store with something of everything, and what it is called."""
    path = tmp_path_factory.mktemp("furnished")
    store = path / "store"
    names = asyncio.run(_furnish(store.as_uri()))
    path.joinpath("recording").write_bytes(file_of(line()))
    path.joinpath("material").write_text("mat-erial", encoding="ascii")
    archive, export = path / "archive", path / "export"
    named = {"TURNKEEP_STORE": str(store), **ENVIRONMENT}
    for arguments in (
        ("threads", "export", "rent", *OWNED, "--output", str(archive)),
        ("export", str(export)),
        ("secrets", "put", "api", *OWNED, "--file", str(path / "material")),
    ):
        done = run(*arguments, environment=named)
        assert done.returncode == 0, done.stderr
    return path, names


async def _furnish(url: str) -> dict[str, str]:
    await filled(url)
    async with open_keep(url) as keep:
        run_ = await keep.turns.submit(WORK, actor=ADA, request_id=RequestId("q1"))
        assert isinstance(run_, RunView)
        asked = await keep.approvals.raise_request(
            SCOPE,
            invocation=InvocationId("i1"),
            action=Dispatch.of("mail"),
            effects=frozenset({Effect.COMMUNICATES}),
            requester=Principal.agent("scout"),
            correlation_id=CorrelationId("c1"),
            input={"to": "bob"},
            reason="because",
            display="mail bob",
        )
        assert isinstance(asked, ApprovalView)
        limits = Limits.of(Lifetime(), {Dimension.PROCESSES: Ceiling.of(2)})
        limited = await keep.budgets.set_limit(
            AccountRef.tenant("acme"), limits, by=ADA, request_id=RequestId("l1")
        )
        assert isinstance(limited, LimitsSet)
        await keep.events.register(ReaderName("mirror"))
        page = await keep.threads.history(THREAD_OWNER, "rent")
        message = page.messages[0].message_id  # type: ignore[union-attr]  # it is there
        return {"run": run_.id, "gate": f"approval:{asked.id}", "message": message}


@frozen
class Place:
    """A copy of the furnished store, for one command to do with as it likes."""

    names: dict[str, str]

    def arguments(self, name: str, row: Row, *more: str) -> list[str]:
        filled_in = [part.format(**self.names) for part in row.arguments]
        return [*name.split(), *filled_in, *more]

    def environment(self, row: Row) -> dict[str, str]:
        named = {"TURNKEEP_STORE": self.names["store"]} if row.stored else {}
        return {**ENVIRONMENT, **named}


@pytest.fixture
def place(
    furnished: tuple[Path, dict[str, str]], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Place]:
    path, names = furnished
    shutil.copytree(path, tmp_path, dirs_exist_ok=True)
    known = {"recording", "material", "archive", "export", "store"}
    places = {name: str(tmp_path / name) for name in (*known, "new", "empty")}
    name = request.node.callspec.params["name"]
    if "{database}" not in ROWS[name].arguments:
        yield Place({**names, **places})
        return
    _, databases = shared()
    yield Place({**names, **places, "database": databases.clone()})
    databases.drop()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_command_in_a_pipe_ends_as_it_should_and_colours_nothing(name: str, place: Place) -> None:
    row = ROWS[name]
    done = run(
        *place.arguments(name, row, *row.json), environment=place.environment(row), input=row.typed
    )
    said = done.stdout + done.stderr
    assert done.returncode == row.code, said
    assert "Traceback" not in said
    assert "\x1b" not in said
    if row.json and row.code == 0:
        assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_command_on_a_terminal_ends_as_it_should(name: str, place: Place) -> None:
    row = ROWS[name]
    with on_terminal(*place.arguments(name, row), **place.environment(row)) as (process, user):
        shown = seen(user)
        assert process.wait(60) == row.code, shown
    assert b"Traceback" not in shown


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command_says_what_it_does_in_lines_that_fit(name: str) -> None:
    context = click.Context(COMMANDS[name], info_name=f"turnkeep {name}", max_content_width=80)
    told = COMMANDS[name].get_help(context).splitlines()
    assert max(len(each) for each in told if "{" not in each) <= 80
    assert (COMMANDS[name].help or "").partition("\n\n")[0].endswith(".")
