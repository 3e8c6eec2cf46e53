"""A script: the rules, one a line, by which a faulty store misbehaves.

A rule reads `op[#n|#*] [in collection]: action`::

    # the second commit lands, its answer is lost
    commit#2: lose-after
    load in approval: corrupt
    scan#*: delay 20

`op` is an operation of the port: load, commit, scan, events, trim, scrub, changed. Without a
number a rule is for the next call, `#n` is for the n-th one (from 1, counted for the rule: calls
of the operation, in the collection where one is named) and `#*` for every one. Actions are
`fail-before`, `lose-before`, `lose-after`, `land-late N`, `delay MS`, `stall`, `stale`, `busy`,
`corrupt`, `hold NAME` and `hold-after NAME`; `turnkeep_adapters.faulty.actions` tells what each
does. The first rule that matches a call is the only one that it suffers, and is then spent unless
it says `#*`. Blank lines, and lines that begin with `#`, say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import field, frozen
from attrs.validators import ge, instance_of

from turnkeep_adapters.faulty.actions import (
    NAMES_COLLECTIONS,
    Action,
    AnswerBusy,
    AnswerStale,
    CorruptBytes,
    Delay,
    FailBefore,
    Hold,
    HoldAfter,
    LandLate,
    LoseAfter,
    LoseBefore,
    Operation,
    Stall,
    require_fitting,
)
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.identifiers import require_collection


@frozen
class BadScript(TurnkeepError, ValueError):
    """A line of a script is no rule; nothing of the script is followed.

    Attributes:
        line: Its number, from 1.
        why: What is wrong with it.
    """

    code = "bad_script"
    sentence = "line {error.line} of the script {error.why}"

    line: int = field()
    why: str = field()


@frozen
class Next:
    """The next call."""


@frozen
class Nth:
    """The n-th call, from 1."""

    number: int = field(validator=[instance_of(int), ge(1)])


@frozen
class Every:
    """Every call."""


When: TypeAlias = Next | Nth | Every


@frozen(kw_only=True)
class Rule:
    """One line of a script.

    Attributes:
        collection: What a call must concern, or None: anything.
        line: The number of its line, from 1.

    Raises:
        InvalidValue: The operation cannot suffer the action, or names no collection.
    """

    operation: Operation = field(validator=instance_of(Operation))
    when: When = field()
    collection: str | None = field()
    action: Action = field()
    line: int = field()

    def __attrs_post_init__(self) -> None:
        require_fitting(self.operation, self.action)
        if self.collection is not None:
            require_collection("collection", self.collection)
            if self.operation not in NAMES_COLLECTIONS:
                raise InvalidValue("rule", "must name no collection: the operation concerns all")


@frozen
class Script:
    """Rules in the order in which they are tried."""

    rules: tuple[Rule, ...]

    @classmethod
    def parse(cls, text: str) -> Script:
        """The script that a text spells.

        Raises:
            BadScript: A line is no rule; the first such line is told.
        """
        lines = enumerate((line.strip() for line in text.splitlines()), start=1)
        return cls(tuple(_rule(number, line) for number, line in lines if line and line[0] != "#"))

    def holds(self) -> frozenset[str]:
        """The names of its holds."""
        actions = [rule.action for rule in self.rules]
        return frozenset(action.name for action in actions if isinstance(action, Hold | HoldAfter))


_RULE: Final = re.compile(
    r"(?P<op>[^\s#:]+)(?:#(?P<which>[^\s:]*))?(?:\s+in\s+(?P<collection>[^\s:]+))?\s*:(?P<action>.*)"
)
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_HOLD_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")

_PLAIN: Final[dict[str, Action]] = {
    "fail-before": FailBefore(),
    "lose-before": LoseBefore(),
    "lose-after": LoseAfter(),
    "stall": Stall(),
    "stale": AnswerStale(),
    "busy": AnswerBusy(),
    "corrupt": CorruptBytes(),
}


def _late(argument: str) -> Action:
    return LandLate(_number(argument, "operations of land-late", least=1))


def _delay(argument: str) -> Action:
    return Delay(_number(argument, "milliseconds of delay", least=0))


def _hold(argument: str) -> Action:
    return Hold(_hold_name(argument))


def _hold_after(argument: str) -> Action:
    return HoldAfter(_hold_name(argument))


_WITH_ARGUMENT: Final[dict[str, Callable[[str], Action]]] = {
    "land-late": _late,
    "delay": _delay,
    "hold": _hold,
    "hold-after": _hold_after,
}


def _rule(number: int, line: str) -> Rule:
    try:
        read = _RULE.fullmatch(line)
        if read is None:
            raise InvalidValue("rule", "must read op[#n|#*] [in collection]: action")
        return Rule(
            operation=_operation(read["op"]),
            when=_when(read["which"]),
            collection=read["collection"],
            action=_action(read["action"].split()),
            line=number,
        )
    except InvalidValue as error:
        raise BadScript(number, f"is no rule: {error}") from None


def _operation(name: str) -> Operation:
    known = {operation.value: operation for operation in Operation}
    if name not in known:
        raise InvalidValue("operation", f"must be one of {', '.join(known)}")
    return known[name]


def _when(which: str | None) -> When:
    match which:
        case None:
            return Next()
        case "*":
            return Every()
        case _:
            return Nth(_number(which, "call after #", least=1))


def _action(words: list[str]) -> Action:
    match words:
        case [name] if name in _PLAIN:
            return _PLAIN[name]
        case [name, argument] if name in _WITH_ARGUMENT:
            return _WITH_ARGUMENT[name](argument)
        case [name, *_] if name in _PLAIN:
            raise InvalidValue(name, "must stand alone")
        case [name, *_] if name in _WITH_ARGUMENT:
            raise InvalidValue(name, "must have one argument")
        case _:
            raise InvalidValue("action", f"must be one of {', '.join([*_PLAIN, *_WITH_ARGUMENT])}")


def _number(text: str, what: str, *, least: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise InvalidValue(what, f"must be a number from {least} to 999999999")
    return int(text)


def _hold_name(text: str) -> str:
    if not _HOLD_NAME.fullmatch(text):
        raise InvalidValue("name of a hold", "must be 1 to 64 of A-Z, a-z, 0-9, _, . and -")
    return text
