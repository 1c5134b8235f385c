"""Every part of the pages in every state, on one page: for whoever changes how they look. Only with `DEBUG`.

Its texts are not translated, since no reader of the pages ever sees them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from admin_ui.charts import Chart, Line, sparkline
from admin_ui.forms import Form
from admin_ui.lists import ListQuery
from gateway.management.guard import needs
from gateway.traffic.channels import Doing, Slice
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_HOUR_S = 3600
_BEGUN = 1_790_000_000 // _HOUR_S * _HOUR_S
_BUCKETS = 48


def register(area: Blueprint, ui: Ui) -> None:
    """Add the route."""
    if not ui.services.settings.debug:
        return

    @area.get("/ui-kit")
    @needs(Role.ROOT)
    async def ui_kit() -> Response:
        waves = [[int(60 + 50 * math.sin(n / 5 + k) + 20 * k) for n in range(_BUCKETS)] for k in range(4)]
        edges = [_BEGUN + n * _HOUR_S for n in range(_BUCKETS + 1)]
        lines = [Line(label=f"series {k + 1}", values=wave, colour=k + 1) for k, wave in enumerate(waves)]
        form = Form(
            values={"fine": "What somebody typed", "wrong": "12x", "long": "Several\nlines", "on": "true", "of": "b"},
            errors={"wrong": "Please enter a whole number."},
        )
        slices = [
            Slice(
                start=_BEGUN + n * 1800, answered=40 if n % 9 else 0, failed=[0, 0, 0, 3, 20][n % 5] if n % 9 else 0
            )
            for n in range(_BUCKETS)
        ]
        return ui.page(
            "pages/ui_kit.html",
            form=form,
            query=ListQuery(path="/ui-kit", q="gpt", filters={"status": "1"}, page=2, size=25),
            points=sparkline(waves[0]),
            doing=Doing(slices=slices, p95_ms=812.0),
            charts=[
                Chart(id="kit-stack", title="Stacked bars", edges=edges, lines=lines, kind="stack"),
                Chart(id="kit-lines", title="Lines", edges=edges, lines=lines[:2]),
                Chart(id="kit-band", title="A band", edges=edges, lines=lines[2:], kind="band", unit="ms"),
                Chart(id="kit-none", title="Nothing to draw", edges=edges, lines=[Line(label="none", values=[])]),
            ],
        )
