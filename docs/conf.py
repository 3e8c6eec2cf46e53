"""The site: the documents as they stand, and a reference of the face made from its docstrings.

`make site` builds it in build/site. The sources are read from the top, so that a link between
documents holds there and wherever the repository is shown.
"""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen
from sphinx.application import Sphinx

import turnkeep

TOP: Final = Path(__file__).resolve().parent.parent
REFERENCE: Final = "build/reference"

project = "Turnkeep"
author = "The Turnkeep authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "examples/*/*.md", f"{REFERENCE}/*.md"]
html_theme = "furo"
html_title = "Turnkeep"

myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True


@frozen(kw_only=True)
class Chapter:
    """One page of the reference: the names of the face that come from these modules."""

    name: str
    title: str
    modules: tuple[str, ...]

    def page(self, names: list[str]) -> str:
        """The page, in Markdown."""
        directives = "\n".join(_directive(name) for name in names)
        return (
            f"# {self.title}\n\n```{{eval-rst}}\n.. currentmodule:: turnkeep\n\n{directives}```\n"
        )


CHAPTERS: Final = (
    Chapter(name="turns", title="Turns and workers", modules=("turns", "worker")),
    Chapter(name="approvals", title="Approvals", modules=("approval", "consent", "polic")),
    Chapter(name="budgets", title="Budgets", modules=("budget",)),
    Chapter(name="threads", title="Threads", modules=("thread",)),
    Chapter(name="leases", title="Leases", modules=("leases", "lease_")),
    Chapter(
        name="secrets",
        title="Secrets and credentials",
        modules=("secret", "credential", "cipher", "vault", "rekeying"),
    ),
    Chapter(name="keeps", title="Keeps, stores and what all share", modules=("",)),
)


def write_reference(_: Sphinx) -> None:
    """Writes a page for each chapter, and one that lists them."""
    folder = TOP / REFERENCE
    folder.mkdir(parents=True, exist_ok=True)
    listed = "\n".join(chapter.name for chapter in CHAPTERS)
    contents = (
        f"# Reference\n\nAll that `from turnkeep import` offers.\n\n```{{toctree}}\n{listed}\n```\n"
    )
    folder.joinpath("index.md").write_text(contents, encoding="utf-8")
    for chapter in CHAPTERS:
        names = [name for name in _names() if _chapter_of(name) is chapter]
        folder.joinpath(f"{chapter.name}.md").write_text(chapter.page(names), encoding="utf-8")


def add_contents(_: Sphinx, document: str, source: list[str]) -> None:
    """Puts the contents of the site below its first page, which knows of no site."""
    if document == root_doc:
        pages = sorted(path.stem for path in TOP.joinpath("docs").glob("*.md"))
        guides = "\n".join(f"docs/{page}" for page in pages)
        examples = "\n".join(
            str(path.relative_to(TOP).with_suffix("")) for path in TOP.glob("examples/*/*.md")
        )
        project_pages = "\n".join(("architecture", "CHANGELOG", "CONTRIBUTING", "SECURITY"))
        source[0] += (
            f"\n```{{toctree}}\n:hidden:\n:caption: Guides\n\n{guides}\n```\n"
            f"\n```{{toctree}}\n:hidden:\n:caption: Examples\n\n{examples}\n```\n"
            f"\n```{{toctree}}\n:hidden:\n:caption: Reference\n\n{REFERENCE}/index\n```\n"
            f"\n```{{toctree}}\n:hidden:\n:caption: Project\n\n{project_pages}\n```\n"
        )


def name_the_first_page(app: Sphinx, failure: Exception | None) -> None:
    """Servers look for an index, and readers of the repository for a README."""
    if failure is None:
        shutil.copyfile(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    """Tells Sphinx of what is done here."""
    app.connect("builder-inited", write_reference)
    app.connect("source-read", add_contents)
    app.connect("build-finished", name_the_first_page)


def _names() -> Iterator[str]:
    return (name for name in sorted(turnkeep.__all__) if not name.startswith("_"))


def _chapter_of(name: str) -> Chapter:
    module = getattr(getattr(turnkeep, name), "__module__", "")
    return next(c for c in CHAPTERS if any(part in module for part in c.modules))


def _directive(name: str) -> str:
    thing = getattr(turnkeep, name)
    if inspect.isclass(thing):
        kind = "autoexception" if issubclass(thing, BaseException) else "autoclass"
        return f".. {kind}:: {name}\n   :members:\n   :show-inheritance:\n\n"
    if inspect.isroutine(thing):
        return f".. autofunction:: {name}\n\n"
    return f".. autodata:: {name}\n   :no-value:\n\n"
