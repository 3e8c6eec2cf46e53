"""A host embeds the installed package beside packages of its own that are named like the layers."""

from pathlib import Path
from typing import Final

import pytest

from tests.packaging.installation import Installation

LAYERS: Final = ("domain", "ports", "application", "adapters")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host that is itself hexagonal: it has its own packages of those names."""
    for layer in LAYERS:
        package = tmp_path / layer
        package.mkdir()
        package.joinpath("__init__.py").write_text(f'OWNER = "the host\'s {layer}"\n')
    return tmp_path


def test_a_host_keeps_its_own_names(host: Path, installation: Installation) -> None:
    program = "\n".join(
        [
            "import turnkeep",
            *(f"import {layer}; print({layer}.OWNER)" for layer in LAYERS),
            "print(turnkeep.__file__)",
        ]
    )
    done = installation.run("-c", program, beside=host)
    assert done.stderr == ""
    *owners, face = done.stdout.splitlines()
    assert owners == [f"the host's {layer}" for layer in LAYERS]
    assert Path(face).is_relative_to(installation.site)


def test_a_host_opens_a_keep_on_the_base_install(host: Path, installation: Installation) -> None:
    program = """
import asyncio
import adapters, application, domain, ports
from turnkeep import open_keep

async def main():
    async with open_keep("memory:") as keep:
        print(type(keep).__name__)

asyncio.run(main())
"""
    done = installation.run("-c", program, beside=host)
    assert (done.stdout, done.stderr) == ("Keep\n", "")


def test_the_base_install_has_no_extra(host: Path, installation: Installation) -> None:
    program = """
import importlib.util
print(*(name for name in ("click", "rich", "pytest") if importlib.util.find_spec(name)))
"""
    done = installation.run("-c", program, beside=host)
    assert (done.stdout, done.stderr) == ("\n", "")


def test_the_command_without_its_extra_is_one_sentence(
    host: Path, installation: Installation
) -> None:
    command = installation.site / "bin" / "turnkeep"
    done = installation.run(str(command), "demo", beside=host)
    assert done.returncode == 2
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert "turnkeep[cli]" in sentence


STORES: Final = """
import asyncio, sys
from turnkeep import Principal, RequestId, RunView, Scope, Worker, open_blocking_keep, open_keep

url = sys.argv[1]
scope = Scope.of("acme", "ann", thread="t")

async def handler(ctx):
    await ctx.effect("look", look, mode="safe")

async def look(key):
    return {"seen": True}

async def main():
    async with open_keep(url) as keep, Worker(keep, handler):
        run = await keep.turns.submit(
            scope, actor=Principal.person("ann"), request_id=RequestId("1")
        )
        return await keep.turns.wait(run.address)

print(asyncio.run(main()).status.value)
with open_blocking_keep(url) as keep:
    hold = keep.leases.hold(scope, "desk", holder="me")
    with hold as holding:
        print(holding.fence)
"""


@pytest.mark.parametrize("kind", ["memory", "files"])
def test_a_store_without_a_server_works_on_the_base_install(
    host: Path, installation: Installation, kind: str
) -> None:
    url = "memory:" if kind == "memory" else (host / "store").as_uri()
    done = installation.run("-c", STORES, url, beside=host)
    assert (done.stdout, done.stderr) == ("completed\n1\n", "")


def test_every_public_name_is_there_on_the_base_install(
    host: Path, installation: Installation
) -> None:
    program = "import turnkeep; print(*(n for n in turnkeep.__all__ if not hasattr(turnkeep, n)))"
    done = installation.run("-c", program, beside=host)
    assert (done.stdout, done.stderr) == ("\n", "")


def test_settings_are_read_on_the_base_install(host: Path, installation: Installation) -> None:
    program = """
from turnkeep import Settings
print(Settings.from_environment({"TURNKEEP_POSTGRES_POOL_MAX": "3"}).postgres.pool_max)
"""
    done = installation.run("-c", program, beside=host)
    assert (done.stdout, done.stderr) == ("3\n", "")


@pytest.mark.parametrize(
    ("extra", "opening"),
    [
        ("postgres", 'open_keep("postgresql://user:hunter2@localhost/db")'),
        ("postgres", "open_keep(pool=object())"),
        ("secrets", 'open_keep("memory:", settings=keys("env:KEY"))'),
        # A keyring has the key, and sealing with it is the other extra.
        ("secrets", 'open_keep("memory:", settings=keys("keyring:service/name"))'),
    ],
)
def test_a_missing_extra_is_one_sentence_that_names_it(
    host: Path, installation: Installation, extra: str, opening: str
) -> None:
    program = f"""
import asyncio, os
from turnkeep import KeySettings, MissingExtra, Settings, open_keep

os.environ["KEY"] = "ab" * 32

def keys(*sources):
    return Settings(keys=KeySettings(primary=sources))

async def main():
    try:
        async with {opening}:
            pass
    except MissingExtra as error:
        print(error)

asyncio.run(main())
"""
    done = installation.run("-c", program, beside=host)
    assert done.stdout == f"this needs the extra '{extra}': pip install 'turnkeep[{extra}]'\n"
    assert done.stderr == ""


def test_telemetry_without_its_extra_is_one_sentence(
    host: Path, installation: Installation
) -> None:
    program = """
from turnkeep import MissingExtra, open_telemetry
try:
    open_telemetry()
except MissingExtra as error:
    print(error)
"""
    done = installation.run("-c", program, beside=host)
    sentence = "this needs the extra 'otel': pip install 'turnkeep[otel]'\n"
    assert (done.stdout, done.stderr) == (sentence, "")


def test_the_contract_suite_without_its_extra_is_one_sentence(
    host: Path, installation: Installation
) -> None:
    done = installation.run("-c", "import turnkeep.testing", beside=host)
    last = done.stderr.splitlines()[-1]
    assert "this needs the extra 'testing': pip install 'turnkeep[testing]'" in last


def test_a_calendar_without_zones_is_refused_and_not_guessed(
    host: Path, installation: Installation
) -> None:
    """Where the machine has none and the extra `zones` is not installed."""
    program = """
import asyncio, zoneinfo
from turnkeep import (
    AccountRef, Calendar, CalendarUnit, Ceiling, Dimension, Limits, Principal, RequestId, open_keep
)

zoneinfo.reset_tzpath(to=())

async def main():
    async with open_keep("memory:") as keep:
        daily = Limits.of(
            Calendar("Europe/Berlin", CalendarUnit.DAY), {Dimension.USD_NANO: Ceiling.of(5)}
        )
        answer = await keep.budgets.set_limit(
            AccountRef.tenant("acme"), daily, by=Principal.person("ann"), request_id=RequestId("1")
        )
        print(answer.reason.code)

asyncio.run(main())
"""
    done = installation.run("-c", program, beside=host)
    assert (done.stdout, done.stderr) == ("budget.limits_invalid\n", "")
