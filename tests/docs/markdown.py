"""A document: prose with code blocks, links and headings.

The blocks marked `python` are one program, in the order in which they stand; they run, all of
them. Code that is not to be run is marked as what it is: `text`, `console`, `toml`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from attrs import frozen

FENCE: Final = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`]*)$")
LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING: Final = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*$")
COMMAND: Final = re.compile(r"(?:^\s*(?:\$ )?|`)make (?P<target>[a-z-]+)")


@frozen(kw_only=True)
class Block:
    """A fenced block: its language, the number of its first line, its lines without the indent."""

    language: str
    first: int
    lines: tuple[str, ...]


@frozen(kw_only=True)
class Document:
    path: Path
    prose: tuple[str, ...]
    blocks: tuple[Block, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        prose: list[str] = []
        blocks: list[Block] = []
        lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
        for number, line in lines:
            if fence := FENCE.match(line):
                inside = tuple(_until_closed(lines, fence, f"{path.name}:{number}"))
                language = fence["info"].strip()
                blocks.append(Block(language=language, first=number + 1, lines=inside))
            else:
                prose.append(line)
        return cls(path=path, prose=tuple(prose), blocks=tuple(blocks))

    @property
    def program(self) -> str:
        """The Python blocks as one source, each line under its number in the document."""
        lines: list[str] = []
        for block in self.blocks:
            if block.language == "python":
                lines += [""] * (block.first - 1 - len(lines))
                lines += block.lines
        return "\n".join([*lines, ""])

    @property
    def links(self) -> list[str]:
        return [found["target"] for line in self.prose for found in LINK.finditer(line)]

    @property
    def anchors(self) -> set[str]:
        titles = (HEADING.match(line) for line in self.prose)
        return {slug(title["title"]) for title in titles if title}

    @property
    def make_targets(self) -> set[str]:
        """The targets of make that the document tells its reader to call."""
        code = [line for line in self.prose if "`" in line]
        shell = [line for b in self.blocks if b.language in ("console", "text") for line in b.lines]
        return {found["target"] for line in [*code, *shell] for found in COMMAND.finditer(line)}


def slug(title: str) -> str:
    """The anchor that a heading gets where repositories are shown as pages."""
    plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", title).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _until_closed(
    lines: Iterator[tuple[int, str]], fence: re.Match[str], where: str
) -> Iterator[str]:
    for _, line in lines:
        if line.strip().startswith(fence["ticks"]) and not line.strip().strip("`"):
            return
        yield line.removeprefix(fence["indent"])
    raise AssertionError(f"{where}: the block is never closed")
