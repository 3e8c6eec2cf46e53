"""What the documents say is run and followed, so that it stays true."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import TOP
from tests.docs.markdown import Document, slug

DOCUMENTS: Final = [
    *sorted(TOP.glob("*.md")),
    *sorted(TOP.joinpath("docs").rglob("*.md")),
]
LANGUAGES: Final = {
    *("bash", "console", "json", "python", "sql", "text", "toml", "yaml"),
}

SLOW: Final = re.compile(r"^Executing <.* took [0-9.]+ seconds\n", re.MULTILINE)
"""What asyncio's debug mode says of a busy machine."""


def name(path: Path) -> str:
    return str(path.relative_to(TOP))


def ran(document: Document, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a document's program in an empty folder, as its reader would, warnings being errors."""
    program = folder / f"{document.path.stem}.py"
    program.write_text(document.program, encoding="utf-8")
    return subprocess.run(
        # No development mode: there, asyncio tells of whatever a busy machine has slowed down.
        # -P: a page may be named like one of Python's own modules.
        [sys.executable, "-P", "-W", "error", str(program)],
        capture_output=True,
        check=False,
        cwd=folder,
        text=True,
    )


def broken_links(document: Document) -> list[str]:
    return [target for target in document.links if not resolves(document, target)]


def resolves(document: Document, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    place, _, anchor = target.partition("#")
    path = (document.path.parent / place).resolve() if place else document.path
    if not path.exists():
        return False
    return not anchor or anchor in Document.read(path).anchors


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_block_says_what_it_is(path: Path) -> None:
    assert {block.language for block in Document.read(path).blocks} <= LANGUAGES


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_the_code_of_a_document_runs(path: Path, tmp_path: Path) -> None:
    done = ran(Document.read(path), tmp_path)
    assert done.returncode == 0, done.stderr
    assert SLOW.sub("", done.stderr) == ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_the_links_of_a_document_lead_somewhere(path: Path) -> None:
    assert broken_links(Document.read(path)) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_a_document_names_targets_that_make_has(path: Path) -> None:
    makefile = TOP.joinpath("Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    assert Document.read(path).make_targets <= targets


def test_the_readme_shows_code_and_the_two_commands() -> None:
    readme = Document.read(TOP / "README.md")
    assert readme.program.strip() != ""
    assert {"demo", "test"} <= readme.make_targets


SAMPLE: Final = """\
# A sample, with `code`

See [below](#the-second-part), [a file](there.md) and [nothing](gone.md#x). Run `make demo`.

```python
first = 1
```

* In a list:

  ```python
  assert first == 2, "told at its own line"
  ```

## The second part

```text
make test
[no link](in-code.md)
```
"""


@pytest.fixture
def sample(tmp_path: Path) -> Document:
    path = tmp_path / "sample.md"
    path.write_text(SAMPLE, encoding="utf-8")
    tmp_path.joinpath("there.md").write_text("", encoding="utf-8")
    return Document.read(path)


def test_a_block_that_fails_is_told_with_its_line(sample: Document, tmp_path: Path) -> None:
    done = ran(sample, tmp_path)
    assert done.returncode == 1
    assert 'sample.py", line 12' in done.stderr
    assert "told at its own line" in done.stderr


def test_a_link_that_leads_nowhere_is_seen(sample: Document) -> None:
    assert broken_links(sample) == ["gone.md#x"]


def test_an_anchor_that_no_heading_has_is_seen(sample: Document) -> None:
    assert resolves(sample, "#the-second-part")
    assert not resolves(sample, "#the-third-part")


def test_the_commands_of_a_document_are_found_in_prose_and_in_blocks(sample: Document) -> None:
    assert sample.make_targets == {"demo", "test"}


def test_a_block_that_is_never_closed_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "open.md"
    path.write_text("```python\nfirst = 1\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"open\.md:1: the block is never closed"):
        Document.read(path)


@pytest.mark.parametrize(
    ("title", "anchor"),
    [
        ("Crash windows", "crash-windows"),
        ("`open_keep`, in short", "open_keep-in-short"),
        ("What is *not* promised?", "what-is-not-promised"),
    ],
)
def test_a_heading_has_an_anchor(title: str, anchor: str) -> None:
    assert slug(title) == anchor
