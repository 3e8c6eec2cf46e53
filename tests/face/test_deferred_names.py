"""The face is deferred: importing it costs nothing, and whoever uses it sees no difference."""

import pickle
import subprocess
import sys
from importlib import import_module
from typing import Final

import pytest

import turnkeep
from tests.architecture import tree
from tests.face import homes
from turnkeep.deferral import deferred

LAYERS: Final = ("turnkeep_domain", "turnkeep_ports", "turnkeep_application", "turnkeep_adapters")


def printed(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=True,
        cwd=tree.TOP,
        text=True,
    )
    return done.stdout.strip()


def test_the_homes_are_written_down_as_the_face_imports_them() -> None:
    assert homes.HOMES.read_text(encoding="utf-8") == homes.rendered()


def test_what_is_deferred_is_what_is_public() -> None:
    assert sorted(name for name, _ in homes.homes()) == sorted(turnkeep.__all__)


def test_importing_the_face_imports_no_layer() -> None:
    loaded = f"{{name.partition('.')[0] for name in sys.modules}} & {set(LAYERS)}"
    assert printed(f"import sys, turnkeep; print({loaded})") == "set()"


def test_a_name_of_the_domain_brings_neither_adapters_nor_container() -> None:
    program = (
        "import sys; from turnkeep import Scope; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules if 'turnkeep' in name}))"
    )
    assert printed(program) == "turnkeep turnkeep_domain"


def test_a_name_is_the_very_thing_of_its_home() -> None:
    for name, module in homes.homes():
        assert getattr(turnkeep, name) is getattr(import_module(module), name)


def test_everything_is_listed_before_anything_is_used() -> None:
    assert printed("import turnkeep; print(set(turnkeep.__all__) <= set(dir(turnkeep)))") == "True"


def test_a_star_import_brings_every_public_name() -> None:
    program = "from turnkeep import *; import turnkeep; print({*turnkeep.__all__} <= {*globals()})"
    assert printed(program) == "True"


def test_a_name_that_is_not_there_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'turnkeep' has no attribute 'Scop'"):
        getattr(turnkeep, "Scop")  # noqa: B009 - a type checker would refuse turnkeep.Scop
    with pytest.raises(ImportError, match="Scop"):
        exec("from turnkeep import Scop")


def test_a_name_that_was_found_is_not_looked_for_again() -> None:
    names: dict[str, object] = {"__name__": "face"}
    find, listed = deferred(names, {"pickle": "no.such.home", "dumps": "pickle"})
    assert find("dumps") is pickle.dumps
    assert names["dumps"] is pickle.dumps
    assert listed() == ["__name__", "dumps", "pickle"]


def test_a_home_that_fails_tells_its_own_error() -> None:
    find, _ = deferred({"__name__": "face"}, {"Scope": "no.such.home"})
    with pytest.raises(ModuleNotFoundError, match="no"):
        find("Scope")


def test_threads_that_ask_at_once_find_the_same_thing() -> None:
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
sys.setswitchinterval(1e-5)
import turnkeep
with ThreadPoolExecutor(8) as threads:
    keeps = set(threads.map(lambda _: turnkeep.Keep, range(64)))
print(len(keeps))
"""
    assert printed(program) == "1"


def test_a_thing_of_the_face_is_pickled_under_its_home() -> None:
    assert pickle.loads(pickle.dumps(turnkeep.Scope)) is turnkeep.Scope


def test_a_submodule_is_imported_as_ever() -> None:
    assert import_module("turnkeep.opening") is sys.modules["turnkeep.opening"]
