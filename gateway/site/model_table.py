"""Which models somebody can use here, and what each costs: one row a model, whichever channels serve it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from adapters.pricing.figures import UNITS_PER_USD
from storage.records import ChannelStatus

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services
    from storage.records import User

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model. Prices are in dollars per million tokens, from the cheapest channel to the dearest."""

    model: str
    providers: tuple[str, ...]
    channels: int
    input_usd: tuple[Decimal, Decimal]
    output_usd: tuple[Decimal, Decimal]
    max_tokens: int
    """0 where none is known."""
    has_price: bool
    """Whether every channel that serves it has a price; else a fallback is charged there."""


def model_table(services: Services, person: User, *, everything: bool = False) -> list[ModelRow]:
    """Return the models of a person's group, by name; with `everything` those of all enabled channels."""
    served: dict[str, list[ChannelView]] = {}
    for channel in services.registry.current.channels.values():
        if channel.status != ChannelStatus.ENABLED or not (everything or person.group in channel.groups):
            continue
        for model in channel.models:
            served.setdefault(model, []).append(channel)
    costs = _Costs(services)
    return [_row(costs, model, channels) for model, channels in sorted(served.items())]


@dataclass(frozen=True, slots=True)
class _Cost:
    input_usd: Decimal
    output_usd: Decimal
    max_tokens: int
    has_price: bool


class _Costs:
    """Prices that were looked up already: thousands of channels share the default of a model."""

    def __init__(self, services: Services) -> None:
        self._book = services.catalogue.prices
        self._known: dict[tuple[int, str, Decimal], _Cost] = {}

    def of(self, channel: ChannelView, model: str) -> _Cost:
        """Return what a channel charges for a model."""
        sent = channel.upstream_model(model)
        own = channel.model_configs.get(sent)
        key = (channel.type, sent, channel.group_ratio)
        found = self._known.get(key) if own is None else None
        if found is None:
            price = self._book.resolve(channel.type, sent, own)
            usd = price.rates.ratio * Fraction(channel.group_ratio) * _MILLION / UNITS_PER_USD
            output = usd * price.rates.completion_ratio
            found = _Cost(_decimal(usd), _decimal(output), price.max_tokens, not price.is_fallback)
            if own is None:
                self._known[key] = found
        return found


def _row(costs: _Costs, model: str, channels: list[ChannelView]) -> ModelRow:
    found = [costs.of(channel, model) for channel in channels]
    inputs = [cost.input_usd for cost in found]
    outputs = [cost.output_usd for cost in found]
    return ModelRow(
        model=model,
        providers=tuple(dict.fromkeys(channel.provider.name for channel in channels)),
        channels=len(channels),
        input_usd=(min(inputs), max(inputs)),
        output_usd=(min(outputs), max(outputs)),
        max_tokens=max(cost.max_tokens for cost in found),
        has_price=all(cost.has_price for cost in found),
    )


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
