"""`turnkeep secrets`: material in by prompt, pipe or file alone, and out by one flag alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.command_line import at, run
from tests.cli.conftest import CommandLine, Ended
from tests.cli.test_terminal import on_terminal, seen
from turnkeep import open_keep
from turnkeep_adapters.cipher.master_key import MasterKey, fit

MATERIAL: Final = "mat-erial-2718-hunter"
OWNER: Final = ("--tenant", "acme", "--user", "ada")


def key_text(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def key_id(name: str) -> str:
    key = fit(bytes.fromhex(key_text(name)))
    assert isinstance(key, MasterKey)
    return key.id.hex()


ENVIRONMENT: Final = {"TURNKEEP_MASTER_KEY": key_text("old")}
REVEAL: Final = ("secrets", "lease")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNKEEP_MASTER_KEY", key_text("old"))
    monkeypatch.setenv("OLD", key_text("old"))
    monkeypatch.setenv("NEW", key_text("new"))


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store in files, with nothing in it."""
    url = f"file://{tmp_path / 'store'}"

    async def opened() -> None:
        async with open_keep(url):
            pass

    asyncio.run(opened())
    return url


Secrets = Callable[..., Ended]


@pytest.fixture
def secrets(turnkeep: CommandLine, store: str) -> Secrets:
    """One command on the store; whatever it says, it never says the material unasked."""

    def command(name: str, *arguments: str, reveals: bool = False) -> Ended:
        done = turnkeep("secrets", name, *at(store), *arguments)
        assert "Traceback" not in done.stderr + done.stdout
        if not reveals:
            assert MATERIAL not in done.stdout + done.stderr
            assert base64.b64encode(MATERIAL.encode()).decode() not in done.stdout
        for name_of_key in ("old", "new"):
            assert key_text(name_of_key) not in done.stdout + done.stderr
        return done

    return command


@pytest.fixture
def put(secrets: Secrets, tmp_path: Path) -> Secrets:
    """Keeps the material, which a file holds."""

    def command(handle: str, *arguments: str, material: str = MATERIAL) -> Ended:
        file = tmp_path / "material"
        file.write_text(material)
        return secrets("put", handle, *OWNER, "--file", str(file), *arguments)

    return command


def told(done: Ended, code: int = 0) -> Any:
    assert (done.returncode, done.stderr) == (code, "")
    return json.loads(done.stdout)


def test_material_is_kept_told_of_and_revealed_by_one_flag_alone(
    put: Secrets, secrets: Secrets
) -> None:
    assert told(put("api", "--json")) == {"handle": "api", "generation": 1}
    (one,) = told(secrets("list", *OWNER, "--json"))["secrets"]
    assert (one["handle"], one["generation"], one["state"]) == ("api", 1, "live")
    lent = secrets("lease", "api", *OWNER)
    assert (lent.returncode, lent.stdout[:12]) == (0, "Lent api as ")
    revealed = secrets("lease", "api", *OWNER, "--reveal", reveals=True)
    assert (revealed.returncode, revealed.stdout) == (0, MATERIAL)
    facts = told(secrets("lease", "api", *OWNER, "--reveal", "--json", reveals=True))
    assert base64.b64decode(facts["material_base64"]).decode() == MATERIAL


def test_a_secret_is_replaced_only_on_demand(put: Secrets) -> None:
    assert put("api").stdout == "Kept api, generation 1.\n"
    refused = put("api")
    assert (refused.returncode, refused.stderr) == (
        1,
        "Refused: what is there is not what was expected (generation_mismatch).\n",
    )
    assert told(put("api", "--json"), 1)["refused"] == "generation_mismatch"
    assert put("api", "--expect", "1").returncode == 0
    assert put("api", "--expect", "any").returncode == 0
    assert put("api", "--expect", "absent", "--request-id", "x").returncode == 1
    usage = put("api", "--expect", "whatever")
    assert usage.returncode == 2


def test_a_repeat_under_its_request_id_is_harmless(put: Secrets) -> None:
    for _ in range(2):
        assert told(put("api", "--request-id", "r", "--json"))["generation"] == 1
    other = put("api", "--request-id", "r", material="other")
    assert other.returncode == 1
    assert other.stderr.endswith("with other arguments (request_id_reused).\n")


def test_narrower_work_borrows_and_its_lease_is_revoked(put: Secrets, secrets: Secrets) -> None:
    put("api")
    narrow = (*OWNER, "--for-agent", "scout", "--for-thread", "t1")
    lent = told(secrets("lease", "api", *narrow, "--uses", "3", "--ttl", "60", "--json"))
    assert lent["scope"]["thread"] == "t1"
    assert lent["owner"]["agent"] is None
    listed = told(secrets("list", *narrow, "--leases", "--json"))["leases"]
    assert [(one["id"], one["state"], one["uses_max"]) for one in listed] == [
        (lent["id"], "active", 3)
    ]
    assert told(secrets("list", *OWNER, "--leases", "--json"))["leases"] == []
    elsewhere = secrets("revoke", lent["id"], *OWNER)
    assert (elsewhere.returncode, elsewhere.stderr) == (
        2,
        "Error: the borrower has no such lease\n",
    )
    for _ in range(2):
        ended = told(secrets("revoke", lent["id"], *narrow, "--json"))
        assert ended == {"id": lent["id"], "state": "revoked"}
    unknown = secrets("lease", "none", *OWNER)
    assert unknown.returncode == 1
    assert unknown.stderr.endswith("(secret_unknown).\n")


def test_a_key_is_rotated_and_retired(put: Secrets, secrets: Secrets) -> None:
    put("api")
    both = ("--key", "env:NEW", "--older-key", "env:OLD")
    used = told(secrets("rotate", *both, "--json"))
    assert used == {"rekeyed": 1, "unreadable": [], "retired": False, "refused": None}
    put("late", "--key", "env:OLD", "--older-key", "env:NEW")
    told_of = secrets("doctor", *both)
    assert f"Key {key_id('new')} (primary): needed by 1." in told_of.stdout
    done = secrets("rotate", *both, "--retire", key_id("old"))
    assert done.returncode == 0
    assert "nothing needs it any more" in done.stdout
    outdated = secrets("list", *OWNER)
    assert outdated.returncode == 2
    assert key_id("new")[:8] in outdated.stderr
    revealed = secrets("lease", "api", *OWNER, "--key", "env:NEW", "--reveal", reveals=True)
    assert revealed.stdout == MATERIAL


def test_a_doctor_finds_all_sound(put: Secrets, secrets: Secrets) -> None:
    put("api")
    secrets("lease", "api", *OWNER)
    audit = told(secrets("doctor", "--json"))
    assert (audit["sound"], audit["records"]) == (True, 2)
    assert [(one["id"], one["records"], one["primary"]) for one in audit["keys"]] == [
        (key_id("old"), 2, True)
    ]
    assert secrets("doctor").stdout.endswith("All is sound.\n")


def test_material_is_taken_from_standard_input(store: str) -> None:
    for exact, expected in (((), MATERIAL), (("--exact",), MATERIAL + "\n")):
        done = run(
            *(
                "secrets",
                "put",
                "--store",
                store,
                "api",
                *OWNER,
                "--stdin",
                "--expect",
                "any",
                *exact,
            ),
            input=f"{MATERIAL}\n".encode(),
            environment=ENVIRONMENT,
        )
        assert (done.returncode, done.stderr) == (0, "")
        revealed = run(*REVEAL, *at(store), "api", *OWNER, "--reveal", environment=ENVIRONMENT)
        assert revealed.stdout == expected


@pytest.mark.parametrize(
    ("material", "code"), [(b"", 2), (b"\n", 2), (b"x" * (64 << 10), 0), (b"x" * 70_000, 2)]
)
def test_material_of_a_wrong_size_is_one_sentence(store: str, material: bytes, code: int) -> None:
    done = run(
        "secrets",
        "put",
        "--store",
        store,
        "api",
        *OWNER,
        "--stdin",
        input=material,
        environment=ENVIRONMENT,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_nobody_is_asked_where_nobody_can_answer(store: str) -> None:
    done = run(
        "secrets",
        "put",
        "--store",
        store,
        "api",
        *OWNER,
        input=MATERIAL.encode(),
        environment=ENVIRONMENT,
    )
    assert done.returncode == 2
    assert "--stdin" in done.stderr
    assert MATERIAL not in done.stderr + done.stdout


def test_a_prompt_asks_twice_and_shows_nothing(store: str) -> None:
    with on_terminal("secrets", "put", *at(store), "api", *OWNER, **ENVIRONMENT) as (
        process,
        user,
    ):
        shown = b""
        for _ in range(2):
            while not shown.endswith(b": "):
                shown += os.read(user, 1_024)
            os.write(user, MATERIAL.encode() + b"\n")
            shown += b"|"
        shown += seen(user)
        assert process.wait(60) == 0
    assert b"Kept api, generation 1." in shown
    assert MATERIAL.encode() not in shown
    revealed = run(*REVEAL, *at(store), "api", *OWNER, "--reveal", environment=ENVIRONMENT)
    assert revealed.stdout == MATERIAL


def test_an_argument_is_no_place_for_material(secrets: Secrets) -> None:
    done = secrets("put", "api", "material-as-argument", *OWNER)
    assert done.returncode == 2
    assert "unexpected extra argument" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TURNKEEP_MASTER_KEY", "", "secrets need a master key"),
        ("TURNKEEP_MASTER_KEY", "hunter2", "must be 32 bytes in hexadecimal or base64"),
        ("TURNKEEP_MASTER_KEY", "00" * 32, "must be random"),
    ],
)
def test_a_missing_or_bad_key_is_one_sentence(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    for command in ("list", "doctor"):
        done = secrets(command, *(OWNER if command == "list" else ()))
        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1
        assert not value or value not in done.stderr


def test_a_wrong_key_is_one_sentence_that_names_it(
    put: Secrets, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("api")
    monkeypatch.setenv("TURNKEEP_MASTER_KEY", key_text("new"))
    done = secrets("list", *OWNER)
    assert done.returncode == 2
    assert f"the master key {key_id('old')[:8]} is listed by the store" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", "BAD", *OWNER, "--file", "material"),
        ("put", "api", *OWNER, "--file", "nowhere"),
        ("put", "api", *OWNER, "--file", "material", "--stdin"),
        ("put", "api", "--tenant", "acme"),
        ("put", "api", "--tenant", "", "--user", "ada", "--file", "material"),
        ("lease", "api", *OWNER, "--ttl", "0"),
        ("lease", "api", *OWNER, "--uses", "99"),
        ("list", *OWNER, "--key", "vault:x"),
        ("list", *OWNER, "--key", "env:"),
        ("rotate", "--retire", "xyz"),
        ("rotate", "--retire", "00"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_said_in_a_sentence(
    secrets: Secrets, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    tmp_path.joinpath("material").write_text(MATERIAL)
    placed = [str(tmp_path / one) if one in ("material", "nowhere") else one for one in arguments]
    done = secrets(*placed)
    assert done.returncode == 2
    assert done.stderr
