"""A JSON codec: records and events as canonical JSON, by one cattrs converter for every adapter.

The body of a record is `{"d": fields, "t": tag, "v": schema}`, that of an event `{"d": fields,
"v": schema}`: its kind, address and time stand beside it in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar, cast

from turnkeep_adapters.codec.body import FIELDS, SCHEMA, TAG, envelope, parse, render
from turnkeep_adapters.codec.converter import exact_converter
from turnkeep_adapters.codec.damage import DAMAGE, clause
from turnkeep_adapters.codec.format import Format
from turnkeep_adapters.codec.forms import NOTHING_BESIDE, Forms
from turnkeep_adapters.codec.kept import KeptRecords
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection, Identity
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.limits import BODY_BYTES_MAX, EVENT_BYTES_MAX
from turnkeep_ports.store import StoredEvent

T = TypeVar("T")

_OF_A_RECORD: Final = frozenset({TAG, SCHEMA, FIELDS})
_FOREIGN: Final = "must be one of the collection's, as this release knows them"
_OF_AN_EVENT: Final = frozenset({SCHEMA, FIELDS})


class JsonCodec:
    """The codec of every store; safe to share between threads.

    Encoding is as strict as decoding: a value that could not be read back as itself (an integer
    above 64 bits, a lone surrogate, a subclass of a scalar) is an `InvalidValue`, so that no
    commit can store it.
    """

    def __init__(
        self,
        *,
        records: tuple[Format, ...],
        events: tuple[Format, ...],
        variants: Mapping[type[object], str],
        kept: frozenset[type[object]] = frozenset(),
    ) -> None:
        """Takes the formats; the shape of a class is composed when it is first used.

        Args:
            records: One for each member class of each collection.
            events: One for each class of event; its tag is the event's kind.
            variants: The tag of each class that is a member of a union inside a record or event.
            kept: The classes of records of which the last that were read or written are kept, so
                that their bodies are not read again. Never of what is secret.

        Raises:
            InvalidValue: Two formats share a tag or a class, or an event's tag is not its kind.
        """
        for format in events:
            if not issubclass(format.cls, Event) or format.cls.kind != format.tag:
                raise InvalidValue("an event's tag", "must be its kind")
        converter = exact_converter(variants)
        self._records = Forms.of(records, converter)
        self._events = Forms.of(events, converter)
        self._kept_classes = kept
        self._kept = KeptRecords()

    def compose(self) -> None:
        """Composes the shapes that were not used yet, for whoever would rather wait now.

        Raises:
            TypeError: A class has no exact form, or lacks a tag of its own in a union.
        """
        self._records.compose()
        self._events.compose()

    def encode(self, record: object) -> bytes:
        """The record's body, in the newest schema.

        Raises:
            TypeError: The record is of no known class.
            InvalidValue: It holds what could not be read back as itself.
        """
        form = self._records.of_class(record)
        body = render({**form.write(record), TAG: form.format.tag})
        if type(record) in self._kept_classes:
            self._kept.keep(body, record)
        return body

    def decode(self, of: Collection[T], address: Address, body: bytes) -> T:
        """The record of a body that was read at an address.

        Raises:
            Corrupt: The bytes are no record of the collection, break an invariant, are not in
                their one spelling, or carry another scope or id than the address.
            SchemaTooNew: A newer release wrote them.
            InvalidValue: The address is of another collection.
        """
        if address.collection != of.name:
            raise InvalidValue("address", "must be of the collection that is read")
        try:
            return self._record(of, address, body)
        except DAMAGE as damage:
            raise Corrupt(clause(damage), address) from damage

    def encode_event(self, event: Event) -> bytes:
        """The body of an event: its own fields, without address, kind and time.

        Raises:
            TypeError: The event is of no known class.
            InvalidValue: It holds what could not be read back as itself.
        """
        return render(self._events.of_class(event).write(event))

    def decode_event(self, stored: StoredEvent) -> Event:
        """The event that a store has handed out.

        Raises:
            Corrupt: The bytes are no event of that kind, or the kind is unknown.
            SchemaTooNew: A newer release wrote them.
        """
        try:
            return self._event(stored)
        except DAMAGE as damage:
            raise Corrupt(clause(damage)) from damage

    def _record(self, of: Collection[T], address: Address, body: bytes) -> T:
        record = self._kept.get(body) if self._kept_classes else None
        if record is None:
            record = self._built(of, body)
            if type(record) in self._kept_classes:
                self._kept.keep(body, record)
        elif type(record) not in of.members:
            raise InvalidValue("tag", _FOREIGN)
        found = of.member(record)
        if of.identity_of(found) != Identity(address.scope, address.id):
            raise InvalidValue("scope and id", "must be those of the key")
        return found

    def _built(self, of: Collection[T], body: bytes) -> object:
        tree = envelope(parse(body, bytes_max=BODY_BYTES_MAX), _OF_A_RECORD)
        tag = tree[TAG]
        form = self._records.by_tag.get(tag) if type(tag) is str else None
        if form is None or form.format.cls not in of.members:
            raise InvalidValue("tag", _FOREIGN)
        return form.read(tree, beside=NOTHING_BESIDE, what=f"a stored {of.name} record")

    def _event(self, stored: StoredEvent) -> Event:
        form = self._events.by_tag.get(stored.kind)
        if form is None:
            raise InvalidValue("kind", "must be one that this release knows")
        tree = envelope(parse(stored.body, bytes_max=EVENT_BYTES_MAX), _OF_AN_EVENT)
        beside = {"address": stored.address, "at": stored.at}
        event = form.read(tree, beside=beside, what=f"a stored {stored.kind} event")
        return cast("Event", event)  # every form of an event has a subclass of it
