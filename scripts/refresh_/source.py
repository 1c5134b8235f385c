"""What `genai-prices` knows of a model, in the terms of our price tables.

https://github.com/pydantic/genai-prices is kept by hand and by programs from the providers' own price lists. Its
figures are USD per million tokens; a price per hour of sound becomes one per second. What our tables have no place
for (batches, flex and priority tiers, fees of hosted tools) is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version
from typing import TYPE_CHECKING

from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ModelInfo,
    ModelPrice,
    TieredPrices,
    TimeOfDateConstraint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import Provider

SOURCE_NAME = "genai-prices"

FAMILIES: dict[str, tuple[str, ...]] = {
    "anthropic": ("anthropic",),
    "cerebras": ("cerebras",),
    "cloudflare": ("cloudflare",),
    "cohere": ("cohere",),
    "deepseek": ("deepseek",),
    "fireworks": ("fireworks",),
    "gemini": ("google",),
    "geminiOpenaiCompatible": ("google",),
    "groq": ("groq",),
    "mistral": ("mistral",),
    "novita": ("novita",),
    "openai": ("openai",),
    "openrouter": ("openrouter",),
    "togetherai": ("together",),
    "vertexai": ("google", "anthropic"),
    "xai": ("x-ai",),
}
"""Our price tables and who in the source has them.

The others are priced in yuan (the source has MiniMax, Moonshot and Zhipu at their international sites), call models
otherwise (AWS: by region; Azure: by deployment), or are not there at all.
"""

_NOTHING = re.compile(r"(?!)")
_ELSEWHERE = {"gemini": re.compile("claude"), "geminiOpenaiCompatible": re.compile("claude")}
"""By table: what the source files with its provider, and another service of that provider sells."""
_UNTOLD = re.compile(r"[-@]\d{8}$|-\d{4}-\d{2}-\d{2}$|-latest$|-v1:0$")
"""What tells a name from another name of the same model."""

_SECONDS_PER_HOUR = 3600
_PRICES = {
    "in": "input_mtok",
    "out": "output_mtok",
    "cached": "cache_read_mtok",
    "write_5m": "cache_write_mtok",
    "write_1h": "cache_write_1h_mtok",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Prices from a number of prompt tokens on, USD per million tokens."""

    from_input: int
    usd: dict[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One model as the source knows it. Prices are in USD by the names of our tables' fields."""

    name: str
    usd: dict[str, Decimal] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    audio_in: Decimal | None = None
    audio_out: Decimal | None = None
    second: Fraction | None = None
    image_in: Decimal | None = None
    image_cached: Decimal | None = None
    image_out: Decimal | None = None
    is_retiring: bool = False
    is_sure: bool = True
    """The name is one that the source lists, or differs from it by a date at most. Others are guesses by pattern."""
    by_the_clock: bool = False
    """The price depends on the time of day, which is not read from the source."""


class Source:
    """The packaged data, or newer data of the same form, at one moment."""

    def __init__(self, snapshot: DataSnapshot, now: datetime) -> None:
        self._providers = {provider.id: provider for provider in snapshot.providers}
        self._now = now

    @property
    def label(self) -> str:
        """What is noted beside a price that came from here."""
        return f"{SOURCE_NAME} {version(SOURCE_NAME)}, {self._now:%Y-%m-%d}"

    def find(self, family: str, model: str) -> Found | None:
        """Return what is known of `model` of the table `family`, or `None`."""
        for provider in self._of(family):
            info = provider.find_model(model)
            if info is not None:
                return _read(info, self._now, is_sure=_stem(model) in map(_stem, _names(info)))
        return None

    def names(self, family: str) -> Iterator[str]:
        """Yield the names of all models that are still offered and are called exactly so."""
        for provider in self._of(family):
            for info in provider.models:
                if not info.deprecated and not _ELSEWHERE.get(family, _NOTHING).search(info.id):
                    yield from _names(info)

    def _of(self, family: str) -> list[Provider]:
        return [self._providers[name] for name in FAMILIES.get(family, ()) if name in self._providers]


def _names(info: ModelInfo) -> list[str]:
    clauses = info.match.or_ if isinstance(info.match, ClauseOr) else [info.match]
    equal = [clause.equals for clause in clauses if isinstance(clause, ClauseEquals)]
    # Clauses are lower case; where one stands for the id, its own spelling counts.
    own = [info.id] if info.is_match(info.id) else []
    return [*own, *(name for name in equal if name != info.id.lower())]


def _stem(name: str) -> str:
    return _UNTOLD.sub("", name.lower().removeprefix("accounts/fireworks/models/"))


def _read(info: ModelInfo, now: datetime, *, is_sure: bool) -> Found:
    prices = info.get_prices(now)
    usd, steps = _token_prices(prices)
    sound = prices.__dict__.get("input_audio_hours") or prices.__dict__.get("audio_hours")
    return Found(
        name=info.id,
        usd=usd,
        steps=steps,
        audio_in=_plain(prices, "input_audio_mtok"),
        audio_out=_plain(prices, "output_audio_mtok"),
        second=Fraction(sound) / _SECONDS_PER_HOUR if isinstance(sound, Decimal) else None,
        image_in=_plain(prices, "input_image_mtok"),
        image_cached=_plain(prices, "cache_image_read_mtok"),
        image_out=_plain(prices, "output_image_mtok"),
        is_retiring=bool(info.deprecated),
        is_sure=is_sure,
        by_the_clock=_depends_on_the_hour(info, now),
    )


def _depends_on_the_hour(info: ModelInfo, now: datetime) -> bool:
    for one in reversed(info.prices if isinstance(info.prices, list) else []):
        if isinstance(one.constraint, TimeOfDateConstraint):
            return True
        if one.constraint is None or one.constraint.active(now):
            # What stood before is replaced from here on.
            return False
    return False


def _plain(prices: ModelPrice, name: str) -> Decimal | None:
    value = prices.__dict__.get(name)
    if isinstance(value, TieredPrices):
        return value.base
    return value if isinstance(value, Decimal) else None


def _token_prices(prices: ModelPrice) -> tuple[dict[str, Decimal], tuple[Step, ...]]:
    usd: dict[str, Decimal] = {}
    starts: set[int] = set()
    values: dict[str, Decimal | TieredPrices] = {}
    for ours, theirs in _PRICES.items():
        value = prices.__dict__.get(theirs)
        if isinstance(value, TieredPrices):
            starts |= {tier.start for tier in value.tiers}
            usd[ours] = value.base
        elif isinstance(value, Decimal):
            usd[ours] = value
        else:
            continue
        values[ours] = value
    # The source's tiers begin above their limit, ours at it.
    steps = tuple(
        Step(from_input=start + 1, usd={name: _at(value, start) for name, value in values.items()})
        for start in sorted(starts)
    )
    return usd, steps


def _at(value: Decimal | TieredPrices, start: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    reached = [tier.price for tier in value.tiers if tier.start <= start]
    return reached[-1] if reached else value.base
