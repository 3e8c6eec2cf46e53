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


def questions_told_no_cause(fields: Fields) -> Fields:
    """Schema 2 to 3: consent asked for want of a rule; no payload was ever noted as erased.

    Raises:
        ValueError: It has a cause already, or says whether its payload is erased.
        KeyError, TypeError: It is no approval.
    """
    request = cast("Fields", fields["request"])
    question = cast("Fields", request["question"])
    if "cause" in question or "erased" in fields:
        raise ValueError("an approval of schema 2 has no cause, and tells of no erasure")
    asked = {**question, "cause": "otherwise"}
    return {**fields, "erased": False, "request": {**request, "question": asked}}
