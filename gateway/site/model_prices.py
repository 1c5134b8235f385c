"""What one model costs on one channel and what it can do, as people read it: dollars, by the million or the piece.

Everything is as it is charged: the channel's own price if it has one, times the smallest ratio of its groups, at this
hour of the day.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

from adapters.pricing.figures import UNITS_PER_USD
from adapters.pricing.price import AUDIO_AS_TEXT, Unit
from adapters.providers.model_facts import WORDS, load_facts
from gateway.channels.kinds import kind_of
from gateway.relay.endpoints import Kind

if TYPE_CHECKING:
    from adapters.pricing.price import Price, Rates
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services

ABILITIES: Final = ("vision", "tools", "reasoning", "embedding", "image", "audio", "video")
"""What can be said of a model, in the order in which it is said."""
Per = Literal["image", "minute", "characters", "call", "second of video", "audio in", "audio out"]

_MILLION: Final = 1_000_000
_MINUTE_S: Final = 60
# Sold by what is heard, drawn or said, whatever their row says of tokens.
_NO_TOKENS: Final = (Kind.IMAGES, Kind.TRANSCRIPTIONS, Kind.SPEECH)
# Others that take sound answer in words.
_SPEAKS: Final = re.compile(r"audio|realtime|-live\b|-tts\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrice:
    """Dollars per million tokens. `cached` and `written` are `None` where a cache makes no difference."""

    input_usd: Decimal
    output_usd: Decimal
    cached_usd: Decimal | None
    written_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One model on one channel. `tokens` is `None` for what is not sold by tokens."""

    tokens: TokenPrice | None
    pieces: tuple[tuple[Per, Decimal], ...]
    """What it costs by the piece; of sound in a chat per million tokens."""
    is_known: bool
    """Whether somebody set a price; else a fallback is charged."""
    is_own: bool
    """Whether the channel set it."""
    is_free: bool
    changes: bool
    """Whether the hour of the day, or the size of a request, makes it another one."""
    context: int
    most_output: int
    can: tuple[str, ...]


class PriceReader:
    """Reads terms, and keeps them for the moment: thousands of channels share the price of a model."""

    def __init__(self, services: Services) -> None:
        self._book = services.catalogue.prices
        self._facts = load_facts()

    def price(self, channel: ChannelView, model: str) -> Price:
        """Return the price of a model, as clients name it, on a channel, whatever the hour."""
        sent = channel.upstream_model(model)
        return self._book.resolve(channel.type, sent, channel.model_configs.get(sent))

    def terms(self, channel: ChannelView, model: str, *, now: float | None = None) -> Terms:
        """Return what a model costs on a channel, and what it can do there."""
        sent = channel.upstream_model(model)
        whole = self.price(channel, model)
        price = whole.at(time.time() if now is None else now)
        factor = Fraction(channel.group_ratio)
        own = channel.model_configs.get(sent)
        facts = self._facts.of(price.table, sent)
        kind = kind_of(channel, sent, price)
        by_tokens = price.unit is Unit.TOKEN and kind not in _NO_TOKENS
        return Terms(
            tokens=token_price(price.rates, factor) if by_tokens else None,
            pieces=_pieces(price, factor, kind, sent),
            is_known=not price.is_fallback,
            is_own=own is not None and bool(own.ratio or own.completion_ratio or own.cached_ratio),
            is_free=price.unit is Unit.FREE,
            changes=bool(whole.windows or price.tiers),
            context=facts.context,
            most_output=price.max_tokens or facts.output,
            can=_can(price, facts.can, kind),
        )


def token_price(rates: Rates, factor: Fraction) -> TokenPrice:
    """Return rates as people read them, times a group's ratio."""

    def usd(units: Fraction) -> Decimal:
        return _decimal(units * factor * _MILLION / UNITS_PER_USD)

    def unless_plain(units: Fraction) -> Decimal | None:
        return None if units == rates.ratio else usd(units)

    return TokenPrice(
        input_usd=usd(rates.ratio),
        output_usd=usd(rates.ratio * rates.completion_ratio),
        cached_usd=unless_plain(rates.cached_read),
        written_usd=unless_plain(rates.cache_write_5m),
    )


def _pieces(price: Price, factor: Fraction, kind: Kind | None, model: str) -> tuple[tuple[Per, Decimal], ...]:
    found: list[tuple[Per, Fraction]] = []
    per_million = price.rates.ratio * _MILLION / UNITS_PER_USD
    by_image = price.image.usd if price.image is not None else Fraction(0)
    if by_image:
        found.append(("image", by_image))
    elif kind is Kind.IMAGES:
        found.append(("image", price.rates.ratio / UNITS_PER_USD))
    if kind is Kind.SPEECH:
        found.append(("characters", per_million))
    elif kind is Kind.TRANSCRIPTIONS:
        found.append(("minute", _second_usd(price) * _MINUTE_S))
    elif price.unit is Unit.TOKEN and price.audio != AUDIO_AS_TEXT:
        found.append(("audio in", per_million * price.audio.input_ratio))
        if _SPEAKS.search(model):
            found.append(("audio out", per_million * price.audio.input_ratio * price.audio.output_ratio))
    if price.unit is Unit.PER_CALL:
        found.append(("call", price.rates.ratio / UNITS_PER_USD))
    if price.video is not None:
        found.append(("second of video", price.video.usd_per_second))
    return tuple((per, _decimal(usd * factor)) for per, usd in found)


def _second_usd(price: Price) -> Fraction:
    """Return what a second of sound costs to be listened to, by the rule that charges go by."""
    if price.unit is Unit.AUDIO_SECOND and price.audio.usd_per_second is not None and not price.is_override:
        return price.audio.usd_per_second
    return price.audio.tokens_per_second * price.rates.ratio / UNITS_PER_USD


def _can(price: Price, known: tuple[str, ...], kind: Kind | None) -> tuple[str, ...]:
    found = {word for word in known if word in WORDS}
    if kind is Kind.EMBEDDINGS or price.embedding:
        found.add("embedding")
    if price.unit is Unit.IMAGE or kind in (Kind.IMAGES, Kind.IMAGE_EDITS):
        found.add("image")
    if price.unit is Unit.AUDIO_SECOND or price.audio != AUDIO_AS_TEXT or kind in (Kind.SPEECH, Kind.TRANSCRIPTIONS):
        found.add("audio")
    if price.video is not None:
        found.add("video")
    return tuple(word for word in ABILITIES if word in found)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
