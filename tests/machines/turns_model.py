"""A model of turns: what the service must answer and tell, in the plainest words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

LEASE: Final = timedelta(seconds=90)
GRACE: Final = timedelta(seconds=60)
LOST_MAX: Final = 2
RETURNED_MAX: Final = 1
ENDS: Final = 8
RETRIES: Final = 8
ASKED: Final = timedelta(seconds=60)
BUSY: Final = "thread_busy"
TENANT_MAX: Final = 2
LANE_MAX: Final = {"ada": None, "bob": 1}

FINAL: Final = ("completed", "failed", "cancelled")
JOINS: Final = {"join0": "spawn0", "join1": "spawn1"}
GATES: Final = ("gate", "ask", *JOINS)
DISPOSITIONS: Final = {"approved": "granted", "denied": "denied", "discarded": "withdrawn"}


@define
class Holding:
    """A claim that a worker was given; it is kept for ever, for workers forget nothing."""

    run: str
    thread: str
    number: int
    ended: str | None = None
    answer: str = ""


@define
class Mark:
    """A request that was answered: what was asked, the answer, and the run that it began."""

    asked: object
    answer: str
    began: str | None = None


@define
class Journal:
    """What is known of the calls of a run, and of those that repeat it.

    Attributes:
        withdrawn: How often an approval was withdrawn because its run ended.
    """

    steps: dict[str, str] = field(factory=dict)
    begun_by: dict[str, int] = field(factory=dict)
    children: dict[str, str] = field(factory=dict)
    withdrawn: int = 0


@define
class ModelRun:
    """One run. `events` is what must have been told of it."""

    user: str
    thread: str
    journaled: bool
    status: str = "queued"
    due_at: datetime | None = None
    until: datetime | None = None
    cancel_by: datetime | None = None
    started: bool = False
    lost: int = 0
    returned: int = 0
    journal: Journal = field(factory=Journal)
    settled_by: dict[str, list[str]] = field(factory=dict)
    remembered: list[int] | None = None
    left_open: list[str] | None = None
    waits_at: str | None = None
    waits_until: datetime | None = None
    fatal: str | None = None
    parent: str | None = None
    retries: list[str] = field(factory=list)
    marks: dict[str, Mark] = field(factory=dict)
    events: list[str] = field(factory=lambda: ["run.submitted"])

    @property
    def held(self) -> bool:
        return self.status in ("running", "cancel_requested")

    @property
    def steps(self) -> dict[str, str]:
        return self.journal.steps

    @property
    def open(self) -> list[str]:
        if self.left_open is not None:
            return self.left_open
        return [name for name, state in self.steps.items() if state in ("intended", "uncertain")]


@define
class Model:
    """All threads of two users, and whatever was claimed."""

    runs: dict[str, ModelRun] = field(factory=dict)
    active: dict[str, str] = field(factory=dict)
    claims: list[Holding] = field(factory=list)
    ends: dict[str, list[int]] = field(factory=dict)

    # ---- counts ---------------------------------------------------------------------------------

    def running(self, user: str | None = None) -> int:
        return sum(run.held for run in self.runs.values() if user in (None, run.user))

    def has_room(self, user: str) -> bool:
        most = LANE_MAX[user]
        if most is not None and self.running(user) >= most:
            return False
        return self.running() < TENANT_MAX

    def may_be_claimed(self, id: str, now: datetime) -> bool:
        run = self.runs[id]
        due = run.due_at is not None and run.due_at <= now
        if run.status != "queued" or self.is_orphan(id):
            return False
        return due and self.has_room(run.user)

    def is_orphan(self, id: str) -> bool:
        """Whether it has not ended, and the run that spawned it was called off."""
        run = self.runs[id]
        if run.parent is None or run.status in (*FINAL, "cancel_requested"):
            return False
        return self.runs[run.parent].status in ("cancelled", "cancel_requested")

    # ---- submit and claim -----------------------------------------------------------------------

    def submit(self, id: str, run: ModelRun, now: datetime) -> str:
        if id in self.runs:
            return self.runs[id].status
        if run.thread in self.active:
            return "thread_busy"
        run.due_at = now
        self.runs[id] = run
        self.active[run.thread] = id
        return "queued"

    def claim(self, id: str, now: datetime) -> Holding:
        assert self.may_be_claimed(id, now), "it was not to be given to anybody"
        run = self.runs[id]
        run.status, run.due_at, run.started = "running", None, False
        run.until = now + LEASE
        run.events.append("run.claimed")
        holding = Holding(run=id, thread=run.thread, number=len(self.claims))
        self.claims.append(holding)
        return holding

    # ---- under a claim --------------------------------------------------------------------------

    def remembers(self, claim: Holding) -> bool:
        """Whether it is still known how a claim ended: a thread keeps the last eight ends."""
        kept = self.runs[claim.run].remembered
        known = self.ends.get(claim.thread, []) if kept is None else kept
        return claim.number in known[-ENDS:]

    def refusal(self, claim: Holding, now: datetime) -> str | None:
        """What a worker is told before its state is looked at."""
        if claim.ended is not None:
            return "claim_ended" if self.remembers(claim) else "lease_lost"
        run = self.runs[claim.run]
        assert run.until is not None
        return "lease_expired" if run.until <= now else None

    def heartbeat(self, claim: Holding, now: datetime) -> str:
        refused = self.refusal(claim, now)
        if refused:
            return refused
        run = self.runs[claim.run]
        assert run.until is not None
        until = now + LEASE if run.cancel_by is None else min(now + LEASE, run.cancel_by)
        run.until = max(run.until, until)
        return "beats"

    def start(self, claim: Holding, now: datetime) -> str:
        refused = self.refusal(claim, now)
        if refused:
            return refused
        run = self.runs[claim.run]
        if run.journaled or run.started:
            return run.status
        if run.status != "running":
            return "wrong_state"
        run.started = True
        return run.status

    def intend(self, claim: Holding, step: str, now: datetime) -> str:
        refused = self.refusal(claim, now)
        if refused:
            return refused
        run = self.runs[claim.run]
        if run.status != "running":
            return "wrong_state"
        state = run.steps.get(step)
        if state is None or state == "redo":
            run.steps[step], run.journal.begun_by[step] = "intended", claim.number
        return run.steps[step]

    def decline(self, claim: Holding, step: str, now: datetime) -> str:
        refused = self.refusal(claim, now)
        if refused:
            return refused
        run = self.runs[claim.run]
        if run.steps.get(step, "redo") == "redo":
            run.steps[step] = "not_done"
            run.events.append("run.effect_settled")
        return run.steps[step]

    def spawn(self, claim: Holding, slot: str, thread: str, now: datetime) -> str:
        refused = self.refusal(claim, now)
        if refused:
            return refused
        run = self.runs[claim.run]
        if run.status != "running":
            return "wrong_state"
        state = run.steps.get(slot, "redo")
        if state == "done":
            return self.runs[run.journal.children[slot]].status
        if state == "not_done" or thread in self.active:
            return BUSY
        name = f"{claim.run}>{slot}"
        self.runs[name] = ModelRun(
            user=run.user, thread=thread, journaled=run.journaled, due_at=now, parent=claim.run
        )
        self.active[thread], run.journal.children[slot] = name, name
        run.steps[slot] = "done"
        run.events.append("run.effect_settled")
        return "queued"

    def settle(self, claim: Holding, step: str, outcome: str, now: datetime) -> str:
        refused = self.refusal(claim, now)
        run = self.runs[claim.run]
        if refused:
            self._late_report(run, claim, step, outcome)
            return refused
        if run.steps.get(step) != "intended":
            # A repeat answers what is stored; a `once` step is never settled without an intent.
            return run.steps.get(step, "replay_diverged")
        run.steps[step] = outcome
        told = "run.effect_uncertain" if outcome == "uncertain" else "run.effect_settled"
        run.events.append(told)
        return outcome

    def _late_report(self, run: ModelRun, claim: Holding, step: str, outcome: str) -> None:
        """Evidence, which also notes that the step is in doubt, where nobody has noted it yet."""
        own = run.journal.begun_by.get(step) == claim.number
        if own and run.steps.get(step) == "intended" and outcome != "uncertain":
            run.steps[step] = "uncertain"
            run.events.append("run.effect_uncertain")

    def end(self, claim: Holding, how: str, now: datetime) -> str:
        if claim.ended == how and self.remembers(claim):
            return claim.answer
        refused = self.refusal(claim, now)
        if refused:
            return refused
        run = self.runs[claim.run]
        if run.status == "cancel_requested":
            status = "cancelled"
        elif how in GATES and how in run.steps:
            return run.steps[how]
        elif how in JOINS and self.runs[run.journal.children[JOINS[how]]].status in FINAL:
            run.steps[how] = "granted"
            run.events.append("run.effect_settled")
            return "granted"
        elif (how == "complete" or how in GATES) and run.open:
            return "effects_open"
        else:
            status = self._status_after(run, how)
        self._leave(claim, how, status, now)
        return status

    def wait(self, claim: Holding, gate: str, until: datetime | None, now: datetime) -> str:
        """Waits at a gate, an approval's for as long as that may be decided."""
        waiting = self.runs[claim.run].status == "blocked"
        answer = self.end(claim, gate, now)
        if answer == "blocked" and not waiting:
            run = self.runs[claim.run]
            run.waits_at, run.waits_until = gate, now + ASKED if gate == "ask" else until
        return answer

    def _status_after(self, run: ModelRun, how: str) -> str:
        if how == "complete":
            return "completed"
        if how in GATES:
            return "blocked"
        run.returned += how == "drain"
        run.lost += how in ("error", "expiry")
        if run.open or (run.started and not run.journaled):
            return "needs_operator"
        if how.startswith("fail") or run.returned > RETURNED_MAX or run.lost > LOST_MAX:
            return "failed"
        return "queued"

    def _leave(self, claim: Holding, how: str, status: str, now: datetime) -> None:
        run = self.runs[claim.run]
        claim.ended, claim.answer = how, status
        self.ends.setdefault(run.thread, []).append(claim.number)
        run.events.append(_told(status))
        self._doubt(run)
        run.status, run.until, run.cancel_by = status, None, None
        if status == "queued":
            run.due_at = now  # or later, as the service says
        if status in FINAL:
            run.fatal = how.removeprefix("fail ") if how.startswith("fail ") else None
            self._end(run, now)

    def _doubt(self, run: ModelRun) -> None:
        for name, state in run.steps.items():
            if state == "intended":
                run.steps[name] = "uncertain"
                run.events.append("run.effect_uncertain")

    def _end(self, run: ModelRun, now: datetime) -> None:
        ended = self.active.pop(run.thread)
        run.remembered = list(self.ends.get(run.thread, []))
        run.left_open = run.open
        if run.parent is None:
            return
        # Whoever stands in the parent's place by now: itself, or a run that repeats it.
        waiting = self.runs.get(self.active.get(self.runs[run.parent].thread, ""))
        if waiting is None or waiting.status != "blocked" or waiting.waits_at not in JOINS:
            return
        if waiting.journal.children[JOINS[waiting.waits_at]] == ended:
            self._resumed(waiting, "granted", now)

    # ---- from outside ---------------------------------------------------------------------------

    def cancel(self, id: str, request: str, now: datetime) -> str:
        run = self.runs[id]
        marked = run.marks.get(request)
        if marked is not None:
            return marked.answer if marked.asked == "cancel" else "request_id_reused"
        if run.status in FINAL or run.status == "cancel_requested":
            return run.status
        self.call_off(id, now)
        run.marks[request] = Mark("cancel", run.status)
        return run.status

    def call_off(self, id: str, now: datetime) -> None:
        run = self.runs[id]
        if run.status == "running":
            run.status, run.cancel_by = "cancel_requested", now + GRACE
            run.events.append("run.cancel_requested")
            return
        if run.status == "blocked" and run.waits_at == "ask":
            run.journal.withdrawn += 1
        run.status, run.due_at, run.waits_until = "cancelled", None, None
        run.events.append("run.cancelled")
        self._end(run, now)

    def resume(self, id: str, disposition: str, request: str, now: datetime) -> str:
        run = self.runs[id]
        marked = run.marks.get(request)
        if marked is not None:
            return marked.answer if marked.asked == ("resume", disposition) else "request_id_reused"
        if run.status != "blocked" or run.waits_at != "gate":
            return "wrong_state"
        elapsed = run.waits_until is not None and run.waits_until <= now
        self._resumed(run, "elapsed" if elapsed else disposition, now)
        run.marks[request] = Mark(("resume", disposition), "queued")
        return "queued"

    def decide(self, id: str, verdict: str, now: datetime) -> str:
        """An approval that a run waits for is approved, denied or discarded, if there is time."""
        run = self.runs[id]
        assert run.waits_until is not None
        if run.waits_until <= now:
            self._resumed(run, "elapsed", now)
            return "stale_gate"
        self._resumed(run, DISPOSITIONS[verdict], now)
        return verdict

    def _resumed(self, run: ModelRun, disposition: str, now: datetime) -> None:
        run.status, run.due_at, run.waits_until = "queued", now, None
        run.lost = run.returned = 0
        assert run.waits_at is not None
        run.steps[run.waits_at] = disposition
        run.events.append("run.resumed")

    def to_settle(self, id: str, request: str) -> list[str]:
        """What a retry has to settle; a repeated one, what it settled."""
        run = self.runs[id]
        known = run.settled_by.get(request)
        if known is not None:
            return known
        return self.runs[run.retries[-1]].open if run.retries else run.open

    def retry(self, id: str, found: str, request: str, now: datetime) -> str:
        run = self.runs[id]
        settles = self.to_settle(id, request)
        asked = ("retry", *settles, *([found] if settles else []))
        marked = run.marks.get(request)
        if marked is not None and marked.asked != asked:
            return "request_id_reused"
        if run.status == "failed":
            return self._again(id, found, request, asked, now)
        if marked is not None:
            return marked.answer
        if run.status != "needs_operator":
            return "wrong_state"
        run.settled_by[request] = settles
        self._settle_all(run, settles, found)
        run.status, run.due_at, run.lost, run.returned = "queued", now, 0, 0
        run.events.append("run.requeued")
        run.marks[request] = Mark(asked, "queued")
        return "queued"

    def _again(self, id: str, found: str, request: str, asked: object, now: datetime) -> str:
        """The one run that does a failed one again, and has not been called off."""
        run = self.runs[id]
        marked = run.marks.get(request)
        if marked is not None:
            return self.runs[marked.began or id].status
        last = self.runs[run.retries[-1]] if run.retries else None
        full = len(run.retries) == RETRIES
        if last is not None and (last.status != "cancelled" or full):
            return last.status
        if run.thread in self.active:
            return BUSY
        name = f"{id}/{len(run.retries)}"
        new = ModelRun(
            user=run.user,
            thread=run.thread,
            journaled=run.journaled,
            due_at=now,
            journal=run.journal,
        )
        run.settled_by[request] = settles = self.to_settle(id, request)
        self._settle_all(new, settles, found)
        if run.fatal is not None and run.steps.get(run.fatal) == "not_done":
            run.steps[run.fatal] = "redo"
        self.runs[name], self.active[run.thread] = new, name
        run.retries.append(name)
        run.marks[request] = Mark(asked, "queued", began=name)
        return "queued"

    def _settle_all(self, run: ModelRun, steps: list[str], found: str) -> None:
        for name in steps:
            run.steps[name] = found
            run.events.append("run.effect_settled")

    # ---- time -----------------------------------------------------------------------------------

    def is_overdue(self, id: str, now: datetime) -> bool:
        run = self.runs[id]
        lease = run.held and run.until is not None and run.until <= now
        wait = run.status == "blocked" and run.waits_until is not None and run.waits_until <= now
        return lease or wait

    def sweep(self, id: str, now: datetime) -> None:
        """One run whose time is up."""
        run = self.runs[id]
        if run.status == "blocked":
            self._resumed(run, "elapsed", now)
            return
        (claim,) = [claim for claim in self.claims if claim.run == id and claim.ended is None]
        status = "cancelled"
        if run.status == "running":
            status = self._status_after(run, "expiry")
        self._leave(claim, "expiry", status, now)


def _told(status: str) -> str:
    return "run.requeued" if status == "queued" else f"run.{status}"
