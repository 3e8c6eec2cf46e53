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
TENANT_MAX: Final = 2
LANE_MAX: Final = {"ada": None, "bob": 1}

FINAL: Final = ("completed", "failed", "cancelled")


@define
class Holding:
    """A claim that a worker was given; it is kept for ever, for workers forget nothing."""

    run: str
    thread: str
    number: int
    ended: str | None = None
    answer: str = ""


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
    steps: dict[str, str] = field(factory=dict)
    begun_by: dict[str, int] = field(factory=dict)
    settled_by: dict[str, list[str]] = field(factory=dict)
    remembered: list[int] | None = None
    waits_until: datetime | None = None
    marks: dict[str, tuple[object, str]] = field(factory=dict)
    events: list[str] = field(factory=lambda: ["run.submitted"])

    @property
    def held(self) -> bool:
        return self.status in ("running", "cancel_requested")

    @property
    def open(self) -> list[str]:
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
        return run.status == "queued" and due and self.has_room(run.user)

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
            run.steps[step], run.begun_by[step] = "intended", claim.number
        return run.steps[step]

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
        own = run.begun_by.get(step) == claim.number
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
        elif how == "block" and "gate" in run.steps:
            return run.steps["gate"]
        elif how in ("complete", "block") and run.open:
            return "effects_open"
        else:
            status = self._status_after(run, how)
        self._leave(claim, how, status, now)
        return status

    def _status_after(self, run: ModelRun, how: str) -> str:
        if how == "complete":
            return "completed"
        if how == "block":
            return "blocked"
        run.returned += how == "drain"
        run.lost += how in ("error", "expiry")
        if run.open or (run.started and not run.journaled):
            return "needs_operator"
        if how == "fail" or run.returned > RETURNED_MAX or run.lost > LOST_MAX:
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
            self._end(run)

    def _doubt(self, run: ModelRun) -> None:
        for name, state in run.steps.items():
            if state == "intended":
                run.steps[name] = "uncertain"
                run.events.append("run.effect_uncertain")

    def _end(self, run: ModelRun) -> None:
        self.active.pop(run.thread)
        run.remembered = list(self.ends.get(run.thread, []))

    # ---- from outside ---------------------------------------------------------------------------

    def cancel(self, id: str, request: str, now: datetime) -> str:
        run = self.runs[id]
        marked = run.marks.get(request)
        if marked is not None:
            return marked[1] if marked[0] == "cancel" else "request_id_reused"
        if run.status in FINAL or run.status == "cancel_requested":
            return run.status
        if run.status == "running":
            run.status, run.cancel_by = "cancel_requested", now + GRACE
            run.events.append("run.cancel_requested")
        else:
            run.status, run.due_at, run.waits_until = "cancelled", None, None
            run.events.append("run.cancelled")
            self._end(run)
        run.marks[request] = ("cancel", run.status)
        return run.status

    def resume(self, id: str, disposition: str, request: str, now: datetime) -> str:
        run = self.runs[id]
        marked = run.marks.get(request)
        if marked is not None:
            return marked[1] if marked[0] == ("resume", disposition) else "request_id_reused"
        if run.status != "blocked":
            return "wrong_state"
        elapsed = run.waits_until is not None and run.waits_until <= now
        self._resumed(run, "elapsed" if elapsed else disposition, now)
        run.marks[request] = (("resume", disposition), "queued")
        return "queued"

    def _resumed(self, run: ModelRun, disposition: str, now: datetime) -> None:
        run.status, run.due_at, run.waits_until = "queued", now, None
        run.lost = run.returned = 0
        run.steps["gate"] = disposition
        run.events.append("run.resumed")

    def retry(self, id: str, found: str, request: str, now: datetime) -> str:
        run = self.runs[id]
        marked = run.marks.get(request)
        if marked is not None:
            return marked[1] if marked[0] == ("retry", found) else "request_id_reused"
        if run.status != "needs_operator":
            return "wrong_state"
        run.settled_by[request] = run.open
        for name in run.open:
            run.steps[name] = found
            run.events.append("run.effect_settled")
        run.status, run.due_at, run.lost, run.returned = "queued", now, 0, 0
        run.events.append("run.requeued")
        run.marks[request] = (("retry", found), "queued")
        return "queued"

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
