"""Redaction: what is secret shows one marker, hands itself to nobody, and is wiped."""

from __future__ import annotations

import copy
import json
import logging
import pickle

import pytest

from turnkeep_domain.credentials.session_id import SessionId
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.redaction import MARKER

SECRET = "hunter2-hunter2"
BEARER = "tks_" + "Q" * 43


@pytest.mark.parametrize(
    ("thing", "secret"), [(Material.of(SECRET), SECRET), (SessionId(BEARER), BEARER)]
)
def test_it_shows_one_marker_and_raises_wherever_it_would_be_copied(
    thing: Material | SessionId, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    """53."""
    logging.getLogger("host").warning("used %s %r %s", thing, thing, {"m": thing})
    assert not hasattr(thing, "__dict__")
    shown = f"{thing} {thing!r} {thing!s:>30} {[thing]}"
    assert secret not in shown + caplog.text
    assert MARKER in shown
    for copying in (
        lambda: pickle.dumps(thing),
        lambda: copy.copy(thing),
        lambda: copy.deepcopy(thing),
        lambda: list(thing),
        lambda: tuple(thing),
        lambda: bytes(thing),
        lambda: json.dumps(thing),
        lambda: json.dumps(thing, default=list),
    ):
        with pytest.raises(TypeError) as told:
            copying()
        assert secret not in str(told.value)


def test_material_is_wiped_on_exit_on_error_and_twice() -> None:
    """54."""
    material = Material.of(SECRET)
    with material as held:
        view = held.view()
        assert bytes(view) == SECRET.encode()
    assert bytes(view) == bytes(len(SECRET))
    other = Material.of(SECRET)
    view = other.view()
    with pytest.raises(ZeroDivisionError), other:
        raise ZeroDivisionError
    assert bytes(view) == bytes(len(SECRET))
    other.wipe()
    assert other.wiped
    for use in (other.view, other.reveal):
        with pytest.raises(ValueError, match="was wiped"):
            use()


def test_material_takes_over_a_buffer_and_copies_everything_else() -> None:
    buffer = bytearray(b"abc")
    taken = Material(buffer)
    taken.wipe()
    assert buffer == bytes(3)
    for source in (b"abc", bytearray(b"abc"), memoryview(b"abc"), "abc"):
        with Material.of(source) as material:
            assert (material.reveal(), material.size) == (b"abc", 3)
        assert bytes(source if not isinstance(source, str) else source.encode()) == b"abc"


def test_nobody_writes_through_a_view() -> None:
    view = Material.of("abc").view()
    with pytest.raises(TypeError):
        view[0] = 0


def test_material_is_compared_by_identity() -> None:
    assert Material.of("abc") != Material.of("abc")
