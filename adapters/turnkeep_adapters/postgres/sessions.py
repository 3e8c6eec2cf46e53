"""A session: all that a store has while it is open, made and ended together."""

from __future__ import annotations

from typing import Final

from turnkeep_adapters.postgres.calls import Calls
from turnkeep_adapters.postgres.changes import Changes
from turnkeep_adapters.postgres.connections import Connections, Pool
from turnkeep_adapters.postgres.event_places import EventPlace
from turnkeep_adapters.postgres.failures import MIGRATE
from turnkeep_adapters.postgres.groups import Groups
from turnkeep_adapters.postgres.hints import Hint, Hints
from turnkeep_adapters.postgres.listener import Listener
from turnkeep_adapters.postgres.loads import Loads
from turnkeep_adapters.postgres.poll import Poll
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.signs import signs_of
from turnkeep_adapters.postgres.statements import IDENTITY, VERSION
from turnkeep_adapters.postgres.steps import NEWEST
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.errors import SchemaTooNew, Unavailable, Unsupported
from turnkeep_ports.store import Cursor, Notification

ADOPT: Final = (
    "the database was restored on another server: if no other copy of it is used any more,"
    " run `turnkeep adopt`"
)


class Session:
    """One opening of a store.

    Attributes:
        calls: How statements are sent.
        groups: How commits are sent.
        loads: How cells are read by their keys.
        changes: What was heard of.
        poll: What finds out when nothing was heard.
        store_id: The store's own name, which its cursors carry.
    """

    def __init__(
        self,
        *,
        conninfo: str | None,
        pool: Pool | None,
        clock: Clock,
        settings: PostgresSettings,
    ) -> None:
        self.store_id = b""
        self._settings = settings
        self._connections = Connections(conninfo=conninfo, pool=pool, settings=settings)
        self.calls = Calls(self._connections, settings)
        self.groups = Groups(self.calls, settings)
        self.loads = Loads(self.calls, settings)
        self.changes = Changes()
        self._hints: Hints | None = None
        self._listener: Listener | None = None
        self.poll = Poll(
            calls=self.calls,
            clock=clock,
            changed=lambda: self.changes.happened(None),
            cared_for=lambda: self.changes.waiting() > 0,
            interval_seconds=self._poll_seconds,
        )
        if settings.listens and conninfo is not None:
            self._hints = Hints(self.calls, clock)
            self._listener = Listener(
                conninfo=conninfo,
                settings=settings,
                ping=self._hints.ping(),
                heard=self._heard,
                turned=self.poll.soon,
            )

    @property
    def health(self) -> Notification:
        """How commits of others are learnt of at the moment."""
        return Notification.POLL if self._listener is None else self._listener.health

    async def open(self, deadline: Deadline) -> None:
        """Connects, and refuses what this release may not use."""
        await self._connections.open()
        try:
            await self._recognise(deadline)
        except BaseException:
            await self._connections.close()
            raise
        if self._listener is not None:
            self._listener.start()

    async def close(self) -> None:
        """Ends the waits, waits for what was sent, and disconnects."""
        self.groups.close()
        self.loads.close()
        self.changes.wake_all()
        if self._listener is not None:
            await self._listener.stop()
        await self.poll.stop()
        await self.calls.close()
        await self._connections.close()

    def committed(self, keys: set[bytes]) -> None:
        """Tells those who wait here, and the other processes, of a commit of this store."""
        signs = signs_of(keys)
        self.changes.happened(signs)
        if self._hints is not None:
            self._hints.tell(signs)

    def cursor_at(self, epoch: int, xid: int, seq: int, tag: bytes) -> Cursor:
        """The cursor of a place that the server told."""
        return EventPlace(epoch, xid, seq, tag).cursor(self.store_id)

    def _poll_seconds(self) -> float:
        if self.health is Notification.PUSH:
            return self._settings.poll_listening_seconds
        return self._settings.poll_seconds

    def _heard(self, hint: Hint) -> None:
        mine = self._hints is not None and hint.sender == self._hints.sender
        if not mine and not hint.ping:
            self.changes.happened(hint.signs)

    async def _recognise(self, deadline: Deadline) -> None:
        ((found,),) = await self.calls.read(VERSION, (), deadline)
        if found is None or found < NEWEST:
            raise Unsupported(MIGRATE)
        if found > NEWEST:
            raise SchemaTooNew("the database", found, NEWEST)
        rows = await self.calls.read(IDENTITY, (), deadline)
        if not rows:
            raise Unavailable("the database has lost its identity", retryable=False)
        ((store_id, _, stored, present, encoding),) = rows
        if encoding != "UTF8":
            raise Unsupported("the database must be encoded in UTF-8")
        if stored != present:
            raise Unsupported(ADOPT)
        self.store_id = store_id
