"""The format of exports: what a release has written, every later one reads; and sealed secrets."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Final

import pytest

from tests.transfers.places import Everything, Places, run
from tests.upkeep.test_upkeep import KEY, OWNER, SCOPE, keep_on, past
from turnkeep import (
    KeyMismatch,
    Opened,
    Refused,
    RequestId,
    SchemaTooNew,
    export_store,
    import_store,
)
from turnkeep_adapters.transfers.lines import chapter_line, content_of, head_line, head_of
from turnkeep_application.transfers.chapters import Chapter

GOLDEN: Final = Path(__file__).with_name("golden") / "export-v1.jsonl"


def test_an_export_of_the_first_version_is_read_as_it_was_written(places: Places) -> None:
    async def scenario() -> None:
        async with places.of("memory", "target").open() as target:
            with GOLDEN.open("rb") as source:
                done = await import_store(target, source)
            found = await Everything.of(target)
            bodies = [entry.body for _, entry, _ in found.cells]
            assert bodies == [b"plain", b"\xff\x00\xfe", b"", "é \U0001f600".encode()]
            assert [event.body for _, event in found.events] == [b"e1", b"\x80", b"e3"]
            assert found.events[0][1].kind == "specimen.written"
            assert (done.cells, done.events, done.chapters) == (4, 3, 3)
            to = io.BytesIO()
            await export_store(target, to)
            # Line by line, it is spelled today as it was then.
            assert to.getvalue().splitlines()[1:-1] == GOLDEN.read_bytes().splitlines()[1:-1]

    run(scenario())


def test_each_line_has_one_spelling() -> None:
    head, *rest = GOLDEN.read_bytes().splitlines(True)
    assert head_line(head_of(head)) == head
    for line in rest[:-1]:
        chapter = content_of(line)
        assert isinstance(chapter, Chapter)
        assert chapter_line(chapter) == line


def test_a_newer_version_is_refused_with_its_number(places: Places) -> None:
    async def scenario() -> None:
        newer = GOLDEN.read_bytes().replace(b'"version":1', b'"version":2', 1)
        async with places.of("memory", "target").open() as target:
            with pytest.raises(SchemaTooNew, match="schema 2"):
                await import_store(target, io.BytesIO(newer))

    run(scenario())


def test_secrets_come_sealed_and_open_with_their_keys_alone(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, bytes(range(32)).hex())

    async def scenario() -> None:
        export = await past()
        assert b"sesame" not in export
        async with places.of("memory", "target").open() as target:
            await import_store(target, io.BytesIO(export))
            secrets = keep_on(target).secrets
            ref = await secrets.issue(
                SCOPE, owner=OWNER, handle="bank", request_id=RequestId("later")
            )
            assert not isinstance(ref, Refused)
            answer = await secrets.consume(ref, request_id=RequestId("c"))
            assert isinstance(answer, Opened)
            with answer.material as material:
                assert material.reveal() == b"sesame"
            monkeypatch.setenv(KEY, bytes(range(1, 33)).hex())
            with pytest.raises(KeyMismatch):
                await keep_on(target).secrets.begin()

    asyncio.run(scenario())
