"""Key sources: bad files and weak keys are refused, blank ones are unset, nothing falls through."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from tests.cipher.rings import ONE, TWO
from turnkeep import (
    InvalidValue,
    KeySettings,
    MasterKeyInvalid,
    MasterKeyMissing,
)
from turnkeep_adapters.cipher.key_sources import key_of, keys_of
from turnkeep_adapters.cipher.master_key import MasterKey, Unfit, read_key

OCTETS = ONE.octets()
HEX = OCTETS.hex()


def private(path: Path, text: str = HEX, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return f"file:{path}"


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        HEX.upper(),
        f"  {HEX}\n",
        base64.b64encode(OCTETS).decode(),
        base64.b64encode(OCTETS).decode().rstrip("="),
        base64.urlsafe_b64encode(OCTETS).decode(),
        base64.urlsafe_b64encode(OCTETS).decode().rstrip("=") + "\r\n",
    ],
)
def test_a_key_may_be_spelt_in_hexadecimal_or_base64(text: str) -> None:
    key = read_key(text.encode())
    assert isinstance(key, MasterKey)
    assert key.octets() == OCTETS


@pytest.mark.parametrize(
    "text",
    [
        HEX[:-2],
        HEX + "00",
        HEX[:-1],
        HEX[:-1] + "g",
        "0x" + HEX,
        f"{HEX[:32]} {HEX[32:]}",
        f"{HEX}\n{HEX}",
        base64.b64encode(OCTETS).decode() + "=",
        base64.b64encode(OCTETS[:-1]).decode(),
        base64.b64encode(OCTETS + b"x").decode(),
        base64.b64encode(OCTETS).decode()[:-2] + "J=",
        "password",
        "ä" * 32,
        bytes(32).hex(),
        bytes(range(15)).hex() + bytes(17).hex(),
        "00112233445566778899aabbccddeeff"[:30] * 2 + "0011",
    ],
)
def test_what_is_no_key_or_a_weak_one_is_unfit(text: str) -> None:
    """51."""
    assert isinstance(read_key(text.encode()), Unfit)


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t\r\n  "])
def test_blank_is_unset(blank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", blank)
    monkeypatch.delenv("NEVER", raising=False)
    assert read_key(blank.encode()) is None
    source = private(tmp_path / "key")
    settings = KeySettings(primary=("env:NEVER", "env:KEPT", source))
    assert [key.id for key in keys_of(settings)] == [ONE.id]
    with pytest.raises(MasterKeyMissing):
        keys_of(KeySettings(primary=("env:KEPT", f"file:{tmp_path / 'none'}")))


def test_malformed_is_an_error_and_never_a_fall_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """51."""
    monkeypatch.setenv("KEPT", HEX[:-1] + "z")
    source = private(tmp_path / "key")
    for settings in (
        KeySettings(primary=("env:KEPT", source)),
        KeySettings(primary=(source,), older=("env:KEPT",)),
    ):
        with pytest.raises(MasterKeyInvalid) as told:
            keys_of(settings)
        assert told.value.source == "env"
        assert HEX[:16] not in f"{told.value!r} {told.value}"
        assert "KEPT" not in str(told.value)


def test_a_ring_has_its_primary_first_and_each_key_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE", HEX)
    monkeypatch.setenv("TWO", TWO.octets().hex())
    settings = KeySettings(
        primary=("env:ONE",), older=("env:TWO", private(tmp_path / "again"), "env:NONE")
    )
    assert [key.id for key in keys_of(settings)] == [ONE.id, TWO.id]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o700 | 0o010])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    """51."""
    with pytest.raises(MasterKeyInvalid, match="closed to group and others"):
        key_of(private(tmp_path / "key", mode=mode))


def test_a_link_is_refused(tmp_path: Path) -> None:
    """51."""
    private(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(MasterKeyInvalid, match="no link"):
        key_of(f"file:{tmp_path / 'link'}")


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """51."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)
    for name in ("pipe", "folder"):
        with pytest.raises(MasterKeyInvalid, match="regular file"):
            key_of(f"file:{tmp_path / name}")


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """51."""
    source = private(tmp_path / "key")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(MasterKeyInvalid, match="own user"):
        key_of(source)


@pytest.mark.parametrize("path", ["key", "./key", "../key", "~/key", "/a\0b"])
def test_a_path_that_is_not_absolute_is_refused(path: str) -> None:
    with pytest.raises(MasterKeyInvalid, match="absolute"):
        key_of(f"file:{path}")


def test_a_long_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyInvalid):
        key_of(private(tmp_path / "key", text=HEX + " " * 300))


class Ring(KeyringBackend):
    priority = 1
    held: dict[tuple[str, str], str] = {}  # noqa: RUF012 - one for the class, as the library's are

    def get_password(self, service: str, username: str) -> str | None:  # type: ignore[explicit-override]  # 3.11
        if service == "locked":
            raise KeyringError(HEX)
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:  # type: ignore[explicit-override]  # 3.11
        self.held[service, username] = password


@pytest.fixture
def ring() -> Iterator[Ring]:
    before = keyring.get_keyring()
    ring = Ring()  # type: ignore[no-untyped-call]  # the library has no types
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)
    Ring.held.clear()


def test_a_keyring_is_asked_by_service_and_entry(ring: Ring) -> None:
    ring.set_password("turnkeep", "prod/master", HEX)
    key = key_of("keyring:turnkeep/prod/master")
    assert key is not None
    assert key.id == ONE.id
    assert key_of("keyring:turnkeep/none") is None
    with pytest.raises(MasterKeyInvalid) as told:
        key_of("keyring:locked/x")
    assert HEX not in f"{told.value!r} {told.value.__cause__!r} {told.value.__context__!r}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"primary": ["env:A"]},
        {"primary": "env:A"},
        {"primary": ("A",)},
        {"primary": ("env:",)},
        {"primary": (HEX,)},
        {"primary": ("keyring:turnkeep",)},
        {"primary": ("keyring:/a",)},
        {"primary": ("vault:x",)},
        {"older": ("env:A",)},
        {"primary": ("env:A",), "older": tuple(f"env:A{n}" for n in range(8))},
    ],
    ids=lambda wrong: str(list(wrong)),
)
def test_settings_name_sources_and_no_keys(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as told:
        KeySettings(**wrong)
    assert HEX not in str(told.value)


def test_no_frame_of_a_failing_source_keeps_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """53."""
    weak = (b"weakweakweakweak" * 2).hex()
    monkeypatch.setenv("WEAK", weak)
    for source in ("env:WEAK", private(tmp_path / "key", text=weak)):
        with pytest.raises(MasterKeyInvalid) as told:
            keys_of(KeySettings(primary=(source,)))
        trace = told.value.__traceback__
        while trace is not None:
            held = {
                name: value
                for name, value in trace.tb_frame.f_locals.items()
                if "turnkeep_adapters" in trace.tb_frame.f_code.co_filename
            }
            assert weak not in repr(held)
            trace = trace.tb_next
