"""A listing of runs: state by state, as a store's index finds them, those that have ended last."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.turns.turn_settings import RUNS_PAGE_MAX
from turnkeep_application.turns.views import RunPage, RunView, ended_view, run_view
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Collection
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.ended import RUNS, EndedRun
from turnkeep_domain.turns.gates import GateKind
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.scans import Place, Position, Sorted, place, place_of, position
from turnkeep_ports.store import Cell

_HELD: Final = ("held",)
_INDEXED: Final[dict[RunStatus, tuple[str, ...]]] = {
    RunStatus.QUEUED: ("queued", "outside"),
    RunStatus.RUNNING: _HELD,
    RunStatus.CANCEL_REQUESTED: _HELD,
    RunStatus.BLOCKED: tuple(f"blocked.{kind.value}" for kind in GateKind),
    RunStatus.NEEDS_OPERATOR: (RunStatus.NEEDS_OPERATOR.value,),
}
_SCANS_MAX: Final = 40


@frozen(kw_only=True)
class RunListing:
    """The use case of listing, as `Turns` promises it."""

    reading: Reading

    async def page(
        self,
        prefix: ScopePrefix,
        *,
        statuses: frozenset[RunStatus] | None,
        after: str | None,
        limit: int,
    ) -> RunPage:
        """As `Turns.list` promises."""
        require_kind("limit", limit, int)
        if isinstance(limit, bool) or not 1 <= limit <= RUNS_PAGE_MAX:
            raise InvalidValue("limit", f"must be 1 to {RUNS_PAGE_MAX}")
        require_kind("prefix", prefix, ScopePrefix)
        prefix.scope.require_work()
        wanted = frozenset(RunStatus) if statuses is None else statuses
        require_kind("statuses", wanted, frozenset)
        stages = _stages(prefix, wanted)
        number, begin = _place_in(stages, after)
        deadline = self.reading.deadline()
        runs: list[RunView] = []
        unreadable: list[Unreadable] = []
        for _ in range(_SCANS_MAX):
            if number == len(stages):
                return _page(runs, unreadable, None)
            of, query = stages[number]
            page = await self.reading.page(query, after=begin, limit=limit, deadline=deadline)
            for cell in page.cells:
                begin = _behind(query, cell)
                found = self._found(of, cell, wanted)
                if isinstance(found, Unreadable):
                    unreadable.append(found)
                elif found is not None:
                    runs.append(found)
                if len(runs) + len(unreadable) == limit:
                    return _page(runs, unreadable, (number, begin))
            begin = page.next
            if begin is None:
                number += 1
        return _page(runs, unreadable, (number, begin))

    def _found(
        self, of: Collection[object], cell: Cell, wanted: frozenset[RunStatus]
    ) -> RunView | Unreadable | None:
        record = self.reading.decoded(of, cell)
        view = None
        match record:
            case Unreadable():
                return record
            case TurnState(active=run) if run is not None:
                view = run_view(run)
            case EndedRun():
                view = ended_view(record)
            case _:
                return None
        return view if view.status in wanted else None


def _stages(
    prefix: ScopePrefix, wanted: frozenset[RunStatus]
) -> list[tuple[Collection[object], Sorted]]:
    active = dict.fromkeys(
        state for status, states in _INDEXED.items() if status in wanted for state in states
    )
    ended = [status.value for status in RunStatus if status.final and status in wanted]
    pairs: list[tuple[Collection[object], str]] = [
        *((of, state) for of in (TURN_STATES, THREADLESS) for state in active),
        *((RUNS, state) for state in ended),
    ]
    return [(of, Sorted(collection=of.name, prefix=prefix, state=state)) for of, state in pairs]


def _place_in(
    stages: list[tuple[Collection[object], Sorted]], after: str | None
) -> tuple[int, Position | None]:
    whole = position_of(after)
    if whole is None:
        return 0, None
    number, begin = (whole[0], Position(whole[1:])) if whole else (len(stages), Position(b""))
    if number >= len(stages):
        raise InvalidValue("after", "must be the next of a page of the same listing")
    if not begin:
        return number, None
    place_of(stages[number][1], begin)  # refuses the position of another query, before any read
    return number, begin


def _behind(query: Sorted, cell: Cell) -> Position:
    found: Place = place(query, cell.entry.index, key_bytes(cell.address))
    return position(query, found)


def _page(
    runs: list[RunView], unreadable: list[Unreadable], at: tuple[int, Position | None] | None
) -> RunPage:
    following = None if at is None else Position(bytes([at[0]]) + (at[1] or b""))
    return RunPage(runs=tuple(runs), unreadable=tuple(unreadable), next=token_of(following))
