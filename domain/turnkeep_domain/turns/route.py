"""A route: which model and which configuration serve a run; chosen once."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.turns.names import Ref, optional_ref, ref


@frozen(kw_only=True)
class Route:
    """By whom a run is served, by references alone: no key, no endpoint with a password."""

    provider: Ref = field(validator=ref)
    model: Ref = field(validator=ref)
    config_ref: Ref | None = field(validator=optional_ref)
    auth_ref: Ref | None = field(validator=optional_ref)
