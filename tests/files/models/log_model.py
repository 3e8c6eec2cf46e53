"""A model of the log: every interleaving of writers and a compactor, path walks included.

A writer's system calls are single steps, and a call that walks `bucket/number` is two: the bucket
is found first, and the number in what was found afterwards, wherever that has been moved meanwhile.
Any writer may close a bucket at any number, as a scrub does. The model keeps the one history that
there must be, and a violation is whatever contradicts it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple


class Rule(Enum):
    """What a process keeps to; a model may leave one out."""

    RANDOM_NAMES = "R1"
    LOOK_AFTER = "R3"


ALL: Final = frozenset(Rule)


class Violation(Exception):
    """Something happened that must not."""


class Segment(NamedTuple):
    number: int
    writer: int
    next_bucket: str | None


class Bucket(NamedTuple):
    """A directory. Its incarnation tells it from others that had its name."""

    name: str
    incarnation: int
    in_log: bool
    segments: frozenset[Segment]


class Step(Enum):
    LOOK = "find the bucket to look into"
    FIND = "look for the number in what was found"
    BELIEVE = "see whether the bucket stands"
    CLOSE = "make the next bucket"
    LINK = "find the bucket to link into"
    PUT = "link in what was found"
    ACKNOWLEDGE = "see whether the bucket stands, and answer"
    REST = "nothing"


class Writer(NamedTuple):
    """A process: what it knows of the log, and where in its next step it is."""

    step: Step
    number: int
    last: Segment | None
    bucket: str
    resolved: tuple[str, int] | None
    found: Segment | None
    next_bucket: str | None
    commits_left: int


class State(NamedTuple):
    buckets: frozenset[Bucket]
    history: tuple[Segment, ...]
    checkpoint: int
    writers: tuple[Writer, ...]


FIRST: Final = "first"


def beginning(*commits: int) -> State:
    """As many writers as numbers, each of which tells how many commits it makes."""
    fresh = Writer(Step.LOOK, 0, None, FIRST, None, None, None, 0)
    writers = tuple(fresh._replace(commits_left=count) for count in commits)
    return State(frozenset({Bucket(FIRST, 0, True, frozenset())}), (), 0, writers)


def bucket_after(history: tuple[Segment, ...], number: int) -> str:
    """Where the number after this one belongs."""
    names = [s.next_bucket for s in history[:number] if s.next_bucket is not None]
    return names[-1] if names else FIRST


def standing(state: State, name: str) -> Bucket | None:
    return next((b for b in state.buckets if b.name == name and b.in_log), None)


def check(state: State) -> None:
    """Fails unless whoever opens now, from the newest checkpoint, finds the whole history."""
    number = state.checkpoint
    while True:
        bucket = standing(state, bucket_after(state.history, number))
        if bucket is None:
            raise Violation("an opener finds no bucket")
        found = [s for s in bucket.segments if s.number == number + 1]
        if not found:
            break
        if number >= len(state.history) or found != [state.history[number]]:
            raise Violation("an opener finds another history")
        number += 1
    if number != len(state.history):
        raise Violation("an opener does not find the whole history")


def successors(state: State, rules: frozenset[Rule] = ALL) -> Iterator[tuple[str, State]]:
    """Everything that may happen next."""
    yield from _compactions(state)
    for place, writer in enumerate(state.writers):
        for after, changed in _writer_steps(state, place, writer, rules):
            writers = (*state.writers[:place], after, *state.writers[place + 1 :])
            yield f"writer {place}: {writer.step.value}", changed._replace(writers=writers)


# ---- the compactor ------------------------------------------------------------------------------


def _compactions(state: State) -> Iterator[tuple[str, State]]:
    for number in range(state.checkpoint + 1, len(state.history) + 1):
        yield f"checkpoint {number}", state._replace(checkpoint=number)
    current = bucket_after(state.history, state.checkpoint)
    for bucket in state.buckets:
        numbers = [segment.number for segment in bucket.segments]
        if not bucket.in_log:
            rest = bucket._replace(segments=frozenset())
            yield f"empty {bucket.name}", _replaced(state, bucket, rest if numbers else None)
        elif bucket.name != current and numbers and max(numbers) <= state.checkpoint:
            yield f"retire {bucket.name}", _replaced(state, bucket, bucket._replace(in_log=False))


def _replaced(state: State, old: Bucket | None, new: Bucket | None) -> State:
    rest = state.buckets - ({old} if old is not None else set())
    return state._replace(buckets=rest | ({new} if new is not None else set()))


# ---- a writer -----------------------------------------------------------------------------------


def _writer_steps(
    state: State, place: int, writer: Writer, rules: frozenset[Rule]
) -> Iterator[tuple[Writer, State]]:
    stands = standing(state, writer.bucket) is not None or Rule.LOOK_AFTER not in rules
    number = writer.number + 1
    match writer.step:
        case Step.LOOK:
            yield _walked(state, writer, Step.FIND, rules)
        case Step.FIND:
            bucket = _resolved(state, writer)
            segments = bucket.segments if bucket is not None else frozenset[Segment]()
            found = next((s for s in segments if s.number == number), None)
            yield writer._replace(step=Step.BELIEVE, found=found, resolved=None), state
        case Step.BELIEVE:
            yield from ((after, state) for after in _believing(state, writer, stands=stands))
        case Step.CLOSE:
            yield _closing(state, place, writer, rules)
        case Step.LINK:
            yield _walked(state, writer, Step.PUT, rules)
        case Step.PUT:
            yield _put(state, place, writer, rules)
        case Step.ACKNOWLEDGE:
            yield _answered(state, writer, stands=stands), state
        case Step.REST:
            pass


def _believing(state: State, writer: Writer, *, stands: bool) -> Iterator[Writer]:
    if not stands:
        yield _reloaded(state, writer)
    elif writer.found is not None:
        yield _applied(state, writer, writer.found)
    else:
        yield writer._replace(step=Step.LINK)
        yield writer._replace(step=Step.CLOSE)


def _walked(
    state: State, writer: Writer, next_step: Step, rules: frozenset[Rule]
) -> tuple[Writer, State]:
    here = standing(state, writer.bucket)
    if here is not None:
        return writer._replace(step=next_step, resolved=(here.name, here.incarnation)), state
    dropped = _dropped(state, writer, rules)
    return _reloaded(state, writer), dropped


def _resolved(state: State, writer: Writer) -> Bucket | None:
    """What was found by the first half of a walk, wherever it is now."""
    held = writer.resolved
    return next((b for b in state.buckets if (b.name, b.incarnation) == held), None)


def _reloaded(state: State, writer: Writer) -> Writer:
    """A writer that knows what the newest checkpoint says."""
    number = state.checkpoint
    return writer._replace(
        step=Step.LOOK if writer.commits_left else Step.REST,
        number=number,
        last=state.history[number - 1] if number else None,
        bucket=bucket_after(state.history, number),
        resolved=None,
        found=None,
        next_bucket=None,
    )


def _applied(state: State, writer: Writer, segment: Segment) -> Writer:
    if state.history[writer.number : segment.number] != (segment,):
        raise Violation("a process applies what is not in the history")
    return writer._replace(
        step=Step.LOOK if writer.commits_left else Step.REST,
        number=segment.number,
        last=segment,
        bucket=segment.next_bucket or writer.bucket,
        found=None,
        next_bucket=None,
    )


def _closing(
    state: State, place: int, writer: Writer, rules: frozenset[Rule]
) -> tuple[Writer, State]:
    first = writer.number + 2
    name = f"{first}-{place}" if Rule.RANDOM_NAMES in rules else f"{first}"
    if standing(state, name) is None:
        incarnation = sum(bucket.name == name for bucket in state.buckets)
        state = _replaced(state, None, Bucket(name, incarnation, True, frozenset()))
    return writer._replace(step=Step.LINK, next_bucket=name), state


def _put(state: State, place: int, writer: Writer, rules: frozenset[Rule]) -> tuple[Writer, State]:
    number = writer.number + 1
    bucket = _resolved(state, writer)
    if bucket is None or any(segment.number == number for segment in bucket.segments):
        again = writer._replace(step=Step.LOOK, resolved=None, next_bucket=None)
        return again, _dropped(state, writer, rules)
    segment = Segment(number, place, writer.next_bucket)
    linked = bucket._replace(segments=bucket.segments | {segment})
    after = _replaced(state, bucket, linked)
    if bucket.in_log:
        if writer.last != (state.history[-1] if state.history else None):
            raise Violation("a number is taken twice")
        after = after._replace(history=(*state.history, segment))
    return writer._replace(step=Step.ACKNOWLEDGE, found=segment, resolved=None), after


def _answered(state: State, writer: Writer, *, stands: bool) -> Writer:
    spent = writer._replace(commits_left=writer.commits_left - 1)
    if not stands:
        return _reloaded(state, spent)
    assert writer.found is not None
    if state.history[writer.number : writer.number + 1] != (writer.found,):
        raise Violation("a segment is acknowledged that is not in the history")
    return _applied(state, spent, writer.found)


def _dropped(state: State, writer: Writer, rules: frozenset[Rule]) -> State:
    """Without the bucket that the writer made for nothing; one with a shared name must stay."""
    name = writer.next_bucket if Rule.RANDOM_NAMES in rules else None
    own = None if name is None else standing(state, name)
    return state if own is None or own.segments else _replaced(state, own, None)
