"""What stands out in a chart, by rules that chance does not meet: only then does its title become a sentence.

A count stands out when a bucket has at least three times what the others have on average, at least ten, and so many
that chance would give them less than once in a million buckets (Poisson). A span of time or a sum of money must be
three times the middle of the others and far outside of how they scatter. All compare with at least eight buckets that
are over; the one that runs never counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_BUCKETS = 8
LEAST_COUNT = 10
TIMES = 3.0
_RARE = 1e-6
# Beyond three times the room that the middle half takes, values are far outside (Tukey).
_FAR = 3


@dataclass(frozen=True, slots=True)
class Outlier:
    """A bucket that stands out, and how many times the usual it has."""

    index: int
    times: float


def of_counts(values: Sequence[float | int | None]) -> Outlier | None:
    """Return the bucket whose count stands out, the one furthest out of several. Without the one that runs."""
    known = [float(value or 0) for value in values]
    best: Outlier | None = None
    total = sum(known)
    if len(known) <= LEAST_BUCKETS:
        return None
    for index, value in enumerate(known):
        usual = (total - value) / (len(known) - 1)
        # Nothing but zeros around it says nothing of what is usual, save that it is less than once in all of them.
        usual = max(usual, 1 / len(known))
        if value < LEAST_COUNT or value < TIMES * usual or _chance(value, usual) > _RARE:
            continue
        if best is None or value > known[best.index]:
            best = Outlier(index, value / usual)
    return best


def of_sizes(values: Sequence[float | int | None]) -> Outlier | None:
    """Return the bucket whose span of time or sum of money stands out, in the same way."""
    known = [(index, float(value)) for index, value in enumerate(values) if value]
    if len(known) <= LEAST_BUCKETS:
        return None
    index, top = max(known, key=lambda one: one[1])
    others = [value for place, value in known if place != index]
    low, middle, high = quantiles(others, n=4)
    if middle <= 0 or top < TIMES * middle or top < high + _FAR * (high - low):
        return None
    return Outlier(index, top / middle)


def _chance(count: float, usual: float) -> float:
    """Bound the chance of so many where `usual` are expected (Chernoff)."""
    if count <= usual:
        return 1.0
    return math.exp(count - usual - count * math.log(count / usual))
