"""An app: the host's handler, as `module:handler` names it."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Final

from turnkeep import Handler
from turnkeep_adapters.cli.doctor.place import shown

_FORM: Final = "an app is named as module:handler"


class NoApp(Exception):
    """There is no handler of that name; the only argument says why, in a sentence."""


def handler_of(app: str) -> Handler:
    """Imports a host's module and takes its handler; the current directory may hold it.

    Raises:
        NoApp: There is none, or its module cannot be imported.
    """
    name, colon, attributes = app.partition(":")
    if not colon or not name or not attributes:
        raise NoApp(_FORM)
    found: object = _imported(name)
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise NoApp(f"the module {shown(name)} has no {shown(attributes)}")
        found = getattr(found, attribute)
    if not callable(found):
        raise NoApp(f"{shown(app)} cannot be called")
    return found


def _imported(name: str) -> object:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise NoApp(f"there is no module {shown(name)}") from error
        raise NoApp(_failure(name, error)) from error
    except Exception as error:  # whatever a host's module does wrong is told in a sentence
        raise NoApp(_failure(name, error)) from error


def _failure(name: str, error: Exception) -> str:
    """Where it went wrong, so that the sentence is as good as a traceback."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    if isinstance(error, SyntaxError):
        where = f"{shown(os.path.basename(error.filename or '?'))}, line {error.lineno}"
    else:
        where = f"{shown(os.path.basename(last.filename))}, line {last.lineno}"
    return f"the module {shown(name)} cannot be imported: {kind} in {where}: {shown(str(error))}"
