"""Charts as data: what a script draws, and what stands beside it as a table for those who do not see it."""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from admin_ui import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Unit = Literal["count", "usd", "units", "ms", "percent", "tokens", "speed"]
Value = float | int | None

OTHER_COLOUR = 8
_COLOURS = 7
# What ends a script element, or begins a comment in one.
UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of values, a value for each bucket. `colour`: 1 to 8 of the series, or a word for a state."""

    label: str
    values: Sequence[Value]
    colour: int | str = 1
    link: str = ""
    form: Literal["", "line", "dashed", "dots"] = ""
    """How it is drawn where the chart's kind does not say; a line among bars has an axis of its own."""
    unit: Unit | None = None
    """Where it is not the chart's."""
    name: str = ""
    """What follows the label in the name of a column of an export; empty: the label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Values over time. `edges`: where buckets begin, and where the last one ends (Unix seconds)."""

    id: str
    title: str
    edges: Sequence[int]
    lines: Sequence[Line]
    kind: Literal["stack", "area", "lines", "band"] = "lines"
    """Bars on each other, areas on each other, lines, or a band between the first two lines."""
    unit: Unit = "count"
    least: float | None = None
    """Where the axis begins at the latest; the values may take it lower."""
    note: str = field(default="")
    sentence: str = ""
    """What stands out, in place of the title."""
    table_link: str = ""
    """Where the table is for those without scripts; empty: it stands beside the chart."""
    export_link: str = ""
    """Where the same numbers are as a file."""
    zone: str = ""
    """The reader's time zone, for the axis."""
    is_fixed: bool = False
    """Its time is not that of the page: a part of it cannot be chosen."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for line in self.lines for value in line.values)

    @property
    def data(self) -> Markup:
        """The JSON that the script reads, safe inside a script element."""
        found = {
            "kind": self.kind,
            "unit": self.unit,
            "x": list(self.edges),
            "least": self.least,
            "open": self.open,
            "zone": self.zone,
            "fixed": self.is_fixed,
            "series": [
                {"label": line.label, "values": [_brief(value) for value in line.values]}
                | ({"form": line.form} if line.form else {})
                | ({"unit": line.unit} if line.unit and line.unit != self.unit else {})
                for line in self.lines
            ],
        }
        return Markup(json.dumps(found, separators=(",", ":")).translate(UNSAFE))  # noqa: S704 - made safe above

    @property
    def open(self) -> int | None:
        """The number of the bucket that is not over yet, if there is one."""
        number = bisect_right(self.edges, time.time()) - 1
        return number if 0 <= number < len(self.edges) - 1 else None

    @property
    def rows(self) -> list[tuple[int, list[str]]]:
        """The table: buckets in which anything happened, and their values in words."""
        found = []
        for index, start in enumerate(self.edges[:-1]):
            values = [line.values[index] for line in self.lines]
            if any(values):
                found.append((start, [self.written(v, line) for v, line in zip(values, self.lines, strict=True)]))
        return found

    def written(self, value: Value, line: Line | None = None) -> str:
        """Write one value."""
        return written(value, (line.unit if line is not None else None) or self.unit)


def written(value: Value, unit: Unit) -> str:
    """Write a value of some unit as people read it."""
    if value is None:
        return "—"
    if unit == "usd":
        return shown.dollars(shown.exact(value))
    if unit == "ms":
        return shown.duration(value)
    if unit == "percent":
        return f"{value:.1f} %"
    if unit == "speed":
        return f"{value:.1f}/s"
    return f"{round(value):,}"


def colours(names: Iterable[str]) -> dict[str, int]:
    """Return a colour for each name, the same on every page; the first of two that want one gets it."""
    taken: dict[str, int] = {}
    for name in names:
        wanted = sha256(name.encode()).digest()[0] % _COLOURS
        free = [wanted, *((wanted + step) % _COLOURS for step in range(1, _COLOURS))]
        used = set(taken.values())
        taken[name] = next((colour + 1 for colour in free if colour + 1 not in used), wanted + 1)
    return taken


def sparkline(values: Sequence[Value], *, width: int = 100, height: int = 24) -> str:
    """Return the points of a small line without axes; empty when there is nothing to see."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or not any(known):
        return ""
    top = max(known)
    step = width / (len(values) - 1)
    return " ".join(
        f"{index * step:.1f},{height - 1 - value / top * (height - 2):.1f}"
        for index, value in enumerate(values)
        if value is not None
    )


def _brief(value: Value) -> Value:
    return round(value, 6) if isinstance(value, float) else value
