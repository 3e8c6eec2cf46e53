"""A mutation: a body with one change that a program which knows JSON could make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import orjson
from attrs import frozen

Path = tuple[str | int, ...]


@frozen
class Mutation:
    """A changed body.

    Attributes:
        name: What was changed, for the reader of a failure.
        retyped: Whether a value that is not null became one of another JSON type that is not null.
    """

    name: str
    body: bytes
    retyped: bool


# What no tree can hold: integers above 64 bits, floats, the same value spelled otherwise.
_SPELLED: Final = (
    *(b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616"),
    *(b"123456789012345678901234567890", b"1.0", b"1e0", b"-0.5", b"1E400"),
)
_VALUES: Final[tuple[object, ...]] = (
    *(None, True, False, 0, 1, -1, 5, 2**63 - 1, -(2**63)),
    *("", "5", "true", "null", "x", "2026-01-02T03:04:05.000006Z", "AQ"),
    *([], [None], [0], ["x"], [[]], {}, {"t": "x", "d": {}}, {"id": "x"}),
)


def mutations(body: bytes) -> Iterator[Mutation]:
    """Every single mutation of a body, at every place of its tree."""
    tree: object = orjson.loads(body)
    for path, node in _nodes(tree, ()):
        for kind, value in _changes(node):
            retyped = kind == "retyped"
            name = f"{'.'.join(map(str, path))} {kind}: {_told(value)}"
            yield Mutation(name, _text(_with(tree, path, value)), retyped)
    for name, text in _respelled(body, tree):
        yield Mutation(name, text, retyped=False)


def _nodes(tree: object, path: Path) -> Iterator[tuple[Path, object]]:
    yield path, tree
    match tree:
        case dict():
            for key, value in tree.items():
                yield from _nodes(value, (*path, key))
        case list():
            for index, value in enumerate(tree):
                yield from _nodes(value, (*path, index))
        case _:
            pass


def _with(tree: object, path: Path, value: object) -> object:
    if not path:
        return value
    first, *rest = path
    if isinstance(tree, dict):
        return {**tree, first: _with(tree[first], tuple(rest), value)}
    assert isinstance(tree, list)
    assert isinstance(first, int)
    return [*tree[:first], _with(tree[first], tuple(rest), value), *tree[first + 1 :]]


def _changes(node: object) -> Iterator[tuple[str, object]]:
    for spelling in _SPELLED:
        # Integers above 64 bits and floats are of no type that is ever stored.
        yield "replaced" if node is None else "retyped", orjson.Fragment(spelling)
    for value in _VALUES:
        if type(value) is not type(node):
            yield "replaced" if None in (value, node) else "retyped", value
        elif value != node:
            yield "replaced", value
    match node:
        case dict():
            yield from _changed_object(node)
        case list():
            yield from _changed_list(node)
        case str():
            yield from _changed_text(node)
        case bool() | None:
            pass
        case int():
            yield from (("shifted", node + by) for by in (-1, 1) if abs(node + by) < 2**63)
            yield "spelled", orjson.Fragment(b"%d.0" % node)
        case _:
            raise AssertionError(type(node))


def _changed_object(node: dict[str, object]) -> Iterator[tuple[str, object]]:
    yield "added", {**node, "extra": None}
    yield "added", {**node, "": {}}
    for key, value in node.items():
        rest = {name: other for name, other in node.items() if name != key}
        yield "deleted", rest
        yield "renamed", {**rest, f"{key}_": value}
        yield "renamed", {**rest, key.upper(): value}
        for double in (value, None, "x"):
            member = _member(key, double)
            yield "doubled", _object([_text(node)[1:-1], member])
            yield "doubled", _object([member, _text(node)[1:-1]])
    if len(node) > 1:
        yield "reordered", _object([_member(key, node[key]) for key in sorted(node, reverse=True)])


def _changed_list(node: list[object]) -> Iterator[tuple[str, object]]:
    yield "added", [*node, None]
    for index, item in enumerate(node):
        yield "deleted", [*node[:index], *node[index + 1 :]]
        yield "doubled", [*node[:index], item, *node[index:]]
        yield "moved", [item, *node[:index], *node[index + 1 :]]
        yield "moved", [*node[:index], *node[index + 1 :], item]
        yield "nested", [*node[:index], [item], *node[index + 1 :]]


def _changed_text(node: str) -> Iterator[tuple[str, object]]:
    for text in (f"{node}x", f" {node}", f"{node} ", f"{node}=", f"{node}\n", f"{node}\u0000"):
        yield "changed", text
    yield "nested", [node]
    yield "nested", {"value": node}
    if node:
        yield "cut", node[:-1]
        yield "turned", node[::-1]
        yield "raised", node.upper()
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in node if ord(letter) < 0x10000)
        yield "escaped", orjson.Fragment(f'"{escaped}"')
        # The last digit of base64 may have bits that mean nothing.
        yield from (("ended", node[:-1] + letter) for letter in "ABCDghwxyz0189-_+/")


def _respelled(body: bytes, tree: object) -> Iterator[tuple[str, bytes]]:
    yield "indented", orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    yield "line ended", body + b"\n"
    yield "padded", b" " + body
    yield "marked", b"\xef\xbb\xbf" + body
    yield "ended by NUL", body + b"\x00"
    yield "repeated", body + body
    yield "listed", b"[" + body + b"]"
    yield "spaced", body.replace(b":", b": ", 1)
    yield "cut", body[:-1]
    yield "cut in half", body[: len(body) // 2]
    yield "nothing", b""


def _member(key: str, value: object) -> bytes:
    return _text({key: value})[1:-1]


def _object(members: list[bytes]) -> orjson.Fragment:
    return orjson.Fragment(b"{" + b",".join(member for member in members if member) + b"}")


def _text(tree: object) -> bytes:
    return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)


def _told(value: object) -> str:
    return _text(value)[:60].decode(errors="replace")
