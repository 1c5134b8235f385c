"""The price tables as they lie in `tables/`: reading, checking, and turning rows into prices.

One JSON file per provider family, one line per model, sorted, figures in USD per million tokens (see
`figures.py` for how they are written). `in`, `out`, `cached`, `write_5m`, `write_1h`: absent cache figures
mean the plain input price, `"0"` means free. `tools.toml` holds fees per use of hosted tools.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from datetime import date, time
from fractions import Fraction
from importlib import resources
from typing import TYPE_CHECKING, Annotated

import msgspec

from adapters.pricing.figures import FIGURE_PATTERN, UNITS_PER_TOKEN, UNITS_PER_USD, figure
from adapters.pricing.price import (
    AudioPrice,
    ImagePrice,
    ImageTokens,
    Price,
    Rates,
    Tier,
    Unit,
    VideoPrice,
    Window,
    make_rates,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Figure = Annotated[str, msgspec.Meta(pattern=FIGURE_PATTERN)]


class TableError(Exception):
    """A price table does not say what it should. The message names file and place."""

    code = "price_table"


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of everything read from a table: a misspelt field is an error."""


class Money(_Row, frozen=True, kw_only=True):
    """The token prices of a model, a tier or a window."""

    input: Figure = msgspec.field(default="0", name="in")
    output: Figure = msgspec.field(default="0", name="out")
    cached: Figure | None = None
    write_5m: Figure | None = None
    write_1h: Figure | None = None


class TierRow(Money, frozen=True, kw_only=True):
    """Prices from a number of prompt or completion tokens on; absent cache figures are inherited."""

    from_input: int = 0
    from_output: int = 0


class WindowRow(Money, frozen=True, kw_only=True):
    """Prices at certain times."""

    utc_offset_h: int
    hours: list[str]
    weekdays: list[int] = []
    since: date | None = None
    until: date | None = None


class AudioRow(_Row, frozen=True, kw_only=True):
    """Audio ratios, and USD by the second."""

    input_ratio: Figure = "16"
    output_ratio: Figure = "2"
    tokens_per_second: int = 10
    output_tokens_per_second: int = 0
    second: Figure | None = None


class ImageTokenRow(_Row, frozen=True, kw_only=True):
    """USD per million image tokens."""

    input: Figure = msgspec.field(name="in")
    cached: Figure
    output: Figure = msgspec.field(name="out")


class ImageRow(_Row, frozen=True, kw_only=True):
    """USD per image, defaults, limits and multipliers; `count` is the least and perhaps the greatest number.

    `only`: the qualities that are sold, `refused`: members that the model refuses.
    """

    price: Figure
    size: str = ""
    quality: str = ""
    prompt_limit: int = 0
    count: tuple[int, ...] = (1,)
    sizes: dict[str, Figure] = {}
    qualities: dict[str, Figure] = {}
    tiers: dict[str, dict[str, Figure]] = {}
    only: list[str] = []
    refused: list[str] = []
    tokens: ImageTokenRow | None = None


class VideoRow(_Row, frozen=True, kw_only=True):
    """USD per second of video."""

    second: Figure
    size: str = ""
    tokens_per_second: int = 0
    sizes: dict[str, Figure] = {}


class ModelRow(Money, frozen=True, kw_only=True):
    """One line of a table. `call`: USD per call, for models billed so."""

    unit: Unit = Unit.TOKEN
    call: Figure | None = None
    tiers: list[TierRow] = []
    windows: list[WindowRow] = []
    audio: AudioRow | None = None
    image: ImageRow | None = None
    image_tokens: ImageTokenRow | None = None
    """Of pictures in a chat, where they do not cost what text does; those of `image` count, too."""
    video: VideoRow | None = None
    embedding: dict[str, Figure] = {}
    max_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables, by family; tool fees in quota units per use; fees of search models by name prefix."""

    models: Mapping[str, Mapping[str, ModelRow]]
    tool_units: Mapping[str, Mapping[str, int]]
    model_tool_units: Mapping[str, Mapping[str, Mapping[str, int]]]
    begun_tool_units: Mapping[str, Mapping[str, Mapping[str, int]]]
    """By family, then by the beginning of a model's name, of which the first that fits counts."""
    search_units: Mapping[str, Mapping[str, int]]


def load_tables(own: Path | None = None) -> Tables:
    """Read every table that is installed with this package, and those of the folder `own`.

    A line of an own table takes the place of the installed one for the same model. Raises `TableError`.
    """
    models: dict[str, dict[str, ModelRow]] = {}
    folder = resources.files("adapters.pricing") / "tables"
    for entry in folder.iterdir():
        if entry.name.endswith(".json"):
            models[entry.name.removesuffix(".json")] = _read_table(entry.name, entry.read_bytes())
    for path in sorted(own.glob("*.json")) if own else ():
        models.setdefault(path.stem, {}).update(_read_table(str(path), path.read_bytes()))
    try:
        fees = tomllib.loads((folder / "tools.toml").read_text("utf-8"))
        search = {name: _fees(sizes) for name, sizes in fees.pop("search").items()}
        by_family = {family: _fees(part["default"]) for family, part in fees.items()}
        by_model = {
            family: {model: {**by_family[family], **_fees(own)} for model, own in part["models"].items()}
            for family, part in fees.items()
            if "models" in part
        }
        begun = {
            family: {start: {**by_family[family], **_fees(own)} for start, own in part["beginnings"].items()}
            for family, part in fees.items()
            if "beginnings" in part
        }
    except (KeyError, ValueError) as error:
        raise TableError(f"tools.toml: {error}") from error
    return Tables(
        models=models,
        tool_units=by_family,
        model_tool_units=by_model,
        begun_tool_units=begun,
        search_units=search,
    )


def _read_table(name: str, text: bytes) -> dict[str, ModelRow]:
    try:
        return msgspec.json.decode(text, type=dict[str, ModelRow])
    except msgspec.DecodeError as error:
        raise TableError(f"{name}: {error}") from error


def _fees(usd_by_name: Mapping[str, str]) -> dict[str, int]:
    # Rounded up per use, before any factor, as the original does.
    return {name: math.ceil(figure(usd) * UNITS_PER_USD) for name, usd in usd_by_name.items()}


def price_of(row: ModelRow, *, table: str, tool_units: Mapping[str, int]) -> Price:
    """Return the price that a table's row describes."""
    rates = _rates(row)
    if row.call is not None:
        per_call = figure(row.call) * UNITS_PER_USD
        rates = make_rates(ratio=per_call, completion_ratio=Fraction(0))
    return Price(
        table=table,
        unit=row.unit,
        rates=rates,
        tiers=_tiers(row),
        windows=tuple(_window(w) for w in row.windows),
        audio=_audio(row.audio) if row.audio else AudioPrice(),
        image=_image(row.image) if row.image else None,
        image_tokens=_chat_image_tokens(row),
        video=_video(row.video) if row.video else None,
        embedding={kind: figure(usd) for kind, usd in row.embedding.items()},
        tool_units=tool_units,
        max_tokens=row.max_tokens,
    )


def _rates(money: Money, inherited: Money | None = None) -> Rates:
    ratio = figure(money.input) * UNITS_PER_TOKEN
    # A free model has no output ratio of its own; 1 serves where a channel sets an input price.
    completion = figure(money.output) * UNITS_PER_TOKEN / ratio if ratio else Fraction(1)
    cached, write_5m, write_1h = money.cached, money.write_5m, money.write_1h
    if inherited is not None:
        cached = cached or inherited.cached
        write_5m = write_5m or inherited.write_5m
        write_1h = write_1h or inherited.write_1h
    return make_rates(
        ratio=ratio,
        completion_ratio=completion,
        cached_read=_units(cached),
        cache_write_5m=_units(write_5m),
        cache_write_1h=_units(write_1h),
    )


def _units(usd: str | None) -> Fraction | None:
    return None if usd is None else figure(usd) * UNITS_PER_TOKEN


def _tiers(row: ModelRow) -> tuple[Tier, ...]:
    tiers = []
    below: Money = row
    for tier in row.tiers:
        tiers.append(Tier(from_input=tier.from_input, from_output=tier.from_output, rates=_rates(tier, below)))
        below = Money(
            input=tier.input,
            output=tier.output,
            cached=tier.cached or below.cached,
            write_5m=tier.write_5m or below.write_5m,
            write_1h=tier.write_1h or below.write_1h,
        )
    return tuple(tiers)


def _window(row: WindowRow) -> Window:
    spans = (span.partition("-") for span in row.hours)
    return Window(
        utc_offset_h=row.utc_offset_h,
        hours=tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, _, end in spans),
        weekdays=frozenset(row.weekdays),
        since=row.since,
        until=row.until,
        rates=_rates(row),
    )


def _audio(row: AudioRow) -> AudioPrice:
    return AudioPrice(
        input_ratio=figure(row.input_ratio),
        output_ratio=figure(row.output_ratio),
        tokens_per_second=row.tokens_per_second,
        output_tokens_per_second=row.output_tokens_per_second,
        usd_per_second=None if row.second is None else figure(row.second),
    )


def _image(row: ImageRow) -> ImagePrice:
    return ImagePrice(
        usd=figure(row.price),
        default_size=row.size,
        default_quality=row.quality,
        prompt_limit=row.prompt_limit,
        min_count=row.count[0],
        max_count=row.count[1] if len(row.count) > 1 else 0,
        sizes=_multipliers(row.sizes),
        qualities=_multipliers(row.qualities),
        tiers={quality: _multipliers(sizes) for quality, sizes in row.tiers.items()},
        only_qualities=tuple(row.only),
        refused=tuple(row.refused),
        tokens=_image_tokens(row.tokens) if row.tokens else None,
    )


def _chat_image_tokens(row: ModelRow) -> ImageTokens | None:
    tokens = row.image_tokens or (row.image.tokens if row.image else None)
    return _image_tokens(tokens) if tokens else None


def _image_tokens(row: ImageTokenRow) -> ImageTokens:
    return ImageTokens(
        input=figure(row.input) * UNITS_PER_TOKEN,
        cached=figure(row.cached) * UNITS_PER_TOKEN,
        output=figure(row.output) * UNITS_PER_TOKEN,
    )


def _video(row: VideoRow) -> VideoPrice:
    return VideoPrice(
        usd_per_second=figure(row.second),
        base_size=row.size,
        tokens_per_second=row.tokens_per_second,
        sizes=_multipliers(row.sizes),
    )


def _multipliers(figures: Mapping[str, str]) -> dict[str, Fraction]:
    return {name: figure(text) for name, text in figures.items()}
