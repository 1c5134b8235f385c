"""How the installation is: processes, database, journal, settings. For root; holds no secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import Response

from admin_ui import shown
from admin_ui.i18n import _
from admin_ui.views.live import line_cells
from admin_ui.visit import current_visit
from gateway.live.facts import uptime_s
from gateway.management.guard import needs
from gateway.site.about import product_version
from gateway.site.diagnostics import bundle, diagnose
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui
    from gateway.live.facts import ProcessFacts

_LINES = 100
_SIZES = ("B", "kB", "MB", "GB", "TB")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/system")
    @needs(Role.ROOT)
    async def system() -> Response:
        live = ui.plane.live
        diagnosis = await diagnose(ui.services, live)
        lines, _seen = await live.tails.after({})
        return ui.page(
            "pages/system.html",
            diagnosis=diagnosis,
            lines=[line_cells(line, current_visit()) for line in lines[-_LINES:]],
            size=file_size,
            state_word=_state,
            uptime=lambda facts: shown.duration(uptime_s(facts) * 1000),
            age=lambda at_ms: shown.duration(max(time.time() * 1000 - at_ms, 0)),
            product=product_version(),
            problems=sorted({problem for facts in diagnosis.processes for problem in facts.problems}),
        )

    @area.get("/system/bundle.json")
    @needs(Role.ROOT)
    async def system_bundle() -> Response:
        content = await bundle(ui.services, ui.plane.live)
        headers = {
            "Content-Disposition": 'attachment; filename="one-api-diagnostics.json"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(content, content_type="application/json", headers=headers)


def file_size(count: int) -> str:
    """Write a number of bytes as people read it."""
    size = float(count)
    for unit in _SIZES[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_SIZES[-1]}"


def _state(facts: ProcessFacts) -> tuple[str, str]:
    return {
        "serving": ("ok", _("Serving")),
        "draining": ("info", _("Draining")),
        "stopping": ("warn", _("Stopping")),
    }.get(facts.state, ("idle", facts.state))
