"""A database, as the doctor finds it: whether a keep can be opened on it, and on what terms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import asdict, frozen

from turnkeep import MissingExtra

if TYPE_CHECKING:
    from turnkeep_adapters.postgres.inspection import Inspection

_OLD_SECONDS = 60.0


@frozen
class DatabaseDiagnosis:
    """What was found, and what of it is wrong."""

    inspection: Inspection

    @classmethod
    async def of(cls, url: str) -> DatabaseDiagnosis:
        """Looks at a database, and changes nothing.

        Raises:
            MissingExtra: The driver is not installed.
            Unavailable: The server could not be reached, or refused.
        """
        try:
            # The driver is an extra of its own.
            from turnkeep_adapters.postgres.inspection import inspect  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise MissingExtra("postgres") from error
        return cls(await inspect(url))

    @property
    def findings(self) -> tuple[str, ...]:
        """What is wrong, a sentence each, with what to do."""
        return tuple(self._findings())

    @property
    def sound(self) -> bool:
        """Whether nothing is."""
        return not self.findings

    def as_json(self) -> str:
        """All that was found, for programs."""
        facts = {
            **asdict(self.inspection),
            "needs_adoption": self.inspection.needs_adoption,
            "findings": list(self.findings),
            "sound": self.sound,
        }
        return json.dumps(facts, indent=2)

    def as_text(self) -> str:
        """All that was found, for people."""
        found = self.inspection
        lines = [f"PostgreSQL {found.server_version}."]
        if found.schema is not None:
            lines.append(f"Schema {found.schema:,} of {found.schema_newest:,}.")
        if found.epoch is not None:
            lines.append(f"Epoch {found.epoch:,}: it was adopted {found.epoch - 1:,} times.")
        lines.append(
            f"Commits are written with fsync {'on' if found.fsync else 'off'} and "
            f"synchronous_commit {found.synchronous_commit}."
        )
        if found.oldest_writer is not None:
            lines.append(
                f"The oldest writing transaction is {found.oldest_writer.age_seconds:,.0f} s old."
            )
        lines += self.findings or ("All is sound.",)
        return "\n".join(lines)

    def _findings(self) -> Iterator[str]:
        found = self.inspection
        if found.schema is None:
            yield "It has no schema: turnkeep migrate makes it."
        elif found.schema < found.schema_newest:
            yield "Its schema is older than this release: turnkeep migrate brings it up to date."
        elif found.schema > found.schema_newest:
            yield "Its schema is newer than this release: use a newer one."
        elif found.needs_adoption:
            yield "It was restored on another server: end its processes, then turnkeep adopt."
        if not found.fsync:
            yield "The server does not sync: a power cut loses what was acknowledged."
        writer = found.oldest_writer
        if writer is not None and writer.age_seconds > _OLD_SECONDS:
            whose = "a prepared one" if writer.pid is None else f"process {writer.pid}"
            yield f"A writing transaction holds back the readers of events: {whose}."
