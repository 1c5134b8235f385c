"""How the installation is: processes, books, database, tasks, journal, settings. For root; holds no secret."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quart import Response, g, request

from admin_ui import shown, streams
from admin_ui.i18n import _
from admin_ui.ui import with_query
from admin_ui.views.live import line_cells
from admin_ui.visit import current_visit
from gateway.live.facts import uptime_s
from gateway.live.inside import slowest
from gateway.live.tails import matching
from gateway.management.guard import needs
from gateway.observe.records import LEVELS
from gateway.site.about import product_version
from gateway.site.diagnostics import as_issue, bundle, diagnose
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui
    from admin_ui.visit import Visit
    from gateway.live.facts import ProcessFacts
    from gateway.live.tails import Line
    from gateway.observe.types import Level

_PAGE = "/system"
_VIEWS = ("", "database", "tasks", "log", "settings")
_LINES = 200
_SIZES = ("B", "kB", "MB", "GB", "TB")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    seats = streams.Seats()
    _pages(area, ui)
    _tail(area, ui, seats)


def _pages(area: Blueprint, ui: Ui) -> None:
    @area.get(_PAGE)
    @needs(Role.ROOT)
    async def system() -> Response:
        live, asked = ui.plane.live, request.args.get("view", "")
        view = asked if asked in _VIEWS else ""
        diagnosis = await diagnose(ui.services, live, with_tasks=view == "tasks")
        lines, _seen = await live.tails.after({})
        wanted = _Wanted.of_request()
        return ui.page(
            "pages/system.html",
            view=view,
            views=[
                ("", _("Processes")),
                ("database", _("Database")),
                ("tasks", _("Tasks")),
                ("log", _("Log")),
                ("settings", _("Settings")),
            ],
            diagnosis=diagnosis,
            lines=[line_cells(line, current_visit()) for line in wanted.of(lines)[-_LINES:]],
            blank_line=dict.fromkeys(("at", "level", "kind", "event", "message", "id", "process"), ""),
            wanted=wanted,
            levels=[("debug", _("Everything")), ("info", _("Info and above")),
                    ("warning", _("Warnings and errors")), ("error", _("Errors only"))],
            events=with_query("/system/events", level=wanted.level, q=wanted.text),
            slow=slowest(diagnosis.insides),
            issue=as_issue(diagnosis, lines),
            size=file_size,
            state_word=_state,
            task_state=_task_state,
            cache_word=_cache_word,
            ages=[_("under a minute"), _("1 to 10 minutes"), _("10 to 60 minutes"), _("1 to 24 hours"),
                  _("over a day")],
            uptime=lambda facts: shown.duration(uptime_s(facts) * 1000),
            age=lambda at_ms: shown.duration(max(time.time() * 1000 - at_ms, 0)),
            product=product_version(),
            problems=sorted({problem for facts in diagnosis.processes for problem in facts.problems}),
        )  # fmt: skip

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


def _tail(area: Blueprint, ui: Ui, seats: streams.Seats) -> None:
    @area.get("/system/events")
    @needs(Role.ROOT)
    async def system_events() -> Response:
        feed = _Feed(ui, current_visit(), _Wanted.of_request(), catalogue=g.catalogue)
        return streams.stream_here(ui.services, seats, feed.look)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Which lines of the journal are to be seen."""

    level: Level
    text: str

    @classmethod
    def of_request(cls) -> _Wanted:
        asked = request.args.get("level", "")
        level: Level = next((known for known in LEVELS if known == asked), "debug")
        return cls(level=level, text=request.args.get("q", "").strip()[:200])

    def of(self, lines: list[Line]) -> list[Line]:
        return matching(lines, level=self.level, text=self.text)


@dataclass(slots=True)
class _Feed:
    """What one open page is told: lines that are new and wanted."""

    ui: Ui
    visit: Visit
    wanted: _Wanted
    catalogue: object
    seen: dict[str, int] = field(default_factory=dict)
    began: bool = False

    async def look(self) -> bytes:
        """Return the lines that are due."""
        g.visit, g.catalogue = self.visit, self.catalogue
        lines, self.seen = await self.ui.plane.live.tails.after(self.seen)
        # The page came with the lines before.
        fresh, began, self.began = self.wanted.of(lines), self.began, True
        if not began:
            return b": follows\n\n"
        return streams.event("lines", [line_cells(line, self.visit) for line in fresh]) if fresh else b""


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


def _cache_word(name: str) -> str:
    return {"accounts": _("Accounts by key"), "prices": _("Prices of models")}.get(name, name)


def _task_state(state: str) -> tuple[str, str]:
    return {
        "running": ("ok", _("Running now")),
        "waiting": ("idle", _("Waiting")),
        "ready": ("info", _("Ready")),
    }.get(state, ("idle", state))
