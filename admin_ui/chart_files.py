"""A chart as a file: the numbers that it draws, not rounded, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui import ranges
from admin_ui.exports import streamed
from admin_ui.heat import Heat
from admin_ui.visit import current_visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from quart import Response

    from admin_ui.charts import Chart


def chart_file(one: Chart | Heat, kind: str) -> Response:
    """Answer with a file of `kind`, one of `exports.KINDS`."""
    head, rows = _heat_rows(one) if isinstance(one, Heat) else _chart_rows(one)

    async def parts() -> AsyncIterator[Sequence[Sequence[object]]]:
        yield rows

    return streamed(one.id, kind, head, parts())


def _chart_rows(one: Chart) -> tuple[list[str], list[list[object]]]:
    names: list[str] = []
    for line in one.lines:
        # Two lines of one name would be one member of a JSON object.
        names.append(line.label if line.label not in names else f"{line.label} {len(names)}")
    zone = current_visit().zone
    rows: list[list[object]] = [
        [ranges.iso(start, zone), *(line.values[index] for line in one.lines)]
        for index, start in enumerate(one.edges[:-1])
    ]
    return ["from", *names], rows


def _heat_rows(one: Heat) -> tuple[list[str], list[list[object]]]:
    names = [f"{name}" for name in one.columns]
    return ["name", *names], [[row.label, *(cell or None for cell in row.cells)] for row in one.rows]
