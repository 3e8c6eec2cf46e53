"""The unjudged: laws that were skipped because the store does not declare what they need."""

from __future__ import annotations

from typing import Final

import pytest

_PLUGIN: Final = "turnkeep-unjudged-laws"


class Unjudged:
    """A list of skipped laws, printed at the end of a test run."""

    def __init__(self) -> None:
        """Starts with no law."""
        self._contracts: dict[tuple[str, str], list[str]] = {}

    @classmethod
    def of(cls, config: pytest.Config) -> Unjudged:
        """The run's own list. It is made, and told to pytest, by the first law that asks."""
        known: object = config.pluginmanager.get_plugin(_PLUGIN)
        if isinstance(known, Unjudged):
            return known
        made = cls()
        config.pluginmanager.register(made, _PLUGIN)
        return made

    def add(self, node: pytest.Item, reason: str) -> None:
        """Notes that a law was not judged, and of which contract."""
        contract = "" if node.parent is None else node.parent.name
        self._contracts.setdefault((reason, node.name), []).append(contract)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the laws, by the reason."""
        terminalreporter.section("store laws that were not judged")
        printed = ""
        for (reason, law), contracts in sorted(self._contracts.items()):
            if reason != printed:
                terminalreporter.line(reason)
                printed = reason
            terminalreporter.line(f"  {law}: {', '.join(contracts)}")
