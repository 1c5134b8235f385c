"""All prices of one model: a row for each that differs, with its steps by size and by the hour; and by group."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from gateway.site.model_prices import token_price

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.pricing.price import Price, Window
    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.site.model_prices import PriceReader, Terms, TokenPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Another price, from a size of the request on. Numbers of tokens, 0 where they do not count."""

    from_input: int
    from_output: int
    price: TokenPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Another price at certain times, all by the clock of `utc_offset_h`."""

    window: Window
    price: TokenPrice
    is_now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One price, and the channels that sell at it."""

    channels: list[ChannelView] = field(default_factory=list)
    sent_model: str
    terms: Terms
    steps: Sequence[Step]
    hours: Sequence[Hours]

    @property
    def providers(self) -> list[str]:
        """Whose price it is."""
        return list(dict.fromkeys(channel.provider.name for channel in self.channels))

    @property
    def group_ratio(self) -> Fraction:
        """What the prices were multiplied by."""
        return Fraction(self.channels[0].group_ratio)


def offers(reader: PriceReader, model: str, channels: Iterable[ChannelView]) -> list[Offer]:
    """Return the prices of `model`, the cheapest first."""
    now = time.time()
    found: dict[tuple[object, ...], Offer] = {}
    for channel in channels:
        sent = channel.upstream_model(model)
        key = (channel.type, sent, channel.group_ratio, channel.model_configs.get(sent))
        offer = found.get(key)
        if offer is None:
            offer = found[key] = _offer(reader, model, channel, now)
        offer.channels.append(channel)
    return sorted(found.values(), key=_cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPrice:
    """What a group pays for a model: over how many channels, and from the cheapest price to the dearest."""

    group: str
    channels: int
    ratios: tuple[Fraction, Fraction]
    cheapest: Terms
    dearest: Terms


def group_prices(reader: PriceReader, snapshot: Snapshot, model: str, groups: Iterable[str]) -> list[GroupPrice]:
    """Return what each group that can use `model` pays."""
    found = []
    for group in groups:
        known = offers(reader, model, snapshot.candidates(group, model))
        if known:
            ratios = [offer.group_ratio for offer in known]
            found.append(
                GroupPrice(
                    group=group,
                    channels=sum(len(offer.channels) for offer in known),
                    ratios=(min(ratios), max(ratios)),
                    cheapest=known[0].terms,
                    dearest=known[-1].terms,
                )
            )
    return found


def _offer(reader: PriceReader, model: str, channel: ChannelView, now: float) -> Offer:
    price, factor = reader.price(channel, model), Fraction(channel.group_ratio)
    terms = reader.terms(channel, model, now=now)
    by_tokens = terms.tokens is not None
    return Offer(
        sent_model=channel.upstream_model(model),
        terms=terms,
        steps=_steps(price, factor) if by_tokens else (),
        hours=[
            Hours(window=window, price=token_price(window.rates, factor), is_now=window.covers(now))
            for window in price.windows
        ]
        if by_tokens
        else (),
    )


def _steps(price: Price, factor: Fraction) -> list[Step]:
    return [
        Step(from_input=tier.from_input, from_output=tier.from_output, price=token_price(tier.rates, factor))
        for tier in price.tiers
    ]


def _cost(offer: Offer) -> tuple[bool, object]:
    tokens = offer.terms.tokens
    return tokens is None, (tokens.input_usd + tokens.output_usd) if tokens is not None else 0
