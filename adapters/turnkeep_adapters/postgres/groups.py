"""A group: independent commits that wait together and travel in one call, each answered alone.

Nothing waits for a group to fill. A call takes what is there when it has its connection; while up
to three are on their way, the next gathers. Commits that name one key, unless both only check it,
are never on their way together: the second waits here, without a connection, for as long as its
patience lasts, and for no call that has been on its way as long. A group takes its locks without
waiting. A commit whose lock another process has is sent again by itself, and then the server waits
for it; such calls have connections of their own, so that one locked key delays nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from turnkeep_adapters.postgres.calls import Calls
from turnkeep_adapters.postgres.claims import Claims
from turnkeep_adapters.postgres.connections import Connection, status_of
from turnkeep_adapters.postgres.failures import LostRace, commit_failed
from turnkeep_adapters.postgres.patience import Patience
from turnkeep_adapters.postgres.requests import (
    Judgement,
    Request,
    Taken,
    call_of,
    told_of,
)
from turnkeep_adapters.postgres.settings import (
    CALL_BYTES_MAX,
    CALL_KEYS_MAX,
    CALLS_MAX,
    PostgresSettings,
)
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import Stale


class Groups:
    """The commits of one store that are waiting or on their way."""

    def __init__(self, calls: Calls, settings: PostgresSettings) -> None:
        """Sends by calls; with grouping off, each commit by itself and at once."""
        self._calls = calls
        self._settings = settings
        self._waiting: dict[Request, None] = {}
        self._by_itself: dict[Request, None] = {}
        self._flying = Claims()
        self._boarding = False
        self._closed = False
        self._groups = 0
        self._singles = 0
        self._singles_max = max(1, calls.connections.most - CALLS_MAX - 1)
        self._to_board = Patience(settings.patience_seconds, self._lose_patience)
        self._to_land = Patience(settings.patience_seconds, self._let_pass)

    async def commit(self, request: Request) -> Judgement:
        """Sends a commit and waits for its answer, until its deadline.

        Raises:
            OutcomeUnknown: It was handed over, and nothing was heard of it.
            Unavailable: It was not handed over, or the server undid it.
        """
        if self._settings.grouping:
            self._waiting[request] = None
            self._to_board.begin(request)
            self._board()
        else:
            self._calls.begin(self._send_single(request))
        left = request.deadline.remaining_seconds()
        late = asyncio.get_running_loop().call_later(left, self._give_up, request)
        try:
            outcome = await request.outcome
        finally:
            request.left = True
            self._withdraw(request)
            late.cancel()
        if isinstance(outcome, TurnkeepError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Refuses what was not handed over, and what comes back unwritten from now on."""
        self._closed = True
        for request in (*self._waiting, *self._by_itself):
            request.answer(_closed())
        self._waiting.clear()
        self._by_itself.clear()
        self._to_board.close()
        self._to_land.close()

    # ---- who goes next --------------------------------------------------------------------------

    def _board(self) -> None:
        """Begins the calls that there is work and room for."""
        if not self._boarding and self._groups < CALLS_MAX and self._next(most=1):
            self._boarding = True
            self._groups += 1
            self._calls.begin(self._send_group())
        while self._by_itself and self._singles < self._singles_max:
            request = next(iter(self._by_itself))
            del self._by_itself[request]
            self._singles += 1
            self._calls.begin(self._send_by_itself(request))

    def _next(self, *, most: int = CALL_KEYS_MAX) -> list[Request]:
        """Who can travel together now, in order of arrival; whom one must wait for goes first."""
        chosen: list[Request] = []
        ahead = Claims()
        keys = size = 0
        for request in self._waiting:
            named = len(request.exclusive) + len(request.shared)
            if chosen and (keys + named > CALL_KEYS_MAX or size + request.size > CALL_BYTES_MAX):
                break
            if self._flying.admit(request) and ahead.admit(request):
                chosen.append(request)
                keys += named
                size += request.size
                if len(chosen) == most:
                    break
            ahead.add(request)
        return chosen

    def _lose_patience(self, request: Request) -> None:
        if request in self._waiting:
            del self._waiting[request]
            self._by_itself[request] = None
            self._board()

    def _give_up(self, request: Request) -> None:
        """Its deadline has come: what was not handed over by now never is."""
        request.left = True
        self._withdraw(request)
        if request.sent:
            request.answer(OutcomeUnknown("its deadline came before the database had answered"))
        else:
            request.answer(Unavailable("its deadline came before it was sent"))

    def _withdraw(self, request: Request) -> None:
        self._waiting.pop(request, None)
        self._to_board.end(request)
        if request in self._by_itself:
            del self._by_itself[request]
            self._free(request)

    def _hold(self, request: Request) -> None:
        if not request.held:
            request.held = True
            self._flying.add(request)

    def _free(self, request: Request) -> None:
        if request.held:
            request.held = False
            self._flying.remove(request)

    def _let_pass(self, group: Sequence[Request]) -> None:
        """Nobody waits here any longer for a call that takes so long: the server decides."""
        for request in group:
            self._free(request)
        self._board()

    # ---- calls ----------------------------------------------------------------------------------

    async def _send_group(self) -> None:
        before = list(self._waiting)
        try:
            connection = await self._calls.connections.take(self._settings.checkout_seconds)
        except Unavailable as error:
            self._refuse(before, error)
            self._boarding = False
        else:
            group = self._next()
            self._boarding = False
            for request in group:
                del self._waiting[request]
                self._to_board.end(request)
            try:
                await self._fly(connection, group, wait=False)
            finally:
                await self._calls.connections.give_back(connection)
        finally:
            self._groups -= 1
            self._board()

    async def _send_by_itself(self, request: Request) -> None:
        try:
            await self._send_single(request)
        finally:
            self._free(request)
            self._singles -= 1
            self._board()

    async def _send_single(self, request: Request) -> None:
        try:
            connection = await self._calls.connections.take(request.deadline.remaining_seconds())
        except Unavailable as error:
            self._refuse([request], error)
            return
        except asyncio.CancelledError:
            self._refuse([request], _closed())
            raise
        try:
            if not request.left:
                await self._fly(connection, [request], wait=True)
        finally:
            await self._calls.connections.give_back(connection)

    def _refuse(self, requests: Sequence[Request], error: Unavailable) -> None:
        """Answers those who were to travel on a connection that was not to be had."""
        for request in requests:
            if not request.sent:
                self._withdraw(request)
                refusal = Unavailable(error.why, retryable=error.retryable)
                refusal.__cause__ = error
                request.answer(refusal)

    async def _fly(self, connection: Connection, group: list[Request], *, wait: bool) -> None:
        """Sends requests, and tells each what became of it."""
        if not group:
            return
        for request in group:
            request.sent = True
            self._hold(request)
        self._board()
        flight = tuple(group)
        self._to_land.begin(flight)
        try:
            statement, parameters = call_of(group)
            parameters = (*parameters, wait, int(self._settings.lock_seconds * 1000))
            rows = await self._calls.sent(connection, statement, parameters)
            told = told_of(rows)
            outcomes = [request.contents.judged(told.get(n, ())) for n, request in enumerate(group)]
        except BaseException as error:
            self._failed(connection, group, error)
            if not isinstance(error, Exception):
                raise
        else:
            for request, outcome in zip(group, outcomes, strict=True):
                self._told(request, outcome)
        finally:
            self._to_land.end(flight)
            for request in group:
                # One that goes again by itself still has others of its keys wait for it.
                if request not in self._by_itself:
                    self._free(request)

    def _told(self, request: Request, outcome: Judgement | Taken | None) -> None:
        match outcome:
            case Taken():
                self._again_by_itself(request)
            case None:
                request.answer(OutcomeUnknown("the database gave no answer that makes sense"))
            case _:
                request.answer(outcome)

    def _failed(
        self, connection: Connection, group: Sequence[Request], error: BaseException
    ) -> None:
        for request in group:
            meaning = commit_failed(error, status_of(connection))
            if isinstance(meaning, LostRace):
                request.answer(Stale(frozenset(), busy=True))
            elif len(group) > 1 and isinstance(meaning, Unavailable) and not meaning.retryable:
                # One of them may have spoilt it for all; everything was undone.
                self._again_by_itself(request)
            else:
                meaning.__cause__ = error
                request.answer(meaning)

    def _again_by_itself(self, request: Request) -> None:
        request.sent = False
        if self._closed:
            request.answer(_closed())
        elif not request.left:
            self._by_itself[request] = None


def _closed() -> Unavailable:
    return Unavailable("the store was closed", retryable=False)
