"""Round settings: how many commands go together, and how long one waits for others."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, instance_of, le


@frozen(kw_only=True)
class RoundSettings:
    """The bounds of rounds: commands of one process that are loaded and stored together.

    Attributes:
        together: Whether commands wait for each other at all. If not, each races every other one.
        commands_max: Commands that one round takes, 1 to 1,024.
        rounds_max: Rounds in flight at once, 1 to 64.
        alone_max: Commands in flight that went straight to the store because their cells were
            idle, 1 to 1,024. What comes beyond them goes in rounds, too.
        patience_seconds: How long a command waits for the commits of others, at most a minute. Then
            it waits for them no longer; and a commit that many share and that takes as long is no
            longer waited for either, but doubted.
    """

    together: bool = field(default=True, validator=instance_of(bool))
    commands_max: int = field(default=256, validator=[instance_of(int), ge(1), le(1_024)])
    rounds_max: int = field(default=3, validator=[instance_of(int), ge(1), le(64)])
    alone_max: int = field(default=8, validator=[instance_of(int), ge(1), le(1_024)])
    patience_seconds: float = field(default=0.25, validator=[gt(0), le(60)])
