"""The system's randomness: jitter from the operating system, never the same after a fork."""

from __future__ import annotations

import math
import random

from attrs import frozen

from turnkeep_domain.errors import InvalidValue


@frozen
class SystemRandom:
    """Jitter that no two processes share, forked ones included."""

    def below(self, bound: float) -> float:
        """A number in [0, bound); 0 for a bound of 0.

        Raises:
            InvalidValue: The bound is negative, infinite or no number.
        """
        if not 0.0 <= bound < math.inf:
            raise InvalidValue("bound", "must be finite and not negative")
        # The product of a tiny bound may round up to the bound itself.
        below_bound = math.nextafter(bound, 0.0)
        return min(random.SystemRandom().random() * bound, below_bound)
