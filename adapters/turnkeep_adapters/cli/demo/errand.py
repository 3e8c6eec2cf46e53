"""An errand: what one line of a recording asks of an agent, ready to be submitted as a turn."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from turnkeep import (
    Dispatch,
    InvalidValue,
    Json,
    Mode,
    Principal,
    Quorum,
    Ref,
    RequestId,
    Scope,
    TurnClass,
)
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.recording import Task, ToolCall, Unusable, read
from turnkeep_adapters.cli.demo.risk import Risk, is_secret, risk_of

PEOPLE: Final = ("ada", "bruno", "chiara", "dmitri", "esi", "farah")
DESK: Final = Principal.service("risk-desk")
_AGENTS: Final = ("clerk", "courier", "engineer")
_NAME_CHARACTERS: Final = 32
_BACKGROUND: Final = 0.25
_SHOWN_CHARACTERS: Final = 120
# What an identifier's rule speaks of, as the recording calls it.
_WORDS: Final = {"thread": "task", "capability": "tool"}


@frozen(kw_only=True)
class Call:
    """One tool call, with all that its approval and its journal entry depend on.

    Attributes:
        position: Its place among the calls of its errand, from 1.
        action: The use of the tool, as people are asked for it.
        voters: Those who may decide, in the order in which they are turned to.
    """

    position: int
    risk: Risk
    action: Dispatch
    args: Mapping[str, Json] = field(repr=False)
    voters: tuple[Principal, ...]

    @property
    def name(self) -> str:
        """Its name in the journal of its run."""
        return f"call {self.position}"

    @property
    def gate(self) -> str:
        """The name of the request for it in the journal of its run."""
        return f"ask for call {self.position}"

    @property
    def is_risky(self) -> bool:
        """Whether people are asked first."""
        return self.risk not in (Risk.LOOKS, Risk.CHANGES)

    @property
    def mode(self) -> Mode:
        """What the tool promises about being called twice."""
        match self.risk:
            case Risk.LOOKS:
                return Mode.SAFE
            case Risk.CHANGES:
                return Mode.KEYED
            case _:
                return Mode.ONCE

    @property
    def quorum(self) -> Quorum:
        """Who must agree: two people where the risk is grave."""
        return Quorum.of(2 if self.risk.is_grave else 1, *self.voters)

    @property
    def display(self) -> str:
        """The call as people read it."""
        return f"{self.action.capability}({', '.join(_shown(self.args))})"


@frozen(kw_only=True)
class Errand:
    """What an agent is asked to do in one thread; it follows from the seed and the line alone.

    Attributes:
        name: What tells it from every other; the same line again is the same errand.
        content: The line itself.
    """

    line: int
    name: Ref
    scope: Scope
    actor: Principal
    turn_class: TurnClass
    prompt: str = field(repr=False)
    content: bytes = field(repr=False)
    calls: tuple[Call, ...]

    @property
    def request_id(self) -> RequestId:
        """Under which it is submitted, however often."""
        return RequestId(self.name)

    @property
    def agent(self) -> Principal:
        """Who carries it out."""
        return Principal.agent(self.scope.agent or "")


def tenant_of(seed: int) -> Scope:
    """The tenant of a demonstration; each seed has its own, and none is another's."""
    return Scope.of(f"harbour-{seed}", None)


def owners_of(seed: int) -> tuple[Scope, ...]:
    """Everybody in the tenant who may own an errand."""
    return tuple(Scope.of(tenant_of(seed).tenant, person) for person in PEOPLE)


def drawn(*seeds: object) -> random.Random:
    """A source of chance that the seeds alone decide, on every machine."""
    return random.Random(ascii(seeds))  # noqa: S311 - the whims of people in a play


def errand_of(line: Line, seed: int) -> Errand | Unusable | None:
    """The errand of a line; what is wrong with the line; or None where it is empty."""
    task = read(line)
    if not isinstance(task, Task):
        return task
    try:
        return _errand(task, line.content or b"", seed)
    except InvalidValue as error:
        what = _WORDS.get(error.what, error.what)
        return Unusable(line.number, f"its {what} {error.rule}")


def _errand(task: Task, content: bytes, seed: int) -> Errand:
    chance = drawn(seed, task.id)
    owner, deputy = chance.sample(PEOPLE, 2)
    agent = chance.choice(_AGENTS)
    voters = (Principal.person(owner), Principal.person(deputy), DESK)
    background = chance.random() < _BACKGROUND
    return Errand(
        line=task.line,
        name=Ref(hashlib.sha256(content).hexdigest()[:_NAME_CHARACTERS]),
        scope=Scope.of(tenant_of(seed).tenant, owner, agent=agent, thread=task.id),
        actor=Principal.person(owner),
        turn_class=TurnClass.BACKGROUND if background else TurnClass.INTERACTIVE,
        prompt=task.prompt,
        content=content,
        calls=tuple(_call(call, voters) for call in task.calls),
    )


def _call(call: ToolCall, voters: tuple[Principal, ...]) -> Call:
    return Call(
        position=call.position,
        risk=risk_of(call.tool),
        action=Dispatch.of(call.tool, {"calls": 1}),
        args=call.args,
        voters=voters,
    )


def _shown(args: Mapping[str, Json]) -> Iterator[str]:
    """The arguments as people read them; secrets are not shown, nor what lies deeper."""
    for name, value in args.items():
        if is_secret(name):
            yield f"{name}=(secret)"
            continue
        match value:
            case dict():
                shown = f"{{{_items(len(value))}}}"
            case list():
                shown = f"[{_items(len(value))}]"
            case _:
                shown = json.dumps(value, ensure_ascii=False)
        cut = len(shown) > _SHOWN_CHARACTERS
        yield f"{name}={shown[:_SHOWN_CHARACTERS]}{'...' if cut else ''}"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
