"""A diagnosis: what is in the directory of a files store, and whether it is sound, in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from attrs import asdict, frozen

from turnkeep_adapters.cli.doctor.contents import Contents, contents_of
from turnkeep_adapters.cli.doctor.place import shown
from turnkeep_adapters.files.form import VERSION
from turnkeep_adapters.files.inspection import Inspection, Verification, inspect, verify

_NAMED_MAX: Final = 5
_ID_DIGITS: Final = 8


@frozen(kw_only=True)
class Diagnosis:
    """What was found.

    Attributes:
        verification: What a walk along the whole log has found; None where nobody walked.
    """

    inspection: Inspection
    contents: Contents
    verification: Verification | None

    @classmethod
    def of(cls, path: Path, *, verifies: bool) -> Diagnosis:
        """Looks at a store, and changes nothing.

        Raises:
            Unsupported: There is no store.
            Corrupt: `FORMAT` is damaged, or a directory is missing.
            SchemaTooNew: A newer release wrote some of it.
            Unavailable: A system call failed.
        """
        return cls(
            inspection=inspect(path),
            contents=contents_of(path),
            verification=verify(path) if verifies else None,
        )

    @property
    def damage(self) -> tuple[str, ...]:
        """What is damaged or missing, in clauses; none where nothing is, as far as was looked."""
        found = () if self.contents.damage is None else (self.contents.damage,)
        walked = () if self.verification is None else self.verification.findings
        return (*found, *(clause for clause in walked if clause not in found))

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged, as far as was looked, and an import is not cut off."""
        return not self.damage and not self.contents.importing

    def as_json(self) -> str:
        """The diagnosis as one JSON object, stable field by field."""
        walked = self.verification
        held = {
            "sound": self.sound,
            "damage": self.damage,
            "import_unfinished": self.contents.importing,
            "format": VERSION,
            **asdict(self.inspection),
            "read_to": self.contents.head,
            "cells": self.contents.cells,
            "events": self.contents.events,
            "verified": None
            if walked is None
            else {"after": walked.first, "to": walked.head, "checkpoints": walked.replayed},
        }
        return json.dumps(held, indent=2)

    def as_text(self) -> str:
        """The diagnosis for people."""
        return "\n".join((*self._about(), *self._odds_and_ends(), *self._walk(), *self._verdict()))

    def _about(self) -> Iterator[str]:
        facts = self.inspection
        place = "" if facts.file_system is None else f", on {facts.file_system}"
        yield f"A files store in format {VERSION}, id {facts.store_id[:_ID_DIGITS]}{place}."
        segments = sum(bucket.segments for bucket in facts.buckets)
        yield (
            f"Its head is {facts.head:,}; "
            f"{_many(segments, 'segment')} in {_many(len(facts.buckets), 'bucket')}."
        )
        if facts.checkpoints:
            numbers = ", ".join(f"{number:,}" for number in facts.checkpoints)
            yield f"Checkpoints at {numbers}."
        else:
            yield "It has no checkpoint yet."
        held = self.contents
        short = f" at {held.head:,}, where reading ended" if held.damage else ""
        yield f"It holds {_many(held.cells, 'cell')} and {_many(held.events, 'event')}{short}."

    def _odds_and_ends(self) -> Iterator[str]:
        facts = self.inspection
        for names, what in (
            (facts.orphans, "Orphan buckets, as a crash leaves them; they do no harm and stay"),
            (facts.left, "Files that are being written, or were left and will be swept"),
            (facts.trash, "Buckets that wait to be removed"),
            (facts.unknown, "Names that no store makes; they stay"),
        ):
            if names:
                yield f"{what}: {_named(names)}."

    def _walk(self) -> Iterator[str]:
        walked = self.verification
        if walked is None:
            return
        begin = f"checkpoint {walked.first:,}" if walked.first else "its beginning"
        led = ", ".join(f"{number:,}" for number in walked.replayed)
        yield (
            f"The log was walked from {begin} to {walked.head:,}"
            f"{f', and led to the checkpoints at {led} byte by byte' if led else ''}."
        )

    def _verdict(self) -> Iterator[str]:
        if self.contents.importing:
            yield (
                "An import into it is unfinished, and nothing opens it: repeat turnkeep import "
                "with the same file, or with --roll-back."
            )
        if self.damage:
            yield from (f"Damage: {clause}." for clause in self.damage)
            yield "It is damaged; turnkeep salvage OLD NEW saves what can be proven of it."
        elif not self.sound:
            return
        elif self.verification is None:
            yield "It is sound, as far as opening it tells; --verify walks the whole log."
        else:
            yield "It is sound."


def _named(names: Sequence[str]) -> str:
    further = len(names) - _NAMED_MAX
    some = ", ".join(shown(name) for name in names[:_NAMED_MAX])
    return f"{some}{f' and {further:,} more' if further > 0 else ''}"


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
