"""The system among the settings: what runs, where its data is, how to back it up, and all of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui import shown
from admin_ui.i18n import _
from admin_ui.views.option_sections import SECTIONS
from admin_ui.views.system import file_size
from gateway.live.facts import uptime_s
from gateway.management.guard import needs
from gateway.site.about import product_version
from gateway.site.backup import backup_command
from gateway.site.diagnostics import diagnose
from gateway.site.environment import environment_rows
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/settings/system")
    @needs(Role.ROOT)
    async def system_settings() -> Response:
        diagnosis = await diagnose(ui.services, ui.plane.live)
        wanted, only_changed = request.args.get("q", "").strip(), request.args.get("changed") == "1"
        rows = [
            row
            for row in environment_rows(ui.services)
            if wanted.lower() in f"{row.name} {_(row.meaning)}".lower() and (row.is_changed or not only_changed)
        ]
        groups: dict[str, list[object]] = {}
        for row in rows:
            groups.setdefault(row.group, []).append(row)
        return ui.page(
            "pages/settings_system.html",
            sections=SECTIONS,
            diagnosis=diagnosis,
            groups=groups,
            wanted=wanted,
            only_changed=only_changed,
            product=product_version(),
            finding=ui.plane.outside.releases.finding,
            newer=ui.plane.outside.releases.newer,
            size=file_size,
            command=backup_command(ui.services.database.dsn),
            encrypts=bool(ui.services.settings.encryption_keys),
            uptime=lambda facts: shown.duration(uptime_s(facts) * 1000),
        )
