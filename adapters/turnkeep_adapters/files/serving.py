"""Serving: what the one thread of an open store does with the requests that wait for it.

It takes all that wait, looks once at what other processes have written, answers every question from
the view of that moment, and then writes. A look serves only requests that waited when it began, so
that each sees all that was committed before it was asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import define

from turnkeep_adapters.files.desk import Call, Desk, Outcomes, Reading, Writing
from turnkeep_adapters.files.looking import Looking
from turnkeep_adapters.files.writing import Writer
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_ports.errors import OutcomeUnknown, Unavailable


@define(kw_only=True)
class Serving:
    """The serving side of an open store. Used by one thread at a time."""

    desk: Desk
    looking: Looking
    writer: Writer
    outcomes: Outcomes

    def serve(self) -> None:
        """Serves all that wait."""
        batch = self.desk.take()
        try:
            if batch:
                self._serve(batch)
        except BaseException:
            # Nobody knows in which state the view is now.
            self.looking.home.poisoned = True
            raise
        finally:
            self._excuse(batch)
            self.outcomes.send()

    def refuse(self, error: Unavailable) -> None:
        """Refuses all that wait, where nothing can be served any more; called by any thread."""
        outcomes = Outcomes()
        for request in self.desk.take():
            outcomes.fail(request, error)
        outcomes.send()

    def _serve(self, batch: Sequence[Call]) -> None:
        try:
            self.looking.look()
        except TurnkeepError as error:
            for request in batch:
                self.outcomes.fail(request, error)
            return
        now = self.looking.time()
        writes: list[Writing] = []
        for request in batch:
            if isinstance(request, Reading):
                self._read(request, now)
            elif isinstance(request, Writing):
                writes.append(request)
        self.outcomes.send()
        fresh = True
        for group in self.writer.groups(writes):
            self.writer.write(group, fresh=fresh)
            self.outcomes.send()
            fresh = False

    def _read(self, request: Reading[object], now: datetime) -> None:
        try:
            answer = request.ask(self.looking.following.view, now)
        except InvalidValue as error:
            self.outcomes.fail(request, error)
        else:
            self.outcomes.answer(request, answer)

    def _excuse(self, batch: Sequence[Call]) -> None:
        """Tells those whom an error in here has left without an answer."""
        for request in batch:
            if request.outcome is not None:
                continue
            why = "the store failed in an unforeseen way"
            reads = isinstance(request, Reading)
            self.outcomes.fail(request, Unavailable(why) if reads else OutcomeUnknown(why))
