"""The line of what ran in each second of the last five minutes, as the server draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.live.flow import SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE_WIDTH, LINE_HEIGHT = SECONDS, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLine:
    """`points` of a polyline; `seconds`: how far it reaches back, for gateways that have not run for so long."""

    points: str
    now: int
    most: int
    seconds: int


def live_line(counts: Sequence[int]) -> LiveLine:
    """Return the line through what was counted, the present second last."""
    most = max(counts, default=0)
    begin = SECONDS - len(counts)
    points = " ".join(
        f"{begin + second},{LINE_HEIGHT - count / (most or 1) * (LINE_HEIGHT - 4) - 1:.1f}"
        for second, count in enumerate(counts)
        # A line that stays where it is needs no point.
        if second in (0, len(counts) - 1) or not counts[second - 1] == count == counts[second + 1]
    )
    return LiveLine(points=points, now=counts[-1] if counts else 0, most=most, seconds=len(counts))
