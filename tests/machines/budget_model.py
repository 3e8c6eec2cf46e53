"""What budgets should do, told with plain integers: a sheet of reservations and two accounts.

Days of UTC are the windows, and whatever was used is charged to the day that it was reserved on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from turnkeep import OnExpiry, ReservationStatus

ACTIVE: Final = ReservationStatus.ACTIVE
EXPIRED: Final = ReservationStatus.EXPIRED
RECONCILED: Final = ReservationStatus.RECONCILED
RELEASED: Final = ReservationStatus.RELEASED
TENANT: Final = "tenant"
USER: Final = "user"
MS: Final = timedelta(milliseconds=1)


def day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


@define
class Entry:
    """One account: what it may, and what was used of it on each day."""

    usd_max: int | None = None
    slots_max: int | None = None
    metered: bool = False
    limited: bool = False
    used: dict[datetime, int] = field(factory=dict)


@define
class Line:
    """One reservation."""

    usd: int
    slots: int
    on_expiry: OnExpiry
    deadline: datetime
    days: dict[str, datetime]
    status: ReservationStatus = ACTIVE
    actual: int | None = None
    closes: dict[str, tuple[object, ReservationStatus, int | None]] = field(factory=dict)

    def standing(self, now: datetime) -> ReservationStatus:
        return EXPIRED if self.is_overdue(now) else self.status

    def is_overdue(self, now: datetime) -> bool:
        return self.status is ACTIVE and self.deadline <= now


@define
class Sheet:
    """The whole model. Commands answer what the service must: codes, or statuses with amounts."""

    entries: dict[str, Entry] = field(factory=lambda: {TENANT: Entry(), USER: Entry()})
    lines: dict[str, Line] = field(factory=dict)
    events: list[str] = field(factory=list)

    # ---- sums -----------------------------------------------------------------------------------

    def spent(self, name: str, now: datetime) -> int:
        return self.entries[name].used.get(day(now), 0)

    def usd_held(self, name: str, now: datetime) -> int:
        return sum(
            line.usd
            for line in self.lines.values()
            if line.status is ACTIVE
            and line.days.get(name) == day(now)
            and (line.on_expiry is OnExpiry.CHARGE or not line.is_overdue(now))
        )

    def slots_held(self, name: str, now: datetime) -> int:
        return sum(
            line.slots
            for line in self.lines.values()
            if line.status is ACTIVE and name in line.days and not line.is_overdue(now)
        )

    # ---- commands -------------------------------------------------------------------------------

    def reserve(
        self, id: str, usd: int, slots: int, on_expiry: OnExpiry, *, ttl_ms: int, now: datetime
    ) -> object:
        known = self.lines.get(id)
        if known is not None:
            if (known.usd, known.slots, known.on_expiry) != (usd, slots, on_expiry):
                return "request_id_reused"
            return ACTIVE, known.standing(now), None
        breaches: list[tuple[str, str]] = []
        for name, entry in self.entries.items():
            usd_total = self.spent(name, now) + self.usd_held(name, now) + usd
            if entry.usd_max is not None and usd and usd_total > entry.usd_max:
                breaches.append((name, "usd_nano"))
            if entry.slots_max is None or not slots:
                continue
            if self.slots_held(name, now) + slots > entry.slots_max:
                breaches.append((name, "concurrency_slots"))
        if breaches:
            return breaches
        days = {name: day(now) for name, entry in self.entries.items() if entry.metered}
        self.lines[id] = Line(usd, slots, on_expiry, now + ttl_ms * MS, days)
        self.events.append("reserved")
        return ACTIVE, ACTIVE, None

    def close(self, id: str, request: str, actual: int | None, now: datetime) -> object:
        """Reconciles; or releases, where nothing actual is named."""
        line = self.lines.get(id)
        if line is None:
            return "budget.reservation_unknown"
        if request in line.closes:
            arguments, status, told = line.closes[request]
            if arguments != (actual,):
                return "request_id_reused"
            return status, line.standing(now), told
        if line.status in (RECONCILED, RELEASED):
            return "budget.reservation_closed"
        if actual is None:
            if line.status is EXPIRED:
                return EXPIRED, EXPIRED, None
            if line.is_overdue(now):
                self.expire(id)
            else:
                line.status = RELEASED
                self.events.append("released")
        else:
            self._reconcile(line, actual, now)
        line.closes[request] = ((actual,), line.status, line.actual)
        return line.status, line.status, line.actual

    def extend(self, id: str, ttl_ms: int, now: datetime) -> object:
        line = self.lines.get(id)
        if line is None:
            return "budget.reservation_unknown"
        if line.status in (RECONCILED, RELEASED):
            return "budget.reservation_closed"
        if line.standing(now) is EXPIRED:
            return "budget.reservation_expired"
        if (line.deadline - now) * 2 <= ttl_ms * MS:
            line.deadline = now + ttl_ms * MS
        return ACTIVE, ACTIVE, None

    def expire(self, id: str) -> None:
        line = self.lines[id]
        line.status = EXPIRED
        if line.on_expiry is OnExpiry.CHARGE:
            self._charge(line, line.usd)
        self.events.append("expired")

    def limit(self, name: str, usd_max: int, slots_max: int, now: datetime) -> None:
        """Sets limits; the first ones meter, adopt, and count what was counted today."""
        entry = self.entries[name]
        if (entry.usd_max, entry.slots_max) == (usd_max, slots_max):
            return
        if not entry.metered:
            entry.metered = True
            self.events.append("metered")
        if not entry.limited:
            entry.limited = True
            # Its window was its lifetime until now; all of it counts in the first day.
            entry.used = {day(now): sum(entry.used.values())}
            for line in self.lines.values():
                if name in line.days:
                    line.days[name] = day(now)
            for line in self.lines.values():
                if line.standing(now) is ACTIVE and name not in line.days:
                    line.days[name] = day(now)
                    self.events.append("adopted")
        entry.usd_max, entry.slots_max = usd_max, slots_max
        self.events.append("limit_changed")

    # ---- steps ----------------------------------------------------------------------------------

    def _reconcile(self, line: Line, actual: int, now: datetime) -> None:
        charge = actual
        if line.standing(now) is EXPIRED and line.on_expiry is OnExpiry.CHARGE:
            noted = line.status is EXPIRED
            charge = max(0, actual - line.usd) if noted else max(actual, line.usd)
        line.status, line.actual = RECONCILED, actual
        self._charge(line, charge)
        self.events.append("reconciled")

    def _charge(self, line: Line, usd: int) -> None:
        for name, on in line.days.items():
            used = self.entries[name].used
            used[on] = used.get(on, 0) + usd
