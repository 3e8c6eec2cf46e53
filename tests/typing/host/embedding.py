"""A host in types: it names an owner and keeps a record of its own kind."""

from attrs import frozen

from turnkeep_application.records import Records
from turnkeep_domain.keys import Collection, Identity, Index, Key, key
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class Lamp:
    scope: Scope
    id: str
    watts: int


def lamp_index(lamp: Lamp) -> Index:
    return Index(state="on" if lamp.watts else "off", due_at=None, sort=lamp.id)


LAMPS: Collection[Lamp] = Collection(
    name="lamps",
    members=(Lamp,),
    permanent=False,
    index=lamp_index,
    identity=lambda lamp: Identity(lamp.scope, lamp.id),
    marks=lambda lamp: None,
)


def lamp_of(scope: Scope) -> Key[Lamp]:
    return key(LAMPS, scope, "desk")


def dim(records: Records, lamp: Key[Lamp]) -> Records:
    held = records[lamp]
    if held is None:
        return records
    return records.put(lamp, Lamp(scope=held.scope, id=held.id, watts=held.watts // 2))
