"""Sections: the commands of the command line by what they are for, each in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import click

Sections: TypeAlias = Mapping[str, Mapping[click.Command, str]]
"""By its title, each section's commands with what they do in 60 characters at most."""


class SectionedGroup(click.Group):
    """A group whose help lists its commands in sections."""

    sections: Sections

    def take(self, sections: Sections) -> None:
        """Makes these the commands of the group."""
        self.sections = sections
        for commands in sections.values():
            for command in commands:
                self.add_command(command)

    # Click's own signature; typing.override is not in Python 3.11's library.
    def format_commands(  # type: ignore[explicit-override]
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Writes the sections."""
        width = max(map(len, self.commands))
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{command.name}".ljust(width), line) for command, line in commands.items()]
                )
