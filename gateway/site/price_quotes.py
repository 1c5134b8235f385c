"""What a request would have cost on each channel that serves a model: the very charge, line by line."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from adapters.pricing.charge import charge
from adapters.pricing.price import Unit
from adapters.pricing.usage import Usage
from gateway.site.model_prices import token_price

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView
    from gateway.site.model_prices import PriceReader, TokenPrice

MOST_TOKENS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A request by its numbers. `cached` are those of `prompt` that were read from a cache."""

    prompt: int
    cached: int
    completion: int

    @property
    def fresh(self) -> int:
        """Tokens of the prompt at the full price."""
        return max(self.prompt - self.cached, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one channel would charge. `units` is `None` where the model is not sold by tokens there."""

    channel: ChannelView
    sent_model: str
    price: TokenPrice | None
    """Before the group's ratio, at the size of this request."""
    units: int | None
    is_own: bool
    is_known: bool
    tier_from: int
    """From how many tokens of the prompt on this price holds; 0: the plain one."""
    is_at_other_hours: bool
    """Whether another price holds at other hours."""

    @property
    def group_ratio(self) -> Fraction:
        """What the price is multiplied by."""
        return Fraction(self.channel.group_ratio)


def quotes(
    reader: PriceReader, model: str, channels: Sequence[ChannelView], tokens: Tokens, *, now: float | None = None
) -> list[Quote]:
    """Return a quote for each channel, the cheapest first; those that sell otherwise stand last."""
    moment = time.time() if now is None else now
    # Thousands of channels share a price.
    known: dict[tuple[object, ...], Quote] = {}
    found = []
    for channel in channels:
        sent = channel.upstream_model(model)
        key = (channel.type, sent, channel.group_ratio, channel.model_configs.get(sent))
        quote = known.get(key)
        if quote is None:
            quote = known[key] = _quote(reader, model, channel, tokens, moment)
        found.append(replace(quote, channel=channel))
    return sorted(found, key=lambda quote: (quote.units is None, quote.units or 0, -quote.channel.priority))


def _quote(reader: PriceReader, model: str, channel: ChannelView, tokens: Tokens, now: float) -> Quote:
    sent = channel.upstream_model(model)
    whole = reader.price(channel, model)
    price = whole.at(now)
    terms = reader.terms(channel, model, now=now)
    sold = terms.tokens is not None or price.unit in (Unit.FREE, Unit.PER_CALL)
    usage = Usage(input=tokens.fresh, cached_read=min(tokens.cached, tokens.prompt), output=tokens.completion)
    rates = price.rates_for(usage.prompt_total, usage.completion_total)
    return Quote(
        channel=channel,
        sent_model=sent,
        price=token_price(rates, Fraction(1)) if terms.tokens is not None else None,
        units=charge(price, usage, channel.group_ratio).units if sold else None,
        is_own=terms.is_own,
        is_known=terms.is_known,
        tier_from=_tier_from(price, usage),
        is_at_other_hours=bool(whole.windows),
    )


def _tier_from(price: Price, usage: Usage) -> int:
    reached = [
        tier.from_input
        for tier in price.tiers
        if usage.prompt_total >= tier.from_input and usage.completion_total >= tier.from_output
    ]
    return reached[-1] if reached else 0
