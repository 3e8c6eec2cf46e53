"""Laws of keys: each address has one spelling, and a cell of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from turnkeep.testing.caller import calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.refusal import refusal_now
from turnkeep.testing.specimens import COLLECTION, EVERYBODY, SCOPE, address, entry
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import ABSENT, Put

COMPONENTS = ("tenant", "user", "agent", "project", "mission", "thread")
TEXTS = (
    *("a", "ab", "abc", "a b", "a-b", "a.b", "a/b", "a\\b", "a%b", "a_b", "a'b", 'a"b', "a:b"),
    *("A", "AB", "Ab", "z", "Z", "0", "00", "10", "2", "ae", "ss", "fi", "i", "I", "K", "~", "!"),
    *("\u00e4", "\u00c4", "\u00e9", "\u00df", "\u017f", "\u03a9", "\ufb01", "\uff41", "\u0131"),
    *("null", "None", "*a", "\uffee", "\U00010000", "\U0001f600", "\U0010fffd"),
)
REFUSED = {
    "empty": "",
    "not in normalisation form C": "e\u0301",
    "a compatibility spelling that is not in form C": "\u212b",
    "NUL": "a\x00b",
    "a line end": "a\nb",
    "delete": "a\x7fb",
    "a control character above ASCII": "a\x85b",
    "a lone surrogate": "a\ud800b",
    "a space before": " a",
    "a space behind": "a ",
    "a wide space behind": "a\u3000",
    "201 bytes": "\u00e4" * 100 + "a",
}


def _scope(at: str, text: str | None) -> Scope:
    """A scope with one component replaced."""
    components = dict(zip(COMPONENTS, SCOPE.components(), strict=True))
    components[at] = text
    rest = {name: components[name] for name in COMPONENTS[2:]}
    return Scope.of(components["tenant"], components["user"], **rest)


def _alike() -> list[Address]:
    """Addresses that careless spelling would take for one another."""
    return list(dict.fromkeys(_spelled()))


def _spelled() -> Iterator[Address]:
    for text in TEXTS:
        yield address(text)
        for component in COMPONENTS:
            yield address("id", scope=_scope(component, text))
    for component in COMPONENTS:
        yield address("absent", scope=_scope(component, None))
    for agent, thread in (("x", None), (None, "x"), ("x", "x"), ("xx", None)):
        yield address("moved", scope=Scope.of("acme", "ada", agent=agent, thread=thread))
    yield address("acme", scope=Scope.of(None, None))
    yield address("id", scope=Scope.of("acmeada", None))
    yield address("id", scope=Scope.of("acme", "ada", agent="acme", project="ada"))


def _by_components(of: Address) -> list[tuple[bool, bytes]]:
    """The order of an address: component by component, absent ones first, then as bytes."""
    components = (*of.scope.components(), of.id)
    return [(text is not None, (text or "").encode()) for text in components]


class KeyLaws:
    """An address names one cell, and one cell has one address."""

    @law
    async def test_distinct_addresses_are_distinct_cells(self, harness: Harness) -> None:
        """P12: Distinct keys encode distinctly: no two addresses share a cell."""
        places = _alike()
        places += [address("id", collection=name) for name in ("a", "ab", "a_b", "a0", "a" * 32)]
        async with calling(harness) as caller:
            for begin in range(0, len(places), 60):
                some = places[begin : begin + 60]
                puts = [Put(at, ABSENT, entry(repr(at).encode())) for at in some]
                await caller.committed(*puts)
            cells = (await caller.load(*places)).cells
            assert len(cells) == len(places)
            for at in places:
                assert cells[at].entry.body == repr(at).encode()
                assert cells[at].address == at

    @law
    async def test_keys_are_in_component_order(self, harness: Harness) -> None:
        """P12: Keys sort as their components do, as bytes, absent before present."""
        places = _alike()
        async with calling(harness) as caller:
            for begin in range(0, len(places), 60):
                some = places[begin : begin + 60]
                await caller.committed(*(Put(at, ABSENT, entry()) for at in some))
            found = await caller.found(InScope(collection=COLLECTION, prefix=EVERYBODY), limit=50)
            assert [cell.address for cell in found] == sorted(places, key=_by_components)

    @law
    async def test_another_tenants_record_is_absent(self, harness: Harness) -> None:
        """P14: Another tenant's record loads as absent, and so does that of any other scope."""
        mine = address("same")
        others = [address("same", scope=_scope(at, "other")) for at in COMPONENTS]
        others += [address("same", scope=_scope(at, None)) for at in ("tenant", "user")]
        others.append(address("same", collection="other"))
        async with calling(harness) as caller:
            await caller.put(mine, b"mine")
            assert set((await caller.load(mine, *others)).cells) == {mine}
            for other in others:
                await caller.put(other, b"theirs")
            assert (await caller.present(mine)).entry.body == b"mine"

    @law
    async def test_a_second_spelling_is_refused(self, harness: Harness) -> None:
        """P13: Non-NFC, control, surrogate and empty components are refused, nowhere repeated."""
        for what, text in REFUSED.items():
            for component in COMPONENTS:
                make = partial(_scope, component, text)
                error = refusal_now(InvalidValue, make, f"{what}, as {component},")
                assert len(text) < 3 or text not in str(error)
            refusal_now(InvalidValue, partial(address, text), f"{what}, as an id,")
        for name in ("", "A", "1a", "_a", "a-b", "\u00e4", "a" * 33):
            make_collection = partial(address, "id", collection=name)
            refusal_now(InvalidValue, make_collection, f"{name!r}, as a collection,")
