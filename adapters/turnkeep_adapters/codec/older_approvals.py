"""Older approvals: what the fields of their former schemas meant."""

from __future__ import annotations

from typing import cast

from turnkeep_adapters.codec.format import Fields


def questions_had_no_run(fields: Fields) -> Fields:
    """Schema 1 to 2: whoever asked waited outside of Turnkeep; no run was blocked by a question.

    Raises:
        ValueError: It has a run already.
        KeyError, TypeError: It is no approval.
    """
    request = cast("Fields", fields["request"])
    question = cast("Fields", request["question"])
    if "run" in question:
        raise ValueError("a question of schema 1 has no run")
    return {**fields, "request": {**request, "question": {**question, "run": None}}}
