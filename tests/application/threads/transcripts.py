"""Transcripts: threads that are made of recorded tasks, as an agent's host would write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.application.threads.world import OWNER, World
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.parts import JsonPart, Part, TextPart, ToolCallPart
from turnkeep_domain.threads.summaries import SummaryPolicy

RECORDING: Final = Path(__file__).with_name("recording.jsonl")


@frozen
class Call:
    tool: str
    args: dict[str, object]


@frozen
class Task:
    id: str
    prompt: str
    calls: tuple[Call, ...]


def tasks() -> list[Task]:
    """The recorded tasks."""
    lines = RECORDING.read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return [
        Task(
            id=each["task"],
            prompt=each["prompt"],
            calls=tuple(Call(call["tool"], call["args"]) for call in each["calls"]),
        )
        for each in read
    ]


async def written(world: World, thread: str, recorded: Sequence[Task]) -> None:
    """One thread with all of the tasks: prompts, calls, results, previews, answers, a summary."""
    await world.thread(thread)
    for number, task in enumerate(recorded):
        await _task(world, thread, number, task)
    view = await world.threads.get(OWNER, thread)
    assert view is not None
    for start, end, policy in (
        (1, 3, SummaryPolicy.REPLACE),
        (2, view.committed, SummaryPolicy.NOTE),
    ):
        answer = await world.threads.summarise(
            OWNER,
            thread,
            start=start,
            end=end,
            kind="recap",
            text=f"Messages {start} to {end}, in short.",
            policy=policy,
            basis=0,
            request_id=RequestId(f"recap {policy.value}"),
        )
        assert not isinstance(answer, Refused), answer


async def _task(world: World, thread: str, number: int, task: Task) -> None:
    run, threads = f"run-{number}", world.threads
    asked = await world.say(
        Content.of(task.prompt, metadata={"task": task.id}), event=task.id, thread=thread
    )
    await threads.mark_submitted(
        OWNER, thread, asked.message_id, turn_id=f"turn-{number}", run_id=run
    )
    parts: list[Part] = [TextPart("I will.")]
    parts += [
        ToolCallPart.of(f"result:{number}.{at}", call.tool, JsonPart.of(call.args).json)  # type: ignore[arg-type]  # what JSON has parsed
        for at, call in enumerate(task.calls)
    ]
    await threads.finalize(OWNER, thread, run_id=run, slot=0, content=Content.of(parts))
    for at, call in enumerate(task.calls):
        await threads.append_preview(
            OWNER, thread, Content.of(f"would {call.tool}"), run_id=run, invocation=f"call-{at}"
        )
        await threads.append_tool_result(
            OWNER,
            thread,
            run_id=run,
            result_ref=f"result:{number}.{at}",
            safe_summary=f"{call.tool} has ended",
            observation={
                "version": 1,
                "status": "succeeded",
                "facts": [{"name": "tool", "value": call.tool}],
            },
            provider=b"private",
        )
    await threads.append(
        OWNER,
        thread,
        MessageKind.CHECKPOINT,
        Content.of(JsonPart.of({"done": len(task.calls)})),
        request_id=RequestId(f"checkpoint {number}"),
        run_id=run,
    )
    await threads.open_draft(OWNER, thread, run_id=run, slot=1)
    await threads.update_draft(
        OWNER, thread, run_id=run, slot=1, version=1, content=Content.of("Do")
    )
    await threads.finalize(OWNER, thread, run_id=run, slot=1, content=Content.of("Done."))
