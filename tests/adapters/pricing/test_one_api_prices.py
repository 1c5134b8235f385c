"""Whoever replaces one-api charges what it charges: its default prices, model by model, are ours.

`one_api_prices.json` holds them in USD, with what its releases got wrong by a factor put right. What differs on
purpose is named in `revised.toml`.
"""

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from adapters.pricing.book import PriceBook
from adapters.pricing.figures import UNITS_PER_USD
from adapters.pricing.price import Price, Rates
from adapters.pricing.revised import load_revised
from adapters.pricing.tables import load_tables

HERE = Path(__file__).parent
THEIRS: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "one_api_prices.json").read_text("utf-8"))
TOOLS: dict[str, dict[str, Any]] = json.loads((HERE / "one_api_tool_fees.json").read_text("utf-8"))
REVISED = load_revised()
TABLES = load_tables()
CACHES = {
    "cached": "usd_per_1m_cached_input",
    "write_5m": "usd_per_1m_cache_write_5m",
    "write_1h": "usd_per_1m_cache_write_1h",
}
KINDS = {
    "text": "usd_per_1m_text_tokens",
    "image": "usd_per_1m_image_tokens",
    "audio": "usd_per_1m_audio_tokens",
    "video": "usd_per_1m_video_tokens",
    "per_image": "usd_per_image",
    "per_audio_second": "usd_per_audio_second",
    "per_video_frame": "usd_per_video_frame",
}


def close(ours: Fraction | float, theirs: float) -> bool:
    return float(ours) == pytest.approx(theirs, rel=1e-6, abs=1e-15)


def close_all(ours: dict[str, Fraction], theirs: dict[str, float]) -> bool:
    return ours.keys() == theirs.keys() and all(close(ours[name], theirs[name]) for name in ours)


def usd(rates: Rates) -> dict[str, float]:
    """Prices per million tokens, where a cache has no price of its own: the input price."""
    return {
        "in": float(rates.ratio * 2),
        "out": float(rates.ratio * 2 * rates.completion_ratio),
        "cached": float(rates.cached_read * 2),
        "write_5m": float(rates.cache_write_5m * 2),
        "write_1h": float(rates.cache_write_1h * 2),
    }


def step(entry: dict[str, Any], below: dict[str, float]) -> dict[str, float]:
    """What a tier or window says, completed from what holds below it."""
    plain = entry.get("usd_per_1m_input", below["in"])
    output = entry.get("usd_per_1m_output")
    if output is None:
        output = plain * entry.get("completion_ratio", below["out"] / below["in"])
    found = {"in": plain, "out": output}
    for name, theirs in CACHES.items():
        inherited = plain if below[name] == below["in"] else below[name]
        found[name] = entry.get(theirs, inherited)
    return found


def differences(price: Price, theirs: dict[str, Any]) -> list[str]:
    found = [] if price.unit.value == theirs["unit"] else ["unit"]
    if "call" in theirs:
        if not close(price.rates.ratio, theirs["call"] * UNITS_PER_USD):
            found.append("call")
    elif not _tokens_agree(price, theirs):
        found.append("tokens")
    if price.max_tokens != theirs.get("max_tokens", 0):
        found.append("max_tokens")
    for name, agrees in (
        ("image", _images_agree),
        ("audio", _audio_agrees),
        ("video", _video_agrees),
        ("embedding", _embeddings_agree),
    ):
        if name in theirs and not agrees(price, theirs[name]):
            found.append(name)
        if name not in theirs and name in ("image", "video", "embedding") and getattr(price, name):
            found.append(f"{name}, which one-api has not")
    return found


def _tokens_agree(price: Price, theirs: dict[str, Any]) -> bool:
    base = {"in": theirs["in"], "out": theirs["out"]}
    base |= {name: theirs.get(name, theirs["in"]) for name in CACHES}
    tiers, windows = theirs.get("tiers", []), theirs.get("time_windows", [])
    if len(price.tiers) != len(tiers) or len(price.windows) != len(windows):
        return False
    agree = [usd(price.rates) == pytest.approx(base, rel=1e-6)]
    below = base
    for tier, other in zip(price.tiers, tiers, strict=True):
        below = step(other, below)
        agree.append(usd(tier.rates) == pytest.approx(below, rel=1e-6))
        limits = other.get("min_input_tokens", 0), other.get("min_output_tokens", 0)
        agree.append((tier.from_input, tier.from_output) == limits)
    for window, other in zip(price.windows, windows, strict=True):
        agree.append(usd(window.rates) == pytest.approx(step(other, base), rel=1e-6))
        agree.append(window.utc_offset_h == {"UTC": 0, "Asia/Shanghai": 8}[other["timezone"]])
        agree.append(window.weekdays == frozenset(other.get("days_of_week", ())))
        dates = [date.fromisoformat(other[n]) if n in other else None for n in ("date_from", "date_to")]
        agree.append([window.since, window.until] == dates)
        hours = [(r["start"], r["end"]) for r in other["ranges"]]
        agree.append([(f"{a:%H:%M}", f"{b:%H:%M}") for a, b in window.hours] == hours)
    return all(agree)


def _images_agree(price: Price, theirs: dict[str, Any]) -> bool:
    ours = price.image
    by_quality = theirs.get("quality_size_multipliers", {})
    return ours is not None and all(
        (
            close(ours.usd, theirs["price_per_image_usd"]),
            ours.default_size == theirs.get("default_size", ""),
            ours.default_quality == theirs.get("default_quality", ""),
            ours.prompt_limit == theirs.get("prompt_token_limit", 0),
            (ours.min_count, ours.max_count) == (theirs["min_images"], theirs.get("max_images", 0)),
            close_all(dict(ours.sizes), theirs.get("size_multipliers", {})),
            close_all(dict(ours.qualities), theirs.get("quality_multipliers", {})),
            ours.tiers.keys() == by_quality.keys(),
            all(close_all(dict(ours.tiers[quality]), sizes) for quality, sizes in by_quality.items()),
        )
    )


def _audio_agrees(price: Price, theirs: dict[str, Any]) -> bool:
    ours = price.audio
    return all(
        (
            close(ours.input_ratio, theirs.get("prompt_ratio", 16)),
            close(ours.output_ratio, theirs.get("completion_ratio", 2)),
            ours.tokens_per_second == theirs.get("prompt_tokens_per_second", 10),
            ours.output_tokens_per_second == theirs.get("completion_tokens_per_second", 0),
            close(ours.usd_per_second or 0, theirs.get("usd_per_second", 0)),
        )
    )


def _video_agrees(price: Price, theirs: dict[str, Any]) -> bool:
    ours = price.video
    return ours is not None and all(
        (
            close(ours.usd_per_second, theirs["per_second_usd"]),
            ours.base_size == theirs.get("base_resolution", ""),
            ours.tokens_per_second == theirs.get("tokens_per_second", 0),
            close_all(dict(ours.sizes), theirs.get("resolution_multipliers", {})),
        )
    )


def _embeddings_agree(price: Price, theirs: dict[str, Any]) -> bool:
    return close_all(dict(price.embedding), {kind: theirs[name] for kind, name in KINDS.items() if name in theirs})


@pytest.mark.parametrize("family", sorted(THEIRS))
def test_default_prices_are_those_of_one_api(book: PriceBook, family: str) -> None:
    ours, found = book.table(family), {}
    for model, theirs in THEIRS[family].items():
        if model in REVISED.get(family, {}):
            continue
        found[model] = differences(ours[model], theirs) if model in ours else ["missing"]
    assert {model: why for model, why in found.items() if why} == {}


def test_all_tables_of_one_api_are_compared() -> None:
    assert sum(map(len, THEIRS.values())) == 2602
    assert THEIRS.keys() == TABLES.models.keys()


def test_what_is_revised_is_in_a_table_and_says_where_from(book: PriceBook) -> None:
    for family, models in REVISED.items():
        ours = book.table(family)
        for model, source in models.items():
            assert model in ours, (family, model)
            assert source, (family, model)


@pytest.mark.parametrize("family", sorted(TOOLS))
def test_fees_of_hosted_tools_are_those_of_one_api(family: str) -> None:
    theirs = TOOLS[family]
    default = {tool: -int(-Fraction(str(usd)) * UNITS_PER_USD // 1) for tool, usd in theirs["default"].items()}
    assert TABLES.tool_units[family] == default
    for model, fees in theirs["models"].items():
        for tool, usd_per_call in fees.items():
            units = round(usd_per_call * UNITS_PER_USD)
            assert TABLES.model_tool_units[family][model][tool] == units, (model, tool)
