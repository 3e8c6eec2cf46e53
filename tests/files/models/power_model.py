"""A model of power cuts: what was not synced may be lost, any part of it, at any moment.

Each directory has the names that it shows and the names that a cut is sure to leave. A process
links segments, each of which may close its bucket, and marks each once it is synced, so that others
need not sync it; it answers readers; a compactor makes checkpoints and retires buckets. After every
step the power may be cut, and whatever part of the unsynced is left, whoever opens then must find
everything that anybody was shown or told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import combinations, product
from typing import Final, NamedTuple

from tests.files.models.log_model import FIRST, Segment, Violation, bucket_after


class Rule(Enum):
    """What is synced, and when; a model may leave one out."""

    VIEW = "R4: a view's new segments, before it is used"
    NEXT_BUCKET = "the next bucket, before the segment that names it"
    TOLD = "a segment, before it is marked, which tells that it was"
    ACKNOWLEDGED = "a segment, before it is acknowledged"
    CHECKPOINT = "a checkpoint, before anything is removed on its word"


ALL: Final = frozenset(Rule)


class Names(NamedTuple):
    """A directory's names: those that it shows, and those that are sure to stay."""

    shown: frozenset[object]
    durable: frozenset[object]

    def add(self, name: object) -> Names:
        return self._replace(shown=self.shown | {name})

    def remove(self, name: object) -> Names:
        return self._replace(shown=self.shown - {name})

    def synced(self) -> Names:
        return Names(self.shown, self.shown)

    def left(self) -> Iterator[frozenset[object]]:
        """Everything that a cut may leave."""
        doubtful = sorted(self.shown ^ self.durable, key=str)
        for count in range(len(doubtful) + 1):
            for kept in combinations(doubtful, count):
                yield (self.shown & self.durable) | frozenset(kept)


NOTHING: Final = Names(frozenset(), frozenset())


class Process(NamedTuple):
    """A process: the number it knows, up to which it has synced, and a segment on its way."""

    step: str
    number: int
    synced: int
    segment: Segment | None
    commits_left: int


class State(NamedTuple):
    log: Names
    buckets: frozenset[tuple[str, Names]]
    checkpoints: Names
    history: tuple[Segment, ...]
    marked: frozenset[int]
    told: int
    processes: tuple[Process, ...]
    compactor: tuple[str, int, str | None]


def beginning(processes: int, commits: int, compactions: int) -> State:
    first = Names(frozenset({FIRST}), frozenset({FIRST}))
    fresh = Process("look", 0, 0, None, commits)
    buckets = frozenset({(FIRST, NOTHING)})
    return State(
        first,
        buckets,
        NOTHING,
        (),
        frozenset(),
        0,
        (fresh,) * processes,
        ("rest", compactions, None),
    )


def check(state: State) -> None:
    """Fails if some cut here would take back what was told, or leave what cannot be read."""
    buckets = dict(state.buckets)
    for log, checkpoints in product(state.log.left(), state.checkpoints.left()):
        names = sorted(map(str, log))
        for contents in product(*(buckets[name].left() for name in names)):
            _open(state, dict(zip(names, contents, strict=True)), checkpoints)


def _open(
    state: State, buckets: dict[str, frozenset[object]], checkpoints: frozenset[object]
) -> None:
    """Opens from each of the newest two checkpoints, since the newest may be damaged."""
    newest = sorted(int(str(number)) for number in checkpoints)[-2:]
    for start in newest if len(newest) == 2 else [0, *newest]:
        number = start
        while True:
            bucket = bucket_after(state.history, number)
            if bucket not in buckets:
                raise Violation("a bucket is lost")
            numbers = {s.number for s in buckets[bucket] if isinstance(s, Segment)}
            if number + 1 not in numbers:
                break
            number += 1
        if any(later > number for later in numbers):
            raise Violation("a segment in the middle is lost")
        if number < max([state.told, *newest]):
            raise Violation("what was told is lost")


def successors(state: State, rules: frozenset[Rule] = ALL) -> Iterator[tuple[str, State]]:
    """Everything that may happen next."""
    for place, process in enumerate(state.processes):
        for step, after, changed in _process_steps(state, place, process, rules):
            processes = (*state.processes[:place], after, *state.processes[place + 1 :])
            yield f"process {place}: {step}", changed._replace(processes=processes)
    yield from _compactor_steps(state, rules)


# ---- processes ----------------------------------------------------------------------------------

Stepped = tuple[str, Process, State]


def _process_steps(
    state: State, place: int, process: Process, rules: frozenset[Rule]
) -> Iterable[Stepped]:
    match process.step:
        case "look":
            return _look(state, place, process, rules)
        case "make bucket":
            return _make_bucket(state, process, rules)
        case "sync log":
            synced = state._replace(log=state.log.synced())
            return [("sync the log", process._replace(step="link"), synced)]
        case "link":
            return _link(state, process, rules)
        case "sync bucket":
            return _sync_bucket(state, process)
        case "mark":
            return _mark(state, process)
        case _:
            return _acknowledge(state, process)


def _look(state: State, place: int, process: Process, rules: frozenset[Rule]) -> Iterator[Stepped]:
    bucket = bucket_after(state.history, process.number)
    if bucket not in state.log.shown:
        newest = max((int(str(number)) for number in state.checkpoints.shown), default=0)
        yield "load a checkpoint", process._replace(number=newest, synced=newest), state
    elif process.number < len(state.history):
        yield "apply a segment", process._replace(number=process.number + 1), state
    elif process.synced < process.number and Rule.VIEW in rules:
        suppliers = {
            bucket_after(state.history, number) for number in range(process.synced, process.number)
        }
        # The last number that each of them supplied tells of all before it there.
        lasts = {bucket_after(state.history, n - 1): n for n in range(1, process.number + 1)}
        doubtful = {bucket for bucket in suppliers if lasts[bucket] not in state.marked}
        yield "sync its view", process._replace(synced=process.number), _synced(state, doubtful)
    else:
        if state.told < process.number:
            yield "show its view", process, state._replace(told=process.number)
        if process.commits_left:
            number = process.number + 1
            yield (
                "begin",
                process._replace(step="link", segment=Segment(number, place, None)),
                state,
            )
            closing = Segment(number, place, f"{number + 1}-{place}")
            yield "begin to close", process._replace(step="make bucket", segment=closing), state


def _make_bucket(state: State, process: Process, rules: frozenset[Rule]) -> Iterator[Stepped]:
    name = _next_bucket(process)
    made = state._replace(log=state.log.add(name), buckets=state.buckets | {(name, NOTHING)})
    step = "sync log" if Rule.NEXT_BUCKET in rules else "link"
    yield "make a bucket", process._replace(step=step), made


def _link(state: State, process: Process, rules: frozenset[Rule]) -> Iterator[Stepped]:
    segment = process.segment
    assert segment is not None
    bucket = bucket_after(state.history, process.number)
    if bucket not in state.log.shown or process.number < len(state.history):
        dropped = state
        if segment.next_bucket is not None:
            dropped = state._replace(log=state.log.remove(segment.next_bucket))
        yield "lose the race", process._replace(step="look", segment=None), dropped
        return
    linked = _changed(state, bucket, dict(state.buckets)[bucket].add(segment))
    step = "sync bucket" if Rule.ACKNOWLEDGED in rules else "acknowledge"
    linked = linked._replace(history=(*state.history, segment))
    if Rule.TOLD not in rules:
        linked = linked._replace(marked=state.marked | {segment.number})
    yield "link", process._replace(step=step), linked


def _sync_bucket(state: State, process: Process) -> Iterator[Stepped]:
    bucket = bucket_after(state.history, process.number)
    yield "sync", process._replace(step="mark"), _synced(state, {bucket})


def _mark(state: State, process: Process) -> Iterator[Stepped]:
    marked = state.marked | {process.number + 1}
    yield "mark", process._replace(step="acknowledge"), state._replace(marked=marked)


def _acknowledge(state: State, process: Process) -> Iterator[Stepped]:
    number = process.number + 1
    bucket = bucket_after(state.history, process.number)
    rest = process._replace(step="look", segment=None, commits_left=process.commits_left - 1)
    if bucket in state.log.shown:
        told = state._replace(told=max(state.told, number))
        yield "acknowledge", rest._replace(number=number, synced=number), told
    else:
        yield "answer that it is unknown", rest, state


def _next_bucket(process: Process) -> str:
    assert process.segment is not None
    assert process.segment.next_bucket is not None
    return process.segment.next_bucket


# ---- the compactor ------------------------------------------------------------------------------


def _compactor_steps(state: State, rules: frozenset[Rule]) -> Iterator[tuple[str, State]]:
    step, left, bucket = state.compactor
    checkpoints = state.checkpoints
    match step:
        case "rest" if left:
            yield from _checkpoints(state, rules)
        case "sync":
            yield "sync checkpoints", _go(state, "drop", checkpoints=checkpoints.synced())
        case "drop":
            kept = frozenset(sorted(checkpoints.shown, key=str)[-2:])
            dropped = checkpoints._replace(shown=kept)
            yield "drop old checkpoints", _go(state, "sync again", checkpoints=dropped)
        case "sync again":
            synced = checkpoints.synced() if Rule.CHECKPOINT in rules else checkpoints
            yield "sync checkpoints again", _go(state, "retire", checkpoints=synced)
        case "retire":
            yield from _retirements(state)
        case "sync log":
            yield "sync the log", _go(state, "remove", bucket, log=state.log.synced())
        case "remove":
            assert bucket is not None
            names = dict(state.buckets)[bucket]
            for segment in names.shown:
                removed = _changed(state, bucket, names.remove(segment))
                yield f"remove a segment of {bucket}", removed
            if not names.shown:
                yield f"remove {bucket}", _go(state, "retire")
        case _:
            pass


def _checkpoints(state: State, rules: frozenset[Rule]) -> Iterator[tuple[str, State]]:
    _, left, _ = state.compactor
    newest = max((int(str(number)) for number in state.checkpoints.shown), default=0)
    for number in range(newest + 1, len(state.history) + 1):
        suppliers = {bucket_after(state.history, before) for before in range(number)}
        synced = _synced(state, suppliers) if Rule.VIEW in rules else state
        made = state.checkpoints.add(number)
        step = "sync" if Rule.CHECKPOINT in rules else "drop"
        after = synced._replace(checkpoints=made, compactor=(step, left - 1, None))
        yield f"make checkpoint {number}", after


def _retirements(state: State) -> Iterator[tuple[str, State]]:
    numbers = sorted(int(str(number)) for number in state.checkpoints.shown)
    yield "have done", _go(state, "rest")
    if len(numbers) < 2:
        return
    older = numbers[-2]
    for name, names in state.buckets:
        held = [segment.number for segment in names.shown if isinstance(segment, Segment)]
        covered = held and max(held) <= older and name != bucket_after(state.history, older)
        if covered and name in state.log.shown:
            yield f"retire {name}", _go(state, "sync log", name, log=state.log.remove(name))


def _go(
    state: State,
    step: str,
    bucket: str | None = None,
    *,
    log: Names | None = None,
    checkpoints: Names | None = None,
) -> State:
    return state._replace(
        log=state.log if log is None else log,
        checkpoints=state.checkpoints if checkpoints is None else checkpoints,
        compactor=(step, state.compactor[1], bucket),
    )


def _changed(state: State, bucket: str, names: Names) -> State:
    rest = {entry for entry in state.buckets if entry[0] != bucket}
    return state._replace(buckets=frozenset(rest | {(bucket, names)}))


def _synced(state: State, buckets: Iterable[str]) -> State:
    for bucket in buckets:
        if bucket in state.log.shown:
            state = _changed(state, bucket, dict(state.buckets)[bucket].synced())
    return state
