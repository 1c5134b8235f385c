"""Requests over time as bars above the log, drawn by the server: they can be seen and followed without a script."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from admin_ui import shown
from admin_ui.i18n import _n
from admin_ui.usage_charts import fine_and_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from storage.repositories.usage import Sums

WIDTH, HEIGHT = 1000, 64
_GAP = 0.12
_MINUTE = 60
_THINNEST = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bucket. `parts`: what it is made of, from the top down, as (kind, y, height)."""

    x: float
    width: float
    parts: Sequence[tuple[str, float, float]]
    begin: int
    fine: int
    failed: int
    left: int
    text: str
    """All of it in words."""
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Bars from left to right; `most` is what the highest stands for."""

    bars: Sequence[Bar]
    most: int
    edges: Sequence[int]
    marks: str
    """JSON for the script: where buckets begin and end, as a field for times takes them, to whole minutes."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return self.most == 0


def histogram(
    edges: Sequence[int],
    charged: Sequence[Sums],
    failed: Sequence[Mapping[str, int]],
    *,
    zone: tzinfo,
    link: Callable[[str, str], str],
) -> Histogram:
    """Return the picture; `link` leads to what happened between two times of the reader's clock."""
    counts = []
    for sums, bad in zip(charged, failed, strict=True):
        fine, _lost = fine_and_lost(sums.requests, bad)
        counts.append((fine, bad.get("client", 0) + bad.get("upstream", 0), bad.get("left", 0)))
    most = max((sum(row) for row in counts), default=0)
    step = WIDTH / max(len(counts), 1)
    bars = []
    for number, row in enumerate(counts):
        begin, end = edges[number], edges[number + 1]
        bars.append(
            Bar(
                x=round(number * step, 2),
                width=round(step * (1 - _GAP), 2),
                parts=_parts(row, most),
                begin=begin,
                fine=row[0],
                failed=row[1],
                left=row[2],
                text=_words(begin, end, row, zone),
                link=link(local(begin, zone), local(end, zone, up=True)),
            )
        )
    marks = {
        "from": [local(edge, zone) for edge in edges[:-1]],
        "to": [local(edge, zone, up=True) for edge in edges[1:]],
    }
    return Histogram(bars=bars, most=most, edges=edges, marks=json.dumps(marks, separators=(",", ":")))


def _parts(row: tuple[int, int, int], most: int) -> list[tuple[str, float, float]]:
    found, top = [], float(HEIGHT)
    for kind, count in zip(("ok", "bad", "idle"), row, strict=True):
        if not count:
            continue
        height = max(count / most * HEIGHT, _THINNEST)
        top -= height
        found.append((kind, round(max(top, 0), 2), round(height, 2)))
    return found


def _words(begin: int, end: int, row: tuple[int, int, int], zone: tzinfo) -> str:
    fine, failed, left = row
    span = f"{shown.bucket(begin, zone)} \N{EN DASH} {shown.bucket(end, zone)[-5:]}"
    parts = [_n("{n} request", "{n} requests", fine + failed + left)]
    if failed:
        parts.append(_n("{n} error", "{n} errors", failed))
    return f"{span}: {', '.join(parts)}"


def local(seconds: int, zone: tzinfo, *, up: bool = False) -> str:
    """Write a time as a field for times takes it, to the minute; `up`: the next whole one."""
    if up:
        seconds = -(-seconds // _MINUTE) * _MINUTE
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%dT%H:%M")
