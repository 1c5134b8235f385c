"""Spans of time as numbered steps, so that how long things took can be counted, added up, and read as percentiles.

Each step is a quarter longer than the one before, from 10 ms to half an hour: a percentile read from counts is right
to about a tenth. Steps of several processes, hours or models add up, which percentiles never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

RATIO = 1.25
FIRST_MS = 10.0
NUMBER = 55


def upper_ms(step: int) -> float:
    """Return where a step ends."""
    return FIRST_MS * RATIO**step


def lower_ms(step: int) -> float:
    """Return where a step begins."""
    return 0.0 if step == 0 else upper_ms(step - 1)


def step_of(column: ColumnElement[int]) -> ColumnElement[int]:
    """Return the step that a column's milliseconds fall into, as SQL that every engine knows.

    A tree of comparisons: six of them for a value, not fifty.
    """
    return _within(column, 0, NUMBER)


def _within(column: ColumnElement[int], low: int, high: int) -> ColumnElement[int]:
    if low == high:
        return case((column.is_not(None), low), else_=low)
    middle = (low + high) // 2
    # Whole milliseconds are compared with whole numbers: the end of a step belongs to it.
    return case(
        (column <= int(upper_ms(middle)), _within(column, low, middle)), else_=_within(column, middle + 1, high)
    )


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the milliseconds that `share` (0 to 1) of what was counted stays below; `None` when nothing was."""
    total = sum(counts.values())
    if not total:
        return None
    wanted = share * total
    seen = 0
    for step in sorted(counts):
        count = counts[step]
        if seen + count >= wanted:
            within = (wanted - seen) / count
            return lower_ms(step) + within * (upper_ms(step) - lower_ms(step))
        seen += count
    return upper_ms(max(counts))
