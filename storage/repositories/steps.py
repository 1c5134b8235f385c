"""Spans of time and speeds as numbered steps, so that how long things took can be counted, added up, and read as
percentiles.

Each step is a quarter longer than the one before, from 10 ms to half an hour: a percentile read from counts is right
to about a tenth. Steps of several processes, hours or models add up, which percentiles never do.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import Integer, literal_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement

RATIO = 1.25
FIRST_MS = 10.0
NUMBER = 55


SPEEDS = 40
"""Steps of speeds, from one to about 6,000 tokens a second."""


def upper_ms(step: int) -> float:
    """Return where a step ends."""
    return FIRST_MS * RATIO**step


def lower_ms(step: int) -> float:
    """Return where a step begins."""
    return 0.0 if step == 0 else upper_ms(step - 1)


def step_of(column: ColumnElement[int]) -> ColumnElement[int]:
    """Return the step that a column's milliseconds fall into, as SQL that every engine knows.

    A tree of comparisons: six of them for a value, not fifty. As text, since to put hundreds of objects together
    takes longer than the database needs for an hour of the log.
    """
    return literal_column(_tree(f"{column}", "", 0, NUMBER), Integer)


def step_of_speed(tokens: ColumnElement[int], milliseconds: ColumnElement[int]) -> ColumnElement[int]:
    """Return the step of so many tokens in so long a time. `milliseconds` is above 0."""
    return literal_column(_tree(f"({tokens}) * 10000", f"({milliseconds}) * ", 0, SPEEDS), Integer)


def speed_of(milliseconds: float | None) -> float | None:
    """Return tokens a second from a percentile of steps of speeds, which are numbered like those of times."""
    return None if milliseconds is None else milliseconds / FIRST_MS


@lru_cache(maxsize=2048)
def _tree(value: str, factor: str, low: int, high: int) -> str:
    if low == high:
        return str(low)
    middle = (low + high) // 2
    # Whole milliseconds are compared with whole numbers: the end of a step belongs to it.
    fits = f"{value} <= {factor}{int(upper_ms(middle))}"
    return (
        f"CASE WHEN {fits} THEN {_tree(value, factor, low, middle)} ELSE {_tree(value, factor, middle + 1, high)} END"
    )


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the milliseconds that `share` (0 to 1) of what was counted stays below; `None` when nothing was."""
    if not counts:
        return None
    steps = [0] * (max(counts) + 1)
    for step, count in counts.items():
        steps[step] = count
    return percentiles(steps, (share,))[0]


def percentiles(counts: Sequence[int], shares: Sequence[float]) -> list[float | None]:
    """Return the same for several shares, the smallest first. `counts`: how many fell into each step."""
    total = sum(counts)
    if not total:
        return [None] * len(shares)
    found: list[float | None] = []
    seen = step = 0
    for share in shares:
        wanted = share * total
        while not counts[step] or seen + counts[step] < wanted:
            seen += counts[step]
            step += 1
        low = lower_ms(step)
        found.append(low + (wanted - seen) / counts[step] * (upper_ms(step) - low))
    return found
