"""An environment: settings as variables name them, each read strictly or refused by its name.

The variable of a setting is its group and its field in capitals, after a prefix, with underscores:
`TURNKEEP_PACING_ATTEMPTS_MAX`. A blank one counts as not set. What no text can express (a function)
has no variable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from types import NoneType
from typing import Final, TypeAlias, TypeVar, get_args, get_origin

from attrs import Attribute, AttrsInstance, field, fields_dict, frozen, has, resolve_types

from turnkeep.misspellings import meant
from turnkeep_domain.errors import InvalidValue, TurnkeepError

T = TypeVar("T", bound=AttrsInstance)

Parse: TypeAlias = Callable[[str], object]
"""Reads a text; raises `InvalidValue` with the rule that it breaks."""

_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
# What the validators of attrs say before they repeat the value, which a sentence must not.
_BOUND: Final = re.compile(r"must be (?:>=|>|<=|<) \S+(?=:)")


@frozen
class InvalidSetting(TurnkeepError, ValueError):
    """A variable of the environment holds what its setting cannot be; nothing was opened.

    Attributes:
        variable: Its name; the names of all that are set, where settings do not fit together.
        rule: What it must be. The value itself is never repeated.
    """

    code = "invalid_setting"
    sentence = "{error.variable} {error.rule}"

    variable: str = field()
    rule: str = field()


@frozen(kw_only=True)
class Variable:
    """One setting, as an environment names it.

    Attributes:
        of: The class of its group.
        field: Its name there.
        standard: What it is where the variable is not set.
    """

    name: str
    of: type[AttrsInstance]
    field: str
    standard: object


@frozen(kw_only=True)
class Environment:
    """Where settings are read from.

    Attributes:
        texts: The variables, with what they hold.
        elsewhere: Those that are read under another name, for two settings are one wish.
    """

    texts: Mapping[str, str] = field(repr=False)
    elsewhere: Mapping[str, str]

    def variables(self, of: type[AttrsInstance], prefix: str) -> Iterator[Variable]:
        """The variables of a class of settings, those of its groups included."""
        standard = of()
        for name, kind in _kinds(of):
            variable = self._name(prefix, name)
            if has(kind):
                yield from self.variables(kind, variable)
            elif _parser(kind) is not None:
                known = getattr(standard, name)
                yield Variable(name=variable, of=of, field=name, standard=known)

    def read(self, of: type[T], prefix: str) -> T:
        """The settings of a class; what is not set is as its defaults have it.

        Args:
            of: The class; everything in it has a default.
            prefix: What the names of its variables start with, before an underscore.

        Raises:
            InvalidSetting: A variable holds what its setting cannot be, or several do not fit
                together.
        """
        chosen: dict[str, object] = {}
        for name, kind in _kinds(of):
            variable = self._name(prefix, name)
            text = self.texts.get(variable, "").strip()
            parse = _parser(kind)
            if has(kind):
                chosen[name] = self.read(kind, variable)
            elif text and parse is not None:
                chosen[name] = _parsed(variable, text, parse)
        build: Callable[..., T] = of
        try:
            return build(**chosen)
        except ValueError as error:
            raise self._fault(of, prefix, chosen, error) from None

    def require_known(self, of: type[AttrsInstance], prefix: str) -> None:
        """Refuses variables that were meant as settings and are none: they would change nothing.

        That is what begins with a group and names no setting of it, and what is misspelt by a
        letter or two. Whatever else begins with the prefix is the host's own.

        Raises:
            InvalidSetting: There is one.
        """
        known = {variable.name for variable in self.variables(of, prefix)}
        groups = tuple(f"{prefix}_{name.upper()}_" for name, _ in _kinds(of))
        for variable in sorted(self.texts):
            if variable in known or not variable.upper().startswith(f"{prefix}_"):
                continue
            if variable.startswith(groups):
                raise InvalidSetting(variable, "names no setting")
            if (near := meant(variable, sorted(known))) is not None:
                raise InvalidSetting(variable, f"names no setting; {near} does")

    def _name(self, prefix: str, field: str) -> str:
        name = f"{prefix}_{field.upper()}"
        return self.elsewhere.get(name, name)

    def _fault(
        self,
        of: type[AttrsInstance],
        prefix: str,
        chosen: Mapping[str, object],
        error: ValueError,
    ) -> InvalidSetting:
        """Which variable is at fault: one by itself, or all that are set."""
        standard = of()
        for name, value in chosen.items():
            attribute: Attribute[object] = fields_dict(of)[name]
            try:
                if attribute.validator is not None:
                    attribute.validator(standard, attribute, value)
            except ValueError as alone:
                return InvalidSetting(self._name(prefix, name), _rule(alone))
        named = [self._name(prefix, name) for name in chosen]
        return InvalidSetting(", ".join(named), f"must fit together: {error}")


def _kinds(of: type[AttrsInstance]) -> Iterator[tuple[str, type[object]]]:
    """The fields of a class and their types, as they were declared."""
    for name, attribute in fields_dict(resolve_types(of)).items():
        if attribute.type is not None:
            yield name, attribute.type


def _parsed(variable: str, text: str, parse: Parse) -> object:
    try:
        return parse(text)
    except InvalidValue as error:
        raise InvalidSetting(variable, error.rule) from None


def _rule(error: ValueError) -> str:
    if isinstance(error, InvalidValue):
        return error.rule
    bound = _BOUND.search(str(error))
    return bound[0] if bound else "must be within the bounds of its setting"


def _parser(kind: object) -> Parse | None:
    """How a text of a type is read; None where the type has no text."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and kind in _SCALARS:
        return _SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _word_of(kind)
    if origin is frozenset or (origin is tuple and inner[1:] == (Ellipsis,)):
        return _every(inner[0], frozenset if origin is frozenset else tuple)
    if NoneType in inner:
        (other,) = (each for each in inner if each is not NoneType)
        parse = _parser(other)
        return None if parse is None else _or_none(parse)
    return None


def _flag(text: str) -> bool:
    flag = _FLAGS.get(text.lower())
    if flag is None:
        raise InvalidValue("flag", "must be true or false")
    return flag


def _whole_number(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise InvalidValue("number", "must be a whole number")
    return int(text)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValue("number", "must be a finite number")
    return number


_SCALARS: Final[Mapping[type[object], Parse]] = {
    bool: _flag,
    float: _number,
    int: _whole_number,
    str: str.strip,
}


def _every(kind: object, make: Callable[[Iterable[object]], object]) -> Parse | None:
    parse = _parser(kind)
    if parse is None:
        return None

    def every(text: str) -> object:
        return make(parse(item.strip()) for item in text.split(","))

    return every


def _word_of(kind: type[Enum]) -> Parse:
    def word(text: str) -> object:
        for member in kind:
            if member.value == text.lower():
                return member
        words = ", ".join(str(member.value) for member in kind)
        raise InvalidValue("word", f"must be one of {words}")

    return word


def _or_none(parse: Parse) -> Parse:
    def optional(text: str) -> object:
        return None if text.lower() == "none" else parse(text)

    return optional
