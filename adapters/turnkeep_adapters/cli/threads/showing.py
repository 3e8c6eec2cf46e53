"""Showing: threads and messages, as objects for programs and as cells for people."""

from __future__ import annotations

import json
from datetime import datetime

from turnkeep import (
    AttachmentPart,
    JsonPart,
    MessageView,
    Part,
    Summary,
    TextPart,
    ThreadView,
    ToolCallPart,
)


def thread_facts(view: ThreadView) -> dict[str, object]:
    """A thread for programs."""
    return {
        "thread_id": view.thread_id,
        "state": view.state.value,
        "title": view.title,
        "goal": None if view.goal is None else view.goal.statement,
        "messages": view.committed,
        "epoch": view.epoch,
        "created_by": view.created_by,
        "created_at": view.created_at.isoformat(),
        "updated_at": view.updated_at.isoformat(),
        "metadata": json.loads(view.metadata),
        "base": [
            {"thread_id": each.thread_id, "first": each.first, "last": each.last}
            for each in view.base
        ],
    }


def message_facts(view: MessageView) -> dict[str, object]:
    """A message for programs."""
    return {
        "message_id": view.message_id,
        "sequence": view.sequence,
        "kind": view.kind.value,
        "state": view.state.value,
        "code": view.code,
        "actor": view.actor,
        "turn_id": view.turn_id,
        "run_id": view.run_id,
        "parts": [_part_facts(part) for part in view.parts],
        "attachments": [
            {
                "id": each.id,
                "kind": each.kind.value,
                "mime": each.mime,
                "filename": each.filename,
                "size_bytes": each.size_bytes,
            }
            for each in view.attachments
        ],
        "tool": None
        if view.tool is None
        else {"result_ref": view.tool.result_ref, "safe_summary": view.tool.safe_summary},
        "metadata": json.loads(view.metadata),
        "created_at": view.created_at.isoformat(),
        "changed_at": view.changed_at.isoformat(),
    }


def summary_facts(summary: Summary) -> dict[str, object]:
    """A summary for programs."""
    return {
        "summary_id": summary.id,
        "start": summary.start,
        "end": summary.end,
        "kind": summary.kind,
        "policy": summary.policy.value,
        "text": summary.text,
    }


def moment(at: datetime) -> str:
    """An instant for people, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def said(view: MessageView) -> str:
    """What a message says, for people, in one line."""
    if view.tool is not None:
        return view.tool.safe_summary
    words = [_words(part) for part in view.parts]
    words += [f"[{each.kind.value}]" for each in view.attachments]
    return " ".join(word for word in words if word)


def _words(part: Part) -> str:
    match part:
        case TextPart(text):
            return " ".join(text.split())
        case JsonPart(json=spelt):
            return spelt
        case ToolCallPart(tool=tool, arguments=arguments):
            return f"{tool} {arguments}"
        case AttachmentPart():
            return ""


def _part_facts(part: Part) -> dict[str, object]:
    match part:
        case TextPart(text):
            return {"text": text}
        case JsonPart(json=spelt):
            return {"json": json.loads(spelt)}
        case ToolCallPart():
            return {
                "tool_call": part.tool,
                "result_ref": part.result_ref,
                "arguments": json.loads(part.arguments),
            }
        case AttachmentPart(attachment_id):
            return {"attachment": attachment_id}
