"""A record under a key of another kind; a record that may be absent; a key that only reads."""

from attrs import frozen

from turnkeep_application.records import Records
from turnkeep_domain.keys import Key, ReadKey


@frozen
class Lamp:
    watts: int


@frozen
class Bell:
    pitch: int


def wrong_record(records: Records, lamp: Key[Lamp], bell: Bell) -> Records:
    return records.put(lamp, bell)  # expect: misc


def unguarded(records: Records, lamp: Key[Lamp]) -> int:
    return records[lamp].watts  # expect: union-attr


def read_only(records: Records, lamp: ReadKey[Lamp]) -> Records:
    return records.put(lamp, Lamp(watts=8))  # expect: arg-type


def wider_key(lamp: Key[Lamp]) -> Key[object]:
    return lamp  # expect: return-value


def wider_key_that_reads(lamp: Key[Lamp]) -> ReadKey[object]:
    return lamp


def other_record(records: Records, lamp: Key[Lamp]) -> Bell | None:
    return records[lamp]  # expect: return-value
