"""A script's progress: which rules are spent, and which one the next call meets."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.faulty.script import Every, Next, Nth, Rule, Script


@define(eq=False)
class Progress:
    """How far a script has been followed; rules are known by their place in it."""

    script: Script
    _seen: Counter[int] = field(factory=Counter, init=False)
    _fired: set[int] = field(factory=set, init=False)

    def rule_for(self, operation: Operation, collections: frozenset[str] | None) -> Rule | None:
        """The rule that a call suffers, which is spent by it; every matching rule counts it.

        Args:
            operation: What is called.
            collections: What the call concerns; None is all.
        """
        matching = [
            place
            for place, rule in enumerate(self.script.rules)
            if rule.operation is operation and _concerns(rule.collection, collections)
        ]
        self._seen.update(matching)
        suffered = next((place for place in matching if self._is_due(place)), None)
        if suffered is None:
            return None
        self._fired.add(suffered)
        return self.script.rules[suffered]

    def unspent(self) -> tuple[Rule, ...]:
        """The rules that no call has met yet."""
        rules = enumerate(self.script.rules)
        return tuple(rule for place, rule in rules if place not in self._fired)

    def _is_due(self, place: int) -> bool:
        match self.script.rules[place].when:
            case Next():
                return place not in self._fired
            case Nth(number):
                return self._seen[place] == number
            case Every():
                return True


def _concerns(collection: str | None, collections: frozenset[str] | None) -> bool:
    return collection is None or collections is None or collection in collections
