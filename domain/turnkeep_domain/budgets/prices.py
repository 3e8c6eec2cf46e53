"""A price list: what tokens of each model cost, as the host knows it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import field, frozen
from attrs.validators import optional

from turnkeep_domain.budgets.bounds import BASIS_POINTS, require_amount
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.refusals import OutputUnbounded, PriceRefusal, PriceUnknown
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier, require_identifier
from turnkeep_domain.kinds import of_kind, require_kind

MARGIN_BP_DEFAULT: Final = 12_000
_PRICED_TOKENS: Final = 1_000_000


@frozen(kw_only=True)
class TokenCounts:
    """Tokens of one call, each counted in one class alone; 0 to 2^63 - 1."""

    input: int = field(default=0)
    cached_input: int = field(default=0)
    cache_write: int = field(default=0)
    output: int = field(default=0)

    def __attrs_post_init__(self) -> None:
        for name in ("input", "cached_input", "cache_write", "output"):
            require_amount(name, getattr(self, name))


@frozen(kw_only=True)
class Price:
    """Nano-USD per 1,000,000 tokens of each class; 0 to 2^63 - 1."""

    input: int = field()
    cached_input: int = field()
    cache_write: int = field()
    output: int = field()

    def __attrs_post_init__(self) -> None:
        for name in ("input", "cached_input", "cache_write", "output"):
            require_amount(name, getattr(self, name))

    def cost(self, counts: TokenCounts, *, margin_bp: int = BASIS_POINTS) -> int:
        """What these tokens cost, in nano-USD, rounded up once, the margin included."""
        total = (
            counts.input * self.input
            + counts.cached_input * self.cached_input
            + counts.cache_write * self.cache_write
            + counts.output * self.output
        )
        return -(-total * margin_bp // (_PRICED_TOKENS * BASIS_POINTS))

    @property
    def dearest_input(self) -> int:
        """The price of the input class that costs most."""
        return max(self.input, self.cached_input, self.cache_write)


@frozen
class PriceList:
    """Prices under a version, which reservations carry along.

    Attributes:
        assumed: What is assumed of a model that has no price; None: it is refused.

    Raises:
        InvalidValue: A model's name is no identifier, or a price none.
    """

    version: str = field(validator=identifier)
    prices: Mapping[str, Price] = field()
    assumed: Price | None = field(default=None, validator=optional(of_kind(Price)), kw_only=True)

    @prices.validator
    def _are_prices(self, _: object, prices: Mapping[str, Price]) -> None:
        require_kind("prices", prices, Mapping)
        for model, price in prices.items():
            require_identifier("model", model)
            require_kind("price", price, Price)

    def __attrs_post_init__(self) -> None:
        # A list that changed under its version would price two reservations by one name.
        object.__setattr__(self, "prices", MappingProxyType(dict(self.prices)))

    def estimate(
        self,
        model: str,
        *,
        input_tokens: int,
        max_output_tokens: int | None,
        margin_bp: int = MARGIN_BP_DEFAULT,
    ) -> Mapping[Dimension, int] | Refused[PriceRefusal]:
        """What a call may cost at most: what to reserve for it.

        Args:
            model: Which one.
            input_tokens: Taken at the dearest class of input.
            max_output_tokens: The whole allowance; None, where there is none, is refused.
            margin_bp: The cost in basis points of what was reckoned, 10,000 at least; an estimate
                of tokens is rarely exact.

        Returns:
            The estimate for `reserve`; `PriceUnknown`; `OutputUnbounded`.

        Raises:
            InvalidValue: A count is no amount, or the margin below 10,000.
        """
        price = self._price(model)
        if isinstance(price, Refused):
            return price
        if max_output_tokens is None:
            return Refused(OutputUnbounded(model))
        require_amount("input_tokens", input_tokens)
        require_amount("max_output_tokens", max_output_tokens)
        if type(margin_bp) is not int or margin_bp < BASIS_POINTS:
            raise InvalidValue("margin_bp", f"must be a whole number of {BASIS_POINTS} at least")
        dearest = Price(
            input=price.dearest_input, cached_input=0, cache_write=0, output=price.output
        )
        counts = TokenCounts(input=input_tokens, output=max_output_tokens)
        return {
            Dimension.USD_NANO: dearest.cost(counts, margin_bp=margin_bp),
            Dimension.INPUT_TOKENS: input_tokens,
            Dimension.OUTPUT_TOKENS: max_output_tokens,
        }

    def price(
        self, model: str, counts: TokenCounts
    ) -> Mapping[Dimension, int] | Refused[PriceUnknown]:
        """What a call has cost: what to reconcile it with.

        Returns:
            The usage for `reconcile`, tokens of input in one sum; or `PriceUnknown`.
        """
        require_kind("counts", counts, TokenCounts)
        price = self._price(model)
        if isinstance(price, Refused):
            return price
        return {
            Dimension.USD_NANO: price.cost(counts),
            Dimension.INPUT_TOKENS: counts.input + counts.cached_input + counts.cache_write,
            Dimension.OUTPUT_TOKENS: counts.output,
        }

    def _price(self, model: str) -> Price | Refused[PriceUnknown]:
        require_identifier("model", model)
        found = self.prices.get(model, self.assumed)
        return Refused(PriceUnknown(model)) if found is None else found
