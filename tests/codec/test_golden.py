"""Golden files: every format that ever was is read as it was meant, and written as it was."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest

import turnkeep_domain
from tests.codec import golden_files
from tests.codec.cases import COLLECTIONS, EVENT_CASES, RECORD_CASES
from tests.codec.golden_files import GoldenName
from tests.codec.samples import Card, cards_had_no_stars
from tests.codec.stored_types import all_stored_types
from tests.codec.write_golden import write
from turnkeep_adapters.codec.format import Format
from turnkeep_adapters.codec.formats import EVENTS, RECORDS, VARIANTS
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Collection

GOLDEN = golden_files.names()
IDS = [name.file_name for name in GOLDEN]


@pytest.mark.parametrize("name", GOLDEN, ids=IDS)
def test_a_golden_file_of_any_format_decodes_to_what_it_was_written_for(name: GoldenName) -> None:
    """C1."""
    value = golden_files.decoded(name, golden_files.body_of(name))
    assert value == golden_files.case_of(name)
    assert type(value) is type(golden_files.case_of(name))


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.is_newest], ids=str)
def test_a_golden_file_of_the_newest_format_is_written_again_byte_for_byte(
    name: GoldenName,
) -> None:
    """C2."""
    body = golden_files.body_of(name)
    assert golden_files.encoded(golden_files.decoded(name, body)) == body


def test_every_format_that_ever_was_has_a_golden_file() -> None:
    """C1."""
    assert golden_files.missing(golden_files.FORMATS, GOLDEN) == set()


def test_a_format_without_golden_files_is_seen() -> None:
    card = Format(cls=Card, tag="card", schema=2, upcasters=(cards_had_no_stars,))
    assert golden_files.missing([card], [GoldenName("card", 2, "plain")]) == {("card", 1)}
    assert golden_files.missing([card], []) == {("card", 1), ("card", 2)}


def test_every_golden_file_is_of_a_format_and_a_case_that_exist() -> None:
    cases = {*RECORD_CASES, *EVENT_CASES}
    known = {format.tag: range(1, format.schema + 1) for format in golden_files.FORMATS}
    assert {name.file_name for name in GOLDEN if (name.tag, name.case) not in cases} == set()
    assert {name.file_name for name in GOLDEN if name.schema not in known[name.tag]} == set()


def test_every_case_has_a_golden_file_of_the_newest_format() -> None:
    assert set(golden_files.newest_bodies()) == {name for name in GOLDEN if name.is_newest}


def test_writing_keeps_golden_files_that_are_as_they_would_be_written(tmp_path: Path) -> None:
    bodies = golden_files.newest_bodies()
    assert set(write(bodies, tmp_path)) == {name.file_name for name in bodies}
    assert write(bodies, tmp_path) == []


def test_writing_never_overwrites_a_golden_file(tmp_path: Path) -> None:
    old, new = GoldenName("card", 1, "old"), GoldenName("card", 1, "new")
    tmp_path.joinpath(old.file_name).write_bytes(b"as it was")
    with pytest.raises(FileExistsError, match=r"card-v1-old\.json"):
        write({new: b"new", old: b"as it is"}, tmp_path)
    assert tmp_path.joinpath(old.file_name).read_bytes() == b"as it was"
    assert not tmp_path.joinpath(new.file_name).exists()


def domain_modules() -> Iterator[object]:
    for info in pkgutil.walk_packages(turnkeep_domain.__path__, "turnkeep_domain."):
        yield importlib.import_module(info.name)


def domain_collections() -> list[Collection[object]]:
    values = [value for module in domain_modules() for value in vars(module).values()]
    found = [value for value in values if isinstance(value, Collection)]
    return list({of.name: of for of in found}.values())


def test_every_collection_of_the_domain_is_tried_here() -> None:
    assert {of.name for of in domain_collections()} == {of.name for of in COLLECTIONS}


def test_every_member_of_every_collection_has_one_format() -> None:
    members = {member for of in domain_collections() for member in of.members}
    assert sorted(members, key=str) == sorted([format.cls for format in RECORDS], key=str)


def test_every_kind_of_event_of_the_domain_has_one_format() -> None:
    values = [value for module in domain_modules() for value in vars(module).values()]
    events = {
        value
        for value in values
        if inspect.isclass(value) and issubclass(value, Event) and "kind" in vars(value)
    }
    assert events == {format.cls for format in EVENTS}


def test_every_word_of_every_stored_enumeration_stands_in_a_golden_file() -> None:
    written = b"".join(golden_files.body_of(name) for name in GOLDEN if name.is_newest)
    enumerations = {
        part for part in all_stored_types() if isinstance(part, type) and issubclass(part, Enum)
    }
    # A request can only have been asked by a rule that asks; consent itself stores no rule.
    never = {rule for rule in ConsentRule if rule.answer is not ConsentAnswer.ASK}
    words = {
        member.value
        for enumeration in enumerations
        for member in enumeration
        if member not in never
    }
    assert {word for word in words if f'"{word}"'.encode() not in written} == set()


def test_every_variant_stands_in_a_golden_file_and_none_is_superfluous() -> None:
    written = b"".join(golden_files.body_of(name) for name in GOLDEN if name.is_newest)
    assert {tag for tag in VARIANTS.values() if f'"t":"{tag}"'.encode() not in written} == set()
    assert set(VARIANTS) <= all_stored_types()
