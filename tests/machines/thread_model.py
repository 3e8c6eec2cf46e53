"""A model of threads: what the service must answer and show, in the plainest words."""

from __future__ import annotations

from attrs import define, field


@define
class Line:
    """A message. `text` is None once it is redacted."""

    id: str
    kind: str
    state: str
    text: str | None
    actor: str | None = None
    version: int | None = None
    submitted: tuple[str, str] | None = None


@define
class Recap:
    """A summary that replaces; `request` is how it was asked for."""

    start: int
    end: int
    request: str


@define
class Transcript:
    """A thread: `base` is how many of its lines are those of another, the very same objects."""

    name: str
    lines: list[Line] = field(factory=list)
    base: int = 0
    archived: bool = False
    deleted: bool = False
    title: str | None = None
    titled: bool = False
    goal: int = 0
    recaps: list[Recap] = field(factory=list)
    asked: dict[str, tuple[int, int]] = field(factory=dict)

    def find(self, id: str) -> Line | None:
        """A message of its own."""
        for line in self.lines[self.base :]:
            if line.id == id:
                return line
        return None

    def shows(self, line: Line) -> int | None:
        """The number under which it shows a message; None where it does not."""
        for number, own in enumerate(self.lines, start=1):
            if own is line:
                return number
        return None

    def visible(self) -> list[str]:
        """What a window of all of it has."""
        seen: list[str] = []
        number = 1
        while number <= len(self.lines):
            recap = next((each for each in self.recaps if each.start == number), None)
            if recap is not None:
                seen.append(f"{recap.start}-{recap.end}")
                number = recap.end + 1
                continue
            line = self.lines[number - 1]
            if line.state in ("accepted", "submitted", "finalized"):
                seen.append(line.text or "")
            number += 1
        return seen


@define
class Library:
    """All threads of one owner, which share events and, by forks, messages.

    Methods answer a code where the service must refuse, else what it must tell.
    """

    threads: dict[str, Transcript] = field(factory=dict)
    claims: dict[str, tuple[str, str | None, str | None]] = field(factory=dict)
    roots: dict[str, str] = field(factory=dict)
    redactions: dict[str, int] = field(factory=dict)

    def gate(self, name: str) -> Transcript | str:
        thread = self.threads.get(name)
        if thread is None:
            return "thread_not_found"
        return "thread_deleted" if thread.deleted else thread

    def ensure(self, name: str) -> str:
        if name in self.threads:
            return "thread_deleted" if self.threads[name].deleted else "found"
        self.threads[name] = Transcript(name)
        self.roots[name] = name
        return "made"

    def accept(self, name: str, event: str, id: str, text: str, actor: str) -> str | int:
        claim = self.claims.get(event)
        if claim is not None and claim[0] != name:
            return "event_thread_mismatch"
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        if claim is not None:
            if claim[1] != actor:
                return "event_actor_mismatch"
            if claim[2] not in (None, text):
                return "event_payload_mismatch"
            line = thread.find(id)
            assert line is not None
            return thread.lines.index(line) + 1
        if thread.archived:
            return "thread_archived"
        self.claims[event] = (name, actor, text)
        thread.lines.append(Line(id, "user", "accepted", text, actor))
        if not thread.titled:
            thread.titled, thread.title = True, text
        return len(thread.lines)

    def submit(self, name: str, id: str, run: str) -> str:
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        line = thread.find(id)
        if line is None:
            return "message_not_found"
        match line.state:
            case "accepted":
                line.state, line.submitted = "submitted", (run, run)
                return "submitted"
            case "submitted":
                return "submitted" if line.submitted == (run, run) else "already_submitted"
            case "redacted":
                return "message_redacted"
            case _:
                return "message_state"

    def open(self, name: str, id: str) -> str:
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        line = thread.find(id)
        if line is None:
            line = Line(id, "assistant", "draft", None, version=0)
            thread.lines.append(line)
        return line.state

    def update(self, name: str, id: str, version: int, text: str) -> str:
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        line = thread.find(id)
        if line is None:
            return "message_not_found"
        if line.state != "draft":
            return _ended(line)
        assert line.version is not None
        if version > line.version:
            line.version, line.text = version, text
        elif version == line.version and text != line.text:
            return "draft_conflict"
        return "draft"

    def finalize(self, name: str, id: str, text: str) -> str:
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        line = thread.find(id)
        if line is None:
            thread.lines.append(Line(id, "assistant", "finalized", text))
            return "finalized"
        if line.state == "draft":
            line.state, line.text = "finalized", text
            return "finalized"
        if line.state == "finalized" and line.text == text:
            return "finalized"
        return _ended(line)

    def redact(self, name: str, id: str) -> str:
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        line = next((each for each in reversed(thread.lines) if each.id == id), None)
        if line is None:
            return "message_not_found"
        if line.state == "redacted":
            return "redacted"
        line.state, line.text, line.actor = "redacted", None, None
        for event, (owner, actor, _) in self.claims.items():
            home = self.threads[owner]
            if any(each is line for each in home.lines) and event in id:
                self.claims[event] = (owner, actor, None)
        for other in self.threads.values():
            number = other.shows(line)
            if other.deleted or number is None:
                continue
            if self._first_of(other) is line:
                other.title = None
            other.recaps = [each for each in other.recaps if not each.start <= number <= each.end]
            other.asked = {
                request: (start, end)
                for request, (start, end) in other.asked.items()
                if not start <= number <= end
            }
        root = self.roots[name]
        self.redactions[root] = self.redactions.get(root, 0) + 1
        return "redacted"

    def summarise(self, name: str, start: int, end: int, request: str) -> str:
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        if request in thread.asked:
            return "summarised" if thread.asked[request] == (start, end) else "request_id_reused"
        if end > len(thread.lines):
            return "summary_range"
        if any(line.state == "draft" for line in thread.lines[start - 1 : end]):
            return "range_unsettled"
        if any(each.start <= end and start <= each.end for each in thread.recaps):
            return "summary_overlap"
        thread.recaps.append(Recap(start, end, request))
        thread.asked[request] = (start, end)
        return "summarised"

    def fork(self, name: str, to: str, through: int) -> str:
        thread = self.gate(name)
        if isinstance(thread, str):
            return thread
        if to in self.threads:
            standing = self.threads[to]
            same = (
                not standing.deleted
                and standing.base == through > 0
                and standing.lines[:through] == thread.lines[:through]
                and all(
                    one is other
                    for one, other in zip(standing.lines[:through], thread.lines, strict=False)
                )
            )
            return "found" if same and to != name else "thread_exists"
        if not 1 <= through <= len(thread.lines):
            return "fork_range"
        if any(line.state == "draft" for line in thread.lines[:through]):
            return "range_unsettled"
        self.threads[to] = Transcript(to, thread.lines[:through], through)
        self.roots[to] = self.roots[name]
        return "made"

    def delete(self, name: str) -> str:
        thread = self.threads.get(name)
        if thread is None:
            return "thread_not_found"
        thread.deleted = True
        return "deleted"

    def _first_of(self, thread: Transcript) -> Line | None:
        own = (line for line in thread.lines[thread.base :] if line.kind == "user")
        return next(own, None)


def _ended(line: Line) -> str:
    return {
        "finalized": "message_finalized",
        "interrupted": "message_interrupted",
        "redacted": "message_redacted",
    }.get(line.state, "message_state")
