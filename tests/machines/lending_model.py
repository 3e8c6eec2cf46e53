"""A model of leases and secret leases: what the services must answer, in the plainest words."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field

TTL = timedelta(seconds=60)


@define
class Lock:
    """One general lease. `told` is what must have been told of it."""

    fence: int = 0
    holder: str | None = None
    until: datetime | None = None
    ends: dict[int, str] = field(factory=dict)
    answered: dict[str, tuple[str, int]] = field(factory=dict)
    told: list[str] = field(factory=list)

    def lapse(self, now: datetime) -> bool:
        if self.holder is None or self.until is None or self.until > now:
            return False
        self._end("expired", "lease.lapsed")
        return True

    def live(self, fence: int, now: datetime) -> bool:
        held = self.holder is not None and self.until is not None and self.until > now
        return held and fence == self.fence

    def acquire(self, holder: str, id: str, now: datetime) -> str | int:
        if id in self.answered:
            before, fence = self.answered[id]
            return fence if before == holder else "request_id_reused"
        if self.holder is not None and not self.lapse(now):
            return "held"
        self.fence, self.holder, self.until = self.fence + 1, holder, now + TTL
        self.answered[id] = (holder, self.fence)
        self.told.append("lease.acquired")
        return self.fence

    def renew(self, holder: str, fence: int, now: datetime) -> str | int:
        refusal = self._refusal(holder, fence, now)
        if refusal is None:
            assert self.until is not None
            self.until = max(self.until, now + TTL)
        return refusal or fence

    def release(self, holder: str, fence: int, now: datetime) -> str | int:
        if self.ends.get(fence) == "released":
            return fence
        refusal = self._refusal(holder, fence, now)
        if refusal is None:
            self._end("released", "lease.released")
        return refusal or fence

    def _refusal(self, holder: str, fence: int, now: datetime) -> str | None:
        if fence != self.fence or self.holder != holder:
            return "tenure_expired" if self.ends.get(fence) == "expired" else "not_holder"
        return "tenure_expired" if self.lapse(now) else None

    def _end(self, how: str, told: str) -> None:
        self.ends[self.fence] = how
        self.holder = self.until = None
        self.told.append(told)


@define
class Loan:
    """One secret lease, and what was received of it."""

    generation: int
    material: bytes
    uses_max: int
    deadline: datetime
    guard: int | None
    receipts: list[str] = field(factory=list)
    ended: str | None = None
    told: list[str] = field(factory=lambda: ["secret_lease.issued"])

    def consume(self, id: str, now: datetime, lock: Lock, generation: int | None) -> str | bytes:
        if id in self.receipts:
            return "spent"
        if self.ended is None:
            if self.deadline <= now:
                self._end("lease_expired")
            elif self.guard is not None and not lock.live(self.guard, now):
                self._end("guard_lost")
            elif generation != self.generation:
                self._end("superseded")
        if self.ended is not None:
            return self.ended
        self.receipts.append(id)
        self.told.append("secret_lease.used")
        if len(self.receipts) == self.uses_max:
            self._end("lease_consumed")
        return self.material

    def revoke(self, id: str, now: datetime) -> str:
        if id in self.receipts:
            return "request_id_reused"
        if self.ended is None:
            self._end("lease_expired" if self.deadline <= now else "requested")
        assert self.ended is not None
        return self.ended

    def overlook(self) -> None:
        """Its end was found, and that could not be stored."""
        self.ended = None
        self.told.remove("secret_lease.ended")

    def _end(self, how: str) -> None:
        self.ended = how
        self.told.append("secret_lease.ended")
