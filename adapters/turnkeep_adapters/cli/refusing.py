"""A refusal, as the command line tells it: the sentence of its class, and its code."""

from __future__ import annotations

import json

import click

from turnkeep import Refused
from turnkeep_adapters.cli.ending import Ending


class WasRefused(Exception):
    """A command was refused where it has nothing more to say: `run` tells it, and how it ends."""

    def __init__(self, answer: Refused[object], *, as_json: bool) -> None:
        super().__init__(code_of(answer.reason))
        self.answer = answer
        self.as_json = as_json


def refusal(answer: Refused[object], *, as_json: bool) -> int:
    """Says why a command was refused, in JSON on standard output, or in a sentence on the other."""
    reason = answer.reason
    code, sentence = code_of(reason), sentence_of(reason)
    if as_json:
        told = {"refused": code, "sentence": sentence}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        click.echo(f"Refused: {sentence} ({code}).", err=True)
    return Ending.FAILED


def code_of(reason: object) -> str:
    """The stable code of a reason."""
    return str(getattr(reason, "code", "refused"))


def sentence_of(reason: object) -> str:
    """A reason for people: its own sentence where it has one, else what its class is."""
    said = getattr(reason, "sentence", None)
    if isinstance(said, str):
        return said
    first = (type(reason).__doc__ or "").strip().partition("\n")[0]
    first = first.removeprefix("Refusal: ").removesuffix(".")
    return first[:1].lower() + first[1:] if first else "it is refused"
