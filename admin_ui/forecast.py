"""What a month will cost if it goes on as it began: a straight line, and a band as wide as its days differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_DAYS = 7
# Nine times of ten a sum of days that are like those before lies within.
_WIDE = 1.645


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """In quota units: what was spent, what all of it will be, and between what it lies nine times of ten."""

    spent: int
    units: int
    low: int
    high: int


def forecast(days: Sequence[int], passed: float, *, unknown: int = 0) -> Forecast | None:
    """Return the whole of `days` of which `passed` are over, the running one in part; `None` before the eighth.

    Days to come are taken for like those that are over, but for the `unknown` first ones: before somebody began, that
    nothing was spent says nothing. What is not known is how days scatter, and how well so few days tell their mean.
    """
    over = days[unknown : math.floor(passed)]
    if len(over) < LEAST_DAYS:
        return None
    spent = sum(days)
    left = len(days) - passed
    usual = mean(over)
    # What the running day had beyond its share stays spent; it does not make the rest of it cheaper.
    spread = stdev(over) * math.sqrt(left + left * left / len(over))
    units = spent + usual * left
    return Forecast(
        spent=spent,
        units=round(units),
        low=round(max(units - _WIDE * spread, spent)),
        high=round(units + _WIDE * spread),
    )
