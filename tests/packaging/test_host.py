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
