"""What one model costs: frozen values, exact, ready for the arithmetic of a charge.

Prices are held twice: as fractions for people (ratio = quota units per input token, completion ratio = output
price by input price) and as integers over one common `scale` for the hot path, where a charge is a handful of
integer products and one division.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, time
    from decimal import Decimal

DEFAULT_AUDIO_INPUT_RATIO = Fraction(16)
"""Price of an audio token by that of a text token, for models that publish none."""
DEFAULT_AUDIO_OUTPUT_RATIO = Fraction(2)
DEFAULT_AUDIO_TOKENS_PER_SECOND = 10


class Unit(Enum):
    """What a model is billed by."""

    TOKEN = "token"  # noqa: S105 - a unit, not a secret
    IMAGE = "image"
    VIDEO_SECOND = "video_second"
    VIDEO_TOKEN = "video_token"  # noqa: S105 - a unit, not a secret
    AUDIO_SECOND = "audio_second"
    PER_CALL = "per_call"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A channel's own price for one model; `None` = as the tables say. `max_tokens` 0 = no limit.

    `cached_ratio` is the price of a token that was read from a cache by that of an input token.
    """

    ratio: Decimal | None = None
    completion_ratio: Decimal | None = None
    cached_ratio: Decimal | None = None
    max_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices in force for one request, in quota units per token. Build with `make_rates`.

    `*_units` are the same prices as integers: units per token times `scale`.
    """

    ratio: Fraction
    completion_ratio: Fraction
    cached_read: Fraction
    cache_write_5m: Fraction
    cache_write_1h: Fraction
    scale: int
    input_units: int
    output_units: int
    cached_read_units: int
    cache_write_5m_units: int
    cache_write_1h_units: int


def make_rates(
    *,
    ratio: Fraction,
    completion_ratio: Fraction,
    cached_read: Fraction | None = None,
    cache_write_5m: Fraction | None = None,
    cache_write_1h: Fraction | None = None,
) -> Rates:
    """Return rates; a cache price that is `None` is the plain input price, and 0 is free."""
    cached_read = ratio if cached_read is None else cached_read
    cache_write_5m = ratio if cache_write_5m is None else cache_write_5m
    cache_write_1h = ratio if cache_write_1h is None else cache_write_1h
    output = ratio * completion_ratio
    scale = lcm(*(x.denominator for x in (ratio, output, cached_read, cache_write_5m, cache_write_1h)))
    return Rates(
        ratio=ratio,
        completion_ratio=completion_ratio,
        cached_read=cached_read,
        cache_write_5m=cache_write_5m,
        cache_write_1h=cache_write_1h,
        scale=scale,
        input_units=int(ratio * scale),
        output_units=int(output * scale),
        cached_read_units=int(cached_read * scale),
        cache_write_5m_units=int(cache_write_5m * scale),
        cache_write_1h_units=int(cache_write_1h * scale),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Rates for the whole request once its prompt and its answer have at least so many tokens."""

    from_input: int = 0
    from_output: int = 0
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rates at certain hours, on certain days, between certain dates, all by the clock of `utc_offset_h`.

    A span of hours may run past midnight; one that ends where it begins is the whole day. `weekdays` counts
    from Sunday = 0, empty = every day. `until` is the first day without.
    """

    utc_offset_h: int
    hours: tuple[tuple[time, time], ...]
    weekdays: frozenset[int]
    since: date | None
    until: date | None
    rates: Rates

    def covers(self, unix_s: float) -> bool:
        """Say whether this window is open at `unix_s`."""
        there = datetime.fromtimestamp(unix_s, UTC) + timedelta(hours=self.utc_offset_h)
        today, now = there.date(), there.time()
        if (self.since and today < self.since) or (self.until and today >= self.until):
            return False
        if self.weekdays and there.isoweekday() % 7 not in self.weekdays:
            return False
        return any(start <= now < end if start < end else now >= start or now < end for start, end in self.hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPrice:
    """Audio tokens against text tokens, and prices by the second (USD) where a provider publishes them.

    Without figures it is that of OpenAI's models for audio; others, whose providers publish no price for sound,
    count it as text (`AUDIO_AS_TEXT`).
    """

    input_ratio: Fraction = DEFAULT_AUDIO_INPUT_RATIO
    output_ratio: Fraction = DEFAULT_AUDIO_OUTPUT_RATIO
    """Price of an audio token of the answer by that of an audio token of the prompt."""
    tokens_per_second: int = DEFAULT_AUDIO_TOKENS_PER_SECOND
    output_tokens_per_second: int = 0
    usd_per_second: Fraction | None = None


AUDIO_AS_TEXT = AudioPrice(input_ratio=Fraction(1), output_ratio=Fraction(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTokens:
    """Quota units per image token; text that goes in with an image has the model's own rates."""

    input: Fraction
    cached: Fraction
    output: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrice:
    """Price of one image and what its size and quality multiply it by. `max_count` 0 = no limit."""

    usd: Fraction
    default_size: str = ""
    default_quality: str = ""
    prompt_limit: int = 0
    min_count: int = 1
    max_count: int = 0
    sizes: Mapping[str, Fraction]
    qualities: Mapping[str, Fraction]
    tiers: Mapping[str, Mapping[str, Fraction]]
    """By quality, then size; the quality `default` stands for those not named."""
    only_qualities: tuple[str, ...] = ()
    """The qualities that are sold; empty: all."""
    refused: tuple[str, ...] = ()
    """Members of a request that this model refuses, and clients send all the same."""
    tokens: ImageTokens | None = None
    """What a request costs whose answer reports tokens."""

    def factor(self, size: str, quality: str) -> Fraction | None:
        """Return what `usd` is multiplied by, or `None` for a size that is not in the tables.

        Where the model may choose the size itself (`auto`), the dearest counts.
        """
        if size == "auto" and "auto" in self.tiers:
            return max((self.tiers.get(quality) or self.tiers["auto"]).values())
        for name in (quality, "default"):
            found = self.tiers.get(name, {}).get(size)
            if found is not None:
                return found
        by_size = self.sizes.get(size)
        # Where one size alone has a price, the price is the same for all: Imagen's, for example.
        if by_size is None and (self.tiers or len(self.sizes) > 1):
            return None
        return (by_size or Fraction(1)) * self.qualities.get(quality, Fraction(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPrice:
    """Price of a second of video, and what a resolution multiplies it by."""

    usd_per_second: Fraction
    base_size: str = ""
    tokens_per_second: int = 0
    sizes: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """All about the cost of one model on one provider.

    `table` names where it was found, empty for the fallback. `is_override`: the channel set the ratio.
    `tool_units`: quota units per use of a hosted tool.
    """

    table: str
    unit: Unit
    rates: Rates
    tiers: tuple[Tier, ...] = ()
    windows: tuple[Window, ...] = ()
    audio: AudioPrice
    image: ImagePrice | None = None
    image_tokens: ImageTokens | None = None
    """What tokens of pictures cost in a chat; `None`: as text."""
    video: VideoPrice | None = None
    embedding: Mapping[str, Fraction]
    """USD by kind of input (`text`, `image`, `per_image` …) where an embedding model tells them apart."""
    tool_units: Mapping[str, int]
    max_tokens: int = 0
    is_fallback: bool = False
    is_override: bool = False

    def rates_for(self, prompt_tokens: int, completion_tokens: int) -> Rates:
        """Return the rates of the highest tier that a request of this size reaches."""
        rates = self.rates
        for tier in self.tiers:
            if prompt_tokens >= tier.from_input and completion_tokens >= tier.from_output:
                rates = tier.rates
        return rates

    def at(self, unix_s: float) -> Price:
        """Return this price as it is at `unix_s`: itself, unless a time window changes it."""
        for window in self.windows:
            if window.covers(unix_s):
                return replace(self, rates=window.rates, tiers=(), windows=())
        return self
