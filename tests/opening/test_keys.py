"""A keep that is opened with keys: fail closed at start, one sentence for what is missing."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import turnkeep
from tests.postgres.databases import shared
from turnkeep import (
    ANY,
    KeyMismatch,
    KeySettings,
    MasterKeyInvalid,
    MasterKeyMissing,
    Material,
    MissingExtra,
    Refused,
    RequestId,
    Scope,
    SecretOutcome,
    Settings,
    open_keep,
)

OWNER = Scope.of("acme", "ada")


def ring(*primary: str, older: tuple[str, ...] = ()) -> Settings:
    return Settings(keys=KeySettings(primary=primary, older=older))


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", hashlib.sha256(b"one").hexdigest())
    monkeypatch.setenv("TWO", hashlib.sha256(b"two").hexdigest())
    monkeypatch.setenv("WEAK", "00" * 32)
    monkeypatch.delenv("NONE", raising=False)


async def put(keep: turnkeep.Keep, id: str) -> object:
    with Material.of("m") as material:
        return await keep.secrets.put(
            OWNER, "h", material=material, expected=ANY, request_id=RequestId(id)
        )


async def test_a_store_that_was_written_under_another_key_does_not_open(tmp_path: Path) -> None:
    """43."""
    url = (tmp_path / "store").as_uri()
    async with open_keep(url, settings=ring("env:ONE")) as keep:
        assert isinstance(await put(keep, "1"), SecretOutcome)
    with pytest.raises(KeyMismatch):
        async with open_keep(url, settings=ring("env:TWO")):
            pytest.fail("it must not open")
    async with open_keep(url, settings=ring("env:TWO", older=("env:ONE",))) as keep:
        rekeyed = await keep.secrets.rekey()
        assert rekeyed.records == 1
    # Without any key it serves everything else.
    async with open_keep(url) as keep:
        assert (await keep.leases.get(OWNER, "x")).vacant
        with pytest.raises(MasterKeyMissing):
            await put(keep, "2")


@pytest.mark.parametrize(
    ("source", "error"), [("env:NONE", MasterKeyMissing), ("env:WEAK", MasterKeyInvalid)]
)
async def test_a_key_that_is_named_and_not_there_stops_the_start(
    source: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        async with open_keep("memory:", settings=ring(source)):
            pytest.fail("it must not open")


@pytest.mark.parametrize(
    ("module", "source", "extra"),
    [("cryptography", "env:ONE", "secrets"), ("keyring", "keyring:a/b", "keyring")],
)
async def test_a_missing_extra_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, module: str, source: str, extra: str
) -> None:
    """W3."""
    for name in [n for n in sys.modules if n.startswith(("turnkeep_adapters.cipher.aes", module))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra) as told:
        async with open_keep("memory:", settings=ring(source)):
            pytest.fail("it must not open")
    assert str(told.value) == (f"this needs the extra '{extra}': pip install 'turnkeep[{extra}]'")


@pytest.fixture
def database() -> str:
    return shared()[1].clone(for_good=True)


async def test_a_keep_in_a_database_has_secrets_too(database: str) -> None:
    url = database
    async with (
        open_keep(url, settings=ring("env:ONE")) as keep,
        open_keep(url, settings=ring("env:ONE")) as other,
    ):
        assert isinstance(await put(keep, "1"), SecretOutcome)
        ref = await other.secrets.issue(
            OWNER, owner=OWNER, handle="h", request_id=RequestId("i"), ttl_seconds=1
        )
        assert not isinstance(ref, Refused)
        opened: Any = await keep.secrets.consume(ref, request_id=RequestId("u"))
        with opened.material as material:
            assert material.reveal() == b"m"
    assert os.environ["ONE"] not in repr(keep)
