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
    return [_row(services, model, channels) for model, channels in sorted(served.items())]


def _row(services: Services, model: str, channels: list[ChannelView]) -> ModelRow:
    inputs: list[Decimal] = []
    outputs: list[Decimal] = []
    limit, has_price = 0, True
    for channel in channels:
        sent = channel.upstream_model(model)
        price = services.catalogue.prices.resolve(channel.type, sent, channel.model_configs.get(sent))
        usd = price.rates.ratio * Fraction(channel.group_ratio) * _MILLION / UNITS_PER_USD
        inputs.append(_decimal(usd))
        outputs.append(_decimal(usd * price.rates.completion_ratio))
        limit = max(limit, price.max_tokens)
        has_price = has_price and not price.is_fallback
    return ModelRow(
        model=model,
        providers=tuple(dict.fromkeys(channel.provider.name for channel in channels)),
        channels=len(channels),
        input_usd=(min(inputs), max(inputs)),
        output_usd=(min(outputs), max(outputs)),
        max_tokens=limit,
        has_price=has_price,
    )


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
