"""The commands that look after threads, on a directory and on a database."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.command_line import at
from tests.cli.command_line import run as run_in_a_process
from tests.cli.conftest import CommandLine, Ended
from tests.postgres.databases import shared
from turnkeep import (
    Attachment,
    AttachmentKind,
    AttachmentPart,
    Content,
    InboundEvent,
    JsonPart,
    Keep,
    MessageReceipt,
    Part,
    RequestId,
    Scope,
    SummaryPolicy,
    TextPart,
    ToolCallPart,
    open_keep,
)
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.keys import key
from turnkeep_domain.threads.headers import THREADS
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import CommitId, Entry, Put

OWNER: Final = Scope.of("acme", "ada")
WHOSE: Final = ("--tenant", "acme", "--user", "ada")
SCAN: Final = Attachment(
    id="scan",
    kind=AttachmentKind.IMAGE,
    mime="image/png",
    filename="rent.png",
    size_bytes=7,
    storage_key="s3cret-key",
    extracted_text="s3cret-text",
)


@pytest.fixture(params=["files", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store with two threads of one owner."""
    databases = shared()[1]
    if request.param == "files":
        path = tmp_path / "store"
        url, named = path.as_uri(), str(path)
    else:
        url = named = databases.clone()
    asyncio.run(filled(url))
    yield named
    databases.drop()


async def filled(url: str) -> None:
    async with open_keep(url) as keep:
        for thread in ("rent", "trip"):
            await keep.threads.ensure_thread(OWNER, thread, created_by="ada")
            await say(keep, thread, f"About the {thread}\nin two lines")
        parts: list[Part] = [
            TextPart("I will."),
            ToolCallPart.of("result:1", "pay", {"amount": 12}),
        ]
        await keep.threads.finalize(
            OWNER, "rent", run_id="r1", slot=0, content=Content.of(parts), provider=b"s3cret"
        )
        await keep.threads.append_tool_result(
            OWNER, "rent", run_id="r1", result_ref="result:1", safe_summary="Paid 12 EUR"
        )
        content = Content.of([JsonPart.of({"a": [1]}), AttachmentPart("scan")], attachments=[SCAN])
        await say(keep, "rent", content)
        await keep.threads.summarise(
            OWNER,
            "rent",
            start=1,
            end=2,
            kind="recap",
            text="The rent is paid.",
            policy=SummaryPolicy.REPLACE,
            basis=0,
            request_id=RequestId("s1"),
        )


async def say(keep: Keep, thread: str, content: str | Content) -> None:
    event = InboundEvent(source_binding="web", event_id=repr(content)[:99])
    said = Content.of(content) if isinstance(content, str) else content
    answer = await keep.threads.accept_inbound(OWNER, thread, event, said, actor="ada")
    assert isinstance(answer, MessageReceipt)


def facts(done: Ended) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sentence(done: Ended, code: int = 2) -> str:
    """The one sentence of an error: no traceback, nothing on standard output."""
    assert (done.returncode, done.stdout) == (code, "")
    (only,) = done.stderr.splitlines()
    return only


# ---- list and show ------------------------------------------------------------------------------


def test_threads_are_listed_as_a_table_the_latest_first(turnkeep: CommandLine, store: str) -> None:
    done = turnkeep("threads", "list", *at(store), *WHOSE)
    assert (done.returncode, done.stderr) == (0, "")
    head, first, second = done.stdout.splitlines()
    assert head.split() == ["THREAD", "MESSAGES", "LAST", "ACTIVITY", "TITLE"]
    assert first.split()[:2] in (["rent", "4"], ["trip", "1"])
    assert {first.split()[0], second.split()[0]} == {"rent", "trip"}
    assert "About the rent" in done.stdout


def test_a_list_for_programs_goes_on_where_it_ended(turnkeep: CommandLine, store: str) -> None:
    one = facts(turnkeep("threads", "list", *at(store), *WHOSE, "--limit", "1", "--json"))
    two = facts(
        turnkeep(
            "threads",
            "list",
            "--store",
            store,
            *WHOSE,
            "--limit",
            "1",
            "--after",
            one["next"],
            "--json",
        )
    )
    seen = [each["thread_id"] for page in (one, two) for each in page["threads"]]
    assert sorted(seen) == ["rent", "trip"]
    assert (one["unreadable"], two["next"]) == ([], None)
    more = turnkeep("threads", "list", *at(store), *WHOSE, "--limit", "1")
    assert "There are more: --after" in more.stderr


def test_another_owner_has_no_threads(turnkeep: CommandLine, store: str) -> None:
    done = turnkeep("threads", "list", *at(store), "--tenant", "acme", "--user", "bob", "--json")
    assert facts(done)["threads"] == []
    shown = turnkeep("threads", "show", *at(store), "rent", "--tenant", "acme", "--user", "bob")
    assert sentence(shown, 1).endswith("(thread_not_found).")
    deeper = turnkeep("threads", "list", *at(store), *WHOSE, "--agent", "scout", "--json")
    assert facts(deeper)["threads"] == []


def test_a_thread_is_shown_in_order(turnkeep: CommandLine, store: str) -> None:
    done = turnkeep("threads", "show", *at(store), "rent", *WHOSE)
    assert (done.returncode, done.stderr) == (0, "")
    about, head, *rows = done.stdout.splitlines()
    assert about.startswith("4 messages, last activity ")
    assert head.split() == ["NUMBER", "KIND", "STATE", "WRITTEN", "SAYS"]
    assert [row.split()[:3] for row in rows] == [
        ["1", "user", "accepted"],
        ["2", "assistant", "finalized"],
        ["3", "tool_result", "finalized"],
        ["4", "user", "accepted"],
    ]
    assert rows[0].endswith("About the rent in two lines")
    assert rows[1].endswith('I will. pay {"amount":12}')
    assert rows[2].endswith("Paid 12 EUR")
    assert rows[3].endswith('{"a":[1]} [image]')
    assert "s3cret" not in done.stdout


def test_a_thread_for_programs_has_everything_but_what_is_private(
    turnkeep: CommandLine, store: str
) -> None:
    shown = facts(turnkeep("threads", "show", *at(store), "rent", *WHOSE, "--json"))
    assert shown["thread"]["title"] == "About the rent"
    assert [each["sequence"] for each in shown["messages"]] == [1, 2, 3, 4]
    assert shown["messages"][1]["parts"] == [
        {"text": "I will."},
        {"tool_call": "pay", "result_ref": "result:1", "arguments": {"amount": 12}},
    ]
    (summary,) = shown["summaries"]
    assert (summary["start"], summary["end"], summary["text"]) == (1, 2, "The rent is paid.")
    assert "s3cret" not in json.dumps(shown)
    page = facts(
        turnkeep(
            "threads",
            "show",
            "--store",
            store,
            "rent",
            *WHOSE,
            "--after",
            "1",
            "--limit",
            "2",
            "--json",
        )
    )
    assert ([each["sequence"] for each in page["messages"]], page["next"]) == ([2, 3], 3)


def test_what_could_steer_a_terminal_is_spelt_out(turnkeep: CommandLine, tmp_path: Path) -> None:
    async def fill(url: str) -> None:
        async with open_keep(url) as keep:
            await keep.threads.ensure_thread(OWNER, "t", created_by="ada", title="a\x1b[31mb")
            await say(keep, "t", "c\x1b[2Jd\u202e" + "x" * 100)

    path = tmp_path / "store"
    asyncio.run(fill(path.as_uri()))
    for command in (("list",), ("show", "t")):
        done = turnkeep("threads", command[0], *at(path), *command[1:], *WHOSE)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        assert "\\x1b" in done.stdout
        assert command[0] == "list" or done.stdout.rstrip().endswith("...")


# ---- export and import --------------------------------------------------------------------------


def test_a_thread_is_exported_imported_and_exported_again(
    turnkeep: CommandLine, store: str, tmp_path: Path
) -> None:
    archive, again = tmp_path / "rent.jsonl", tmp_path / "again.jsonl"
    done = turnkeep("threads", "export", *at(store), "rent", *WHOSE, "--output", str(archive))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Exported 4 messages.\n"
    assert len(archive.read_text(encoding="utf-8").splitlines()) == 7
    done = turnkeep("threads", "import", *at(store), "copy", str(archive), *WHOSE, "--by", "ada")
    assert (done.returncode, done.stdout) == (0, "Imported 4 messages.\n")
    repeated = facts(
        turnkeep(
            "threads",
            "import",
            "--store",
            store,
            "copy",
            str(archive),
            *WHOSE,
            "--by",
            "ada",
            "--json",
        )
    )
    assert (repeated["new"], repeated["thread"]["messages"]) == (False, 4)
    turnkeep("threads", "export", *at(store), "copy", *WHOSE, "--output", str(again))
    assert again.read_bytes() == archive.read_bytes()
    assert os.listdir(tmp_path).count("rent.jsonl") == 1
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".rent")]


def test_an_archive_goes_through_pipes(store: str) -> None:
    exported = run_in_a_process("threads", "export", *at(store), "rent", *WHOSE)
    assert exported.returncode == 0
    imported = run_in_a_process(
        *("threads", "import", *at(store), "copy", "-", *WHOSE, "--by", "ada"),
        input=exported.stdout.encode(),
    )
    assert (imported.returncode, imported.stdout) == (0, "Imported 4 messages.\n")


def test_an_archive_that_is_cut_is_refused_in_one_sentence(
    turnkeep: CommandLine, store: str, tmp_path: Path
) -> None:
    archive = tmp_path / "rent.jsonl"
    turnkeep("threads", "export", *at(store), "rent", *WHOSE, "--output", str(archive))
    for content in (archive.read_bytes()[:-9], b"", b"\xff\xfe", b"{}\n" * 9):
        archive.write_bytes(content)
        done = turnkeep(
            "threads", "import", *at(store), "copy", str(archive), *WHOSE, "--by", "ada"
        )
        assert sentence(done, 1) == (
            "Refused: the file is no whole export; nothing was written (import_invalid)."
        )
    missing = turnkeep(
        "threads", "import", *at(store), "x", str(tmp_path / "no"), *WHOSE, "--by", "a"
    )
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr


def test_an_archive_that_cannot_be_written_leaves_nothing(
    turnkeep: CommandLine, store: str, tmp_path: Path
) -> None:
    place = tmp_path / "missing" / "rent.jsonl"
    done = turnkeep("threads", "export", *at(store), "rent", *WHOSE, "--output", str(place))
    assert sentence(done).startswith("Error: the archive cannot be written: ")
    absent = tmp_path / "none.jsonl"
    done = turnkeep("threads", "export", *at(store), "none", *WHOSE, "--output", str(absent))
    assert sentence(done, 1).endswith("(thread_not_found).")
    assert not absent.exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".none")]


# ---- redact and delete --------------------------------------------------------------------------


def test_a_message_is_redacted_and_shown_as_a_placeholder(
    turnkeep: CommandLine, store: str
) -> None:
    shown = facts(turnkeep("threads", "show", *at(store), "rent", *WHOSE, "--json"))
    id = shown["messages"][0]["message_id"]
    how = (
        "threads",
        "redact",
        "--store",
        store,
        "rent",
        id,
        *WHOSE,
        "--code",
        "privacy",
        "--by",
        "ada",
    )
    assert turnkeep(*how).stdout == "Message 1 is redacted.\n"
    assert turnkeep(*how).stdout == "Message 1 was redacted before.\n"
    assert facts(turnkeep(*how, "--json"))["state"] == "redacted"
    shown = facts(turnkeep("threads", "show", *at(store), "rent", *WHOSE, "--json"))
    assert (shown["messages"][0]["code"], shown["messages"][0]["parts"]) == ("privacy", [])
    assert shown["summaries"] == []
    unknown = turnkeep(
        *(
            "threads",
            "redact",
            "--store",
            store,
            "rent",
            "m-x",
            *WHOSE,
            "--code",
            "x",
            "--by",
            "ada",
        )
    )
    assert sentence(unknown, 1).endswith("(message_not_found).")
    wrong = turnkeep(
        *(
            "threads",
            "redact",
            "--store",
            store,
            "rent",
            id,
            *WHOSE,
            "--code",
            "Not a word",
            "--by",
            "ada",
        )
    )
    assert sentence(wrong) == "Error: code must match [a-z][a-z0-9_]{0,63}"


def test_a_thread_is_deleted_once_somebody_says_yes(store: str) -> None:
    how = ("threads", "delete", *at(store), "trip", *WHOSE)
    no = run_in_a_process(*how, input=b"n\n")
    assert (no.returncode, no.stdout) == (130, "")
    assert "Nothing brings a thread back." in no.stderr
    yes = run_in_a_process(*how, input=b"y\n")
    assert yes.returncode == 0
    assert yes.stdout.startswith("Deleted at ")
    again = run_in_a_process(*how, "--yes", "--json")
    assert json.loads(again.stdout)["epoch"] == 2
    shown = run_in_a_process("threads", "show", *at(store), "trip", *WHOSE)
    assert shown.stderr.endswith("(thread_deleted).\n")


# ---- what cannot be used ------------------------------------------------------------------------


def test_a_store_that_is_not_there_is_not_made(turnkeep: CommandLine, tmp_path: Path) -> None:
    place = tmp_path / "none"
    for store in (str(place), place.as_uri(), "memory:", "mysql://user:s3cret@host/db"):
        done = turnkeep("threads", "list", *at(store), *WHOSE)
        assert "s3cret" not in sentence(done)
    assert not place.exists()


def test_an_owner_must_be_one(turnkeep: CommandLine, tmp_path: Path) -> None:
    done = turnkeep("threads", "list", *at(tmp_path), "--tenant", "acme", "--user", "*")
    assert sentence(done) == "Error: user must not be *, which is reserved"
    missing = turnkeep("threads", "list", *at(tmp_path), "--tenant", "acme")
    assert missing.returncode == 2
    assert "--user" in missing.stderr


def test_an_unreadable_thread_is_told_apart(turnkeep: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "store"
    asyncio.run(filled(path.as_uri()))

    async def damage() -> None:
        clock = SystemClock()
        async with FilesRecordStore(path, clock=clock, wall_clock=clock.utc_now) as store:
            trip = key(THREADS, OWNER, "trip").address
            soon = Deadline.after(clock, 5)
            cell = (await store.load([trip], deadline=soon)).cells[trip]
            entry = Entry(body=b"{}", index=cell.entry.index)
            await store.commit(
                CommitId(b"c" * 16),
                [Put(trip, cell.revision, entry)],
                (),
                valid_until=None,
                deadline=soon,
            )

    asyncio.run(damage())
    done = turnkeep("threads", "list", *at(path), *WHOSE)
    assert done.returncode == 1
    assert done.stderr == "Unreadable: trip (corrupt).\n"
    assert "rent" in done.stdout
    shown = turnkeep("threads", "show", *at(path), "trip", *WHOSE)
    assert sentence(shown).startswith("Error: a stored threads record is corrupt")


@pytest.mark.parametrize("name", ["delete", "export", "import", "list", "redact", "show"])
def test_help_on_a_command_tells_what_it_does(turnkeep: CommandLine, name: str) -> None:
    done = turnkeep("threads", name, "--help")
    assert done.returncode == 0
    assert "--tenant ID" in done.stdout
