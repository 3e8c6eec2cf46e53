"""The homes of public names, as the imports that a type checker reads tell them.

`python -m tests.face.homes` writes them down for those who run the program.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tests.architecture import tree

FACE: Final = tree.ROOTS["turnkeep"] / "turnkeep" / "__init__.py"
HOMES: Final = FACE.with_name("homes.py")
HEAD: Final = '''\
"""Homes: the module from which each public name is imported.

Written from the imports of the face by `python -m tests.face.homes`; not by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HOMES: Final[Mapping[str, str]] = {
'''


def homes() -> Iterator[tuple[str, str]]:
    """Each public name and its home."""
    for block in filter(tree.is_type_checking, tree.parse(FACE).body):
        assert isinstance(block, ast.If)
        for node in block.body:
            assert isinstance(node, ast.ImportFrom)
            assert node.module is not None
            for alias in node.names:
                assert alias.asname is None
                yield alias.name, node.module


def rendered() -> str:
    """The source of the module of homes."""
    lines = [f'    "{name}": "{module}",\n' for name, module in sorted(homes())]
    return "".join([HEAD, *lines, "}\n"])


if __name__ == "__main__":
    HOMES.write_text(rendered(), encoding="utf-8")
