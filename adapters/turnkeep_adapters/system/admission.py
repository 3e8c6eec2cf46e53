"""Open admission: the policy of a host that has none."""

from __future__ import annotations

from attrs import frozen

from turnkeep_ports.admission import Submission


@frozen
class OpenAdmission:
    """Admits everybody; an `Admission`."""

    async def admits(self, submission: Submission) -> bool:
        """Yes."""
        return True
