"""What images and sound cost: by the piece, by the second, by the character; exact until the last step.

Rounding is each kind's own (up for images and seconds, off for characters), as the original rounds, since people
compare their logs.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from adapters.pricing.charge import Charge
from adapters.pricing.figures import UNITS_PER_USD
from adapters.pricing.price import Unit

if TYPE_CHECKING:
    from decimal import Decimal

    from adapters.pricing.price import Price
    from adapters.pricing.usage import Usage


def image_charge(price: Price, *, count: int, factor: Fraction, group_ratio: Decimal, usage: Usage) -> Charge:
    """Return what `count` images cost.

    A price per image is multiplied by `factor` (size and quality) and rounded up for each; where a model has none,
    its ratio stands for it. Tokens that the answer reports take the place of both, if the model sells them.
    """
    usd = price.image.usd if price.image is not None else Fraction(0)
    each = usd * UNITS_PER_USD if usd else price.rates.ratio
    units = _up(each * factor * Fraction(group_ratio)) * count
    reported = usage.prompt_total + usage.completion_total > 0
    if reported and price.image is not None and price.image.tokens is not None:
        units = _up(_token_units(price, usage) * Fraction(group_ratio))
    return Charge(
        units=units,
        tool_units=0,
        prompt_tokens=usage.prompt_total,
        completion_tokens=usage.completion_total,
        cached_prompt_tokens=usage.cached_read + usage.cached_image,
        ratio=price.rates.ratio,
        completion_ratio=price.rates.completion_ratio,
        group_ratio=group_ratio,
        is_fallback=price.is_fallback,
        price=price,
        text=f"image usd {float(usd):.3f}, tier {float(factor):.2f}, "
        f"group rate {float(group_ratio):.2f}, num {count}",
    )


def _token_units(price: Price, usage: Usage) -> Fraction:
    assert price.image is not None  # noqa: S101
    assert price.image.tokens is not None  # noqa: S101
    tokens = price.image.tokens
    return (
        usage.input * price.rates.ratio
        + usage.cached_read * price.rates.cached_read
        + usage.image_input * tokens.input
        + usage.cached_image * tokens.cached
        + usage.image_output * tokens.output
        # What the model thinks and says around its images has the price of text, where it is told apart.
        + (usage.completion_total - usage.image_output) * price.rates.ratio * price.rates.completion_ratio
    )


def duration_charge(price: Price, *, seconds: Fraction, group_ratio: Decimal) -> Charge:
    """Return what `seconds` of sound cost to be listened to; a part of a unit counts as one."""
    if price.unit is Unit.AUDIO_SECOND and price.audio.usd_per_second is not None and not price.is_override:
        each = price.audio.usd_per_second * UNITS_PER_USD
    else:
        each = price.audio.tokens_per_second * price.rates.ratio
    return _sound(price, _up(seconds * each * Fraction(group_ratio)), group_ratio)


def speech_charge(price: Price, *, characters: int, group_ratio: Decimal) -> Charge:
    """Return what it costs to read `characters` aloud; a part of a unit is free."""
    return _sound(price, int(characters * price.rates.ratio * Fraction(group_ratio)), group_ratio)


def _sound(price: Price, units: int, group_ratio: Decimal) -> Charge:
    return Charge(
        units=units,
        tool_units=0,
        # Its log rows have always held the charge here.
        prompt_tokens=units,
        completion_tokens=0,
        cached_prompt_tokens=0,
        ratio=price.rates.ratio,
        completion_ratio=price.rates.completion_ratio,
        group_ratio=group_ratio,
        is_fallback=price.is_fallback,
        price=price,
        text=f"model rate {float(price.rates.ratio):.2f}, group rate {float(group_ratio):.2f}",
    )


def _up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
