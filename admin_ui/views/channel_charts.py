"""How one channel did over a span of time, as charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui import ranges
from admin_ui.charts import Chart, Line
from admin_ui.gathering import gathered
from admin_ui.i18n import _
from admin_ui.usage_charts import outcome_chart, scale
from admin_ui.visit import current_visit
from admin_ui.waterfall import failure_word
from gateway.traffic import figures
from gateway.traffic.figures import Span
from storage.repositories.usage import Only, Sums

if TYPE_CHECKING:
    from admin_ui.ranges import Range
    from admin_ui.ui import Ui
    from gateway.traffic.figures import Counted

_KINDS = ("rate_limit", "server", "timeout", "network", "cut", "auth", "quota", "request")
"""Kinds of failed attempts, in the order in which they are drawn."""


async def charts_of(ui: Ui, channel_id: int, span: Range) -> list[Chart]:
    """Return requests, failed attempts by kind, waits for the first byte, and cost."""
    edges = ranges.edges(span, current_visit().zone)
    asked = Span(since=span.since, until=span.until, edges=edges, only=Only(channel_id=channel_id))
    found = await gathered(
        charged=lambda: figures.series(ui.services, asked),
        counted=lambda: figures.counted(ui.services, asked, ("outcome", "first", "error")),
    )
    charged = found["charged"].get("", [Sums()] * (len(edges) - 1))
    counted: Counted = found["counted"]
    failed, first, attempts = counted.failures()[1], counted.waits("first")[1], counted.over_time("error")
    write, unit = scale(ui, "units")
    kinds = [kind for kind in _KINDS if kind in attempts]
    return [
        outcome_chart(edges, charged, failed),
        Chart(
            id="attempts",
            title=_("Failed attempts"),
            edges=edges,
            kind="stack",
            lines=[
                Line(label=failure_word(kind), values=attempts[kind], colour=number)
                for number, kind in enumerate(kinds, 1)
            ],
            note=_("Every attempt counts, those too that another channel made good."),
        ),
        Chart(
            id="first",
            title=_("Time to the first byte"),
            edges=edges,
            kind="band",
            unit="ms",
            lines=[
                Line(label=_("p95: 19 of 20 are faster"), values=[pair[1] for pair in first], colour=2),
                Line(label=_("p50: half are faster"), values=[pair[0] for pair in first], colour=1),
            ],
        ),
        Chart(
            id="cost",
            title=_("Cost"),
            edges=edges,
            kind="stack",
            unit=unit,
            lines=[Line(label=_("Cost"), values=[write(sums) for sums in charged], colour=1)],
        ),
    ]
