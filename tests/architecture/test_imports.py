"""Each layer imports what its place allows, and nothing else."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import attr
import attrs
import pytest

from tests.architecture import tree

# What a module may import beside the standard library; the longest name that fits a module
# counts. Adapters are listed one by one, so that a new one has to be thought about here.
INNER: Final = {"attrs", "turnkeep_domain"}
OUTER: Final = INNER | {"turnkeep_ports", "turnkeep_application", "turnkeep_adapters"}
ALLOWED: Final[dict[str, set[str]]] = {
    "turnkeep_domain": INNER,
    "turnkeep_ports": INNER | {"turnkeep_ports"},
    "turnkeep_application": INNER | {"turnkeep_ports", "turnkeep_application"},
    "turnkeep_adapters.cipher": INNER | {"turnkeep_ports", "cryptography", "keyring"},
    "turnkeep_adapters.codec": INNER | {"turnkeep_ports", "cattrs", "orjson"},
    "turnkeep_adapters.composite": INNER | {"turnkeep_ports"},
    "turnkeep_adapters.faulty": INNER | {"turnkeep_ports"},
    "turnkeep_adapters.files": INNER | {"turnkeep_ports", "turnkeep_adapters.memory"},
    "turnkeep_adapters.memory": INNER | {"turnkeep_ports"},
    "turnkeep_adapters.postgres": INNER | {"turnkeep_ports", "orjson", "psycopg", "psycopg_pool"},
    "turnkeep_adapters.rehearsal": INNER | {"turnkeep_ports"},
    "turnkeep_adapters.system": INNER | {"turnkeep_ports"},
    "turnkeep_adapters.telemetry": INNER | {"turnkeep_ports"},
    "turnkeep_adapters.transfers": INNER | {"turnkeep_ports", "turnkeep_application", "orjson"},
    "turnkeep_adapters.telemetry.otel": INNER
    | {"turnkeep_ports", "turnkeep_adapters.telemetry", "opentelemetry"},
    "turnkeep_adapters.virtual": INNER | {"turnkeep_ports"},
    "turnkeep_adapters.web": INNER | {"turnkeep_ports", "turnkeep_application"},
    "turnkeep_adapters.cli": INNER | {"turnkeep", "click", "rich"},
    "turnkeep_adapters.cli.doctor": INNER
    | {"turnkeep", "turnkeep_adapters.cli", "turnkeep_adapters.files", "click", "turnkeep_ports"},
    "turnkeep_adapters.cli.doctor.database": INNER | {"turnkeep", "turnkeep_adapters.postgres"},
    "turnkeep_adapters.cli.secrets": INNER | {"turnkeep", "turnkeep_adapters.cli", "click"},
    "turnkeep_adapters.cli.migrate": INNER
    | {"turnkeep", "turnkeep_adapters.cli", "turnkeep_adapters.postgres", "click"},
    "turnkeep": OUTER,
    "turnkeep.building": OUTER | {"dependency_injector"},
    "turnkeep.container": OUTER | {"dependency_injector"},
    "turnkeep.observing": OUTER | {"opentelemetry"},
    "turnkeep.testing": OUTER | {"pytest"},
}


def allowed(module: str) -> set[str]:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in ALLOWED:
            own = {name if parts[0] == "turnkeep_adapters" else parts[0]}
            return ALLOWED[name] | own
    raise AssertionError(f"{module} has no line in ALLOWED: decide what it may import")


def strangers(module: str, tree_of_module: ast.AST) -> set[str]:
    """The imports of a module that its layer does not allow."""
    may = allowed(module)
    return {
        name
        for name in tree.imports(tree_of_module)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name == known or name.startswith(f"{known}.") for known in may)
    }


@pytest.mark.parametrize(
    "path",
    [path for path in tree.every_source() if path.name != "__init__.py" or path.stat().st_size],
    ids=tree.name_of,
)
def test_a_module_imports_only_what_its_layer_allows(path: Path) -> None:
    assert strangers(tree.name_of(path), tree.parse(path)) == set()


@pytest.mark.parametrize(
    ("module", "source", "stranger"),
    [
        ("turnkeep_domain.lease", "import orjson", "orjson"),
        (
            "turnkeep_domain.lease",
            "from turnkeep_ports.store import Loaded",
            "turnkeep_ports.store",
        ),
        ("turnkeep_ports.store", "def late():\n    import psycopg", "psycopg"),
        ("turnkeep_application.update", "import cattrs.gen", "cattrs.gen"),
        (
            "turnkeep_adapters.memory.store",
            "import turnkeep_adapters.codec.json",
            "turnkeep_adapters.codec.json",
        ),
        ("turnkeep_adapters.codec.json", "from turnkeep import Scope", "turnkeep"),
    ],
)
def test_an_import_that_a_layer_does_not_allow_is_seen(
    module: str, source: str, stranger: str
) -> None:
    assert strangers(module, ast.parse(source)) == {stranger}


def test_a_module_outside_every_listed_layer_is_seen() -> None:
    with pytest.raises(AssertionError, match="has no line in ALLOWED"):
        allowed("turnkeep_adapters.unheard_of.store")


def test_what_only_a_type_checker_reads_is_no_import() -> None:
    source = "if TYPE_CHECKING:\n    import orjson\nelse:\n    import json"
    assert tree.imports(ast.parse(source)) == {"json"}


@pytest.fixture(scope="module")
def only_attrs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that holds the attrs distribution and nothing else."""
    directory = tmp_path_factory.mktemp("only_attrs")
    for package in (attr, attrs):
        source = Path(next(iter(package.__path__)))
        shutil.copytree(source, directory / source.name)
    return directory


IMPORT_ALL: Final = """
import importlib, sys
path, names = sys.argv[1].split(":"), sys.argv[2:]
sys.path.extend(path)
for name in names:
    importlib.import_module(name)
loaded = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(*sorted(loaded - {"__main__"}))
"""


def imported_alone(package: str, roots: list[Path]) -> set[str]:
    """Imports a package with only these roots on the path; answers what came along."""
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-B", "-c", IMPORT_ALL),
            ":".join(map(str, roots)),
            *tree.module_names(package),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "layers",
    [
        ("turnkeep_domain",),
        ("turnkeep_ports", "turnkeep_domain"),
        ("turnkeep_application", "turnkeep_ports", "turnkeep_domain"),
    ],
    ids=lambda layers: layers[0],
)
def test_a_layer_needs_only_attrs_and_the_layers_below(
    layers: tuple[str, ...], only_attrs: Path
) -> None:
    roots = [only_attrs, *(tree.ROOTS[layer] for layer in layers)]
    assert imported_alone(layers[0], roots) <= {"attr", "attrs", *layers}


def test_a_domain_without_attrs_cannot_be_imported(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="No module named 'attrs'"):
        imported_alone("turnkeep_domain", [tmp_path, tree.ROOTS["turnkeep_domain"]])
