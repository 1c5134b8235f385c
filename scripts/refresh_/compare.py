"""What differs between our price tables and the source, figure by figure.

A figure of ours stays where the source has the same one, only rounded; and where the source says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from adapters.pricing.figures import figure
from adapters.pricing.price import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from adapters.pricing.tables import ModelRow
    from scripts.refresh_.source import Found, Source

TOKEN_FIGURES = {"in": "input", "out": "output", "cached": "cached", "write_5m": "write_5m", "write_1h": "write_1h"}
_LEAST_DIGITS = 2
"""A price of one digit may be anything near it; from two on it is a rounding of what rounds to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure that differs. `path` leads to it in a line of a table: `in`, `tiers`, `audio.second` …"""

    family: str
    model: str
    matched: str
    """The source's name for the model."""
    path: str
    ours: str
    theirs: str
    is_sure: bool
    value: object
    """What goes into the table, as JSON has it."""


def changes(family: str, rows: Mapping[str, ModelRow], source: Source, *, today: date) -> Iterator[Change]:
    """Yield what differs for the models of one table, in the table's order."""
    for model, row in rows.items():
        found = source.find(family, model)
        if found is None or found.by_the_clock or _has_hours(row, today):
            continue
        for path, ours, theirs, value in _differences(row, found):
            yield Change(
                family=family,
                model=model,
                matched=found.name,
                path=path,
                ours=ours,
                theirs=theirs,
                is_sure=found.is_sure,
                value=value,
            )


def text(value: Decimal | Fraction) -> str:
    """Return a figure as the tables write it, exact: a decimal, or a quotient where there is none."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    left = value.denominator
    for prime in (2, 5):
        while left % prime == 0:
            left //= prime
    if left == 1:
        return text(Decimal(value.numerator) / Decimal(value.denominator))
    return f"{value.numerator}/{value.denominator}"


def same(ours: Fraction, theirs: Decimal | Fraction) -> bool:
    """Say whether the source has our figure, or a rounding of it."""
    if ours == Fraction(theirs):
        return True
    if isinstance(theirs, Fraction) or not theirs:
        return False
    digits = theirs.normalize().as_tuple()
    if len(digits.digits) < _LEAST_DIGITS or not isinstance(digits.exponent, int):
        return False
    return abs(ours - Fraction(theirs)) <= Fraction(10) ** digits.exponent / 2


def _has_hours(row: ModelRow, today: date) -> bool:
    """Whether our price depends on the time of day; the source's figure is then one of several."""
    return any(window.until is None or window.until > today for window in row.windows)


def _differences(row: ModelRow, found: Found) -> Iterator[tuple[str, str, str, object]]:
    if row.unit in (Unit.TOKEN, Unit.FREE, Unit.IMAGE):
        yield from _token_differences(row, found)
    if row.image is not None and row.image.tokens is not None:
        yield from _image_differences(row, found)
    if row.audio is not None and row.audio.second is not None and found.second is not None:
        if not same(figure(row.audio.second), found.second):
            yield "audio.second", row.audio.second, text(found.second), text(found.second)
    elif found.audio_in is not None and found.usd.get("in") and not row.embedding:
        yield from _audio_differences(row, found)


def _token_differences(row: ModelRow, found: Found) -> Iterator[tuple[str, str, str, object]]:
    for path, name in TOKEN_FIGURES.items():
        theirs = found.usd.get(path)
        if theirs is None or (row.unit is Unit.IMAGE and path == "out" and found.image_out is None):
            continue
        ours = getattr(row, name)
        # No price of its own means the input price, for caches.
        if ours is None and theirs == found.usd.get("in"):
            continue
        if ours is None or not same(figure(ours), theirs):
            yield path, ours or "", text(theirs), text(theirs)
    if row.unit is Unit.IMAGE or not found.usd:
        return
    tiers = [_tier(step.from_input, step.usd) for step in found.steps]
    if not _same_tiers(row, found):
        shown = [", ".join(f"{tier.input}/{tier.output} from {tier.from_input}" for tier in row.tiers)]
        shown.append(", ".join(f"{tier['in']}/{tier['out']} from {tier['from_input']}" for tier in tiers))
        yield "tiers", *shown, tiers


def _tier(from_input: int, usd: Mapping[str, Decimal]) -> dict[str, object]:
    tier: dict[str, object] = {"from_input": from_input, "in": "0", "out": "0"}
    return tier | {path: text(value) for path, value in usd.items()}


def _same_tiers(row: ModelRow, found: Found) -> bool:
    if len(row.tiers) != len(found.steps):
        return False
    for tier, step in zip(row.tiers, found.steps, strict=True):
        # One token more or less is how a limit was read, not another limit.
        if abs(tier.from_input - step.from_input) > 1 or tier.from_output:
            return False
        for path, name in TOKEN_FIGURES.items():
            ours, theirs = getattr(tier, name), step.usd.get(path)
            if ours is not None and theirs is not None and not same(figure(ours), theirs):
                return False
    return True


def _image_differences(row: ModelRow, found: Found) -> Iterator[tuple[str, str, str, object]]:
    assert row.image is not None
    tokens = row.image.tokens
    assert tokens is not None
    for path, ours, theirs in (
        ("in", tokens.input, found.image_in),
        ("cached", tokens.cached, found.image_cached),
        ("out", tokens.output, found.image_out or found.usd.get("out")),
    ):
        if theirs is not None and not same(figure(ours), theirs):
            yield f"image.tokens.{path}", ours, text(theirs), text(theirs)


def _audio_differences(row: ModelRow, found: Found) -> Iterator[tuple[str, str, str, object]]:
    assert found.audio_in is not None
    ours_in = figure(row.audio.input_ratio if row.audio else "16")
    ours_out = figure(row.audio.output_ratio if row.audio else "2")
    paid_in = ours_in * figure(row.input)
    if not same(paid_in, found.audio_in):
        ratio = Fraction(found.audio_in) / Fraction(found.usd["in"])
        yield "audio.input_ratio", text(ours_in), text(ratio), text(ratio)
    ratio = Fraction(found.audio_out or 0) / Fraction(found.audio_in)
    if ratio not in (0, ours_out) and not same(paid_in * ours_out, found.audio_out or Decimal(0)):
        yield "audio.output_ratio", text(ours_out), text(ratio), text(ratio)
