"""Figures of the price tables: exact numbers written as text.

A figure is a decimal (`"2.5"`) or a quotient (`"12/7"`: 12 RMB at 7 RMB per dollar; `"0.017/60"`: a price per
minute, by the second). Binary floats never enter, so that a charge is the number that a person would compute.
"""

from __future__ import annotations

from fractions import Fraction

UNITS_PER_USD = 500_000
"""Quota units of one US dollar: fixed for good, every stored balance depends on it."""

UNITS_PER_TOKEN = Fraction(UNITS_PER_USD, 1_000_000)
"""Quota units per token at one dollar per million tokens."""

FIGURE_PATTERN = r"^[0-9]+(\.[0-9]+)?(/[1-9][0-9]*)?$"


def figure(text: str) -> Fraction:
    """Return the number that `text` denotes. `ValueError` if it is not a figure."""
    numerator, _, denominator = text.partition("/")
    return Fraction(numerator) / int(denominator) if denominator else Fraction(numerator)
