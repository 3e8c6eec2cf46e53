"""The contract suite, for whoever writes a record store: subclass `StoreContract` and run pytest.

It needs the extra `testing`. `docs/adapters.md` shows a whole store and its judgement.
"""

from turnkeep.extras import MissingExtra

try:
    import pytest
except ModuleNotFoundError as error:
    if error.name != "pytest":
        raise
    raise MissingExtra("testing") from error

# A broken law shows the values that it compared, as in any test; this must come before the laws.
pytest.register_assert_rewrite(
    "turnkeep.testing.caller",
    "turnkeep.testing.laws",
    "turnkeep.testing.trial",
    "turnkeep.testing.visitor",
)

from turnkeep.testing.caller import Caller, calling, calling_several  # noqa: E402 - see above
from turnkeep.testing.harness import Harness  # noqa: E402
from turnkeep.testing.judgement import law  # noqa: E402
from turnkeep.testing.need import Need, needs_power, needs_processes, needs_push  # noqa: E402
from turnkeep.testing.suite import StoreContract  # noqa: E402

__all__ = [
    "Caller",
    "Harness",
    "Need",
    "StoreContract",
    "calling",
    "calling_several",
    "law",
    "needs_power",
    "needs_processes",
    "needs_push",
]
