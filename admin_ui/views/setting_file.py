"""The configuration as a file: written, compared with what is in force, applied once that was looked at. For root."""

from __future__ import annotations

import time
from secrets import token_hex
from typing import TYPE_CHECKING

from quart import Response, request

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n, told
from admin_ui.views.option_sections import SECTIONS
from gateway.accounts.refusals import Refused
from gateway.management.guard import author, needs
from gateway.site.configuration.apply import apply_text, export_text, plan_text
from gateway.site.configuration.document import BadDocument
from storage.records import Role
from storage.sealing import Sealer, is_sealed

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui

_PAGE = "/settings/file"


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    # A file may hold keys that somebody typed into it; they pass the page with the plan, unread.
    sealer = Sealer((ui.services.settings.session_secret or token_hex(32),))

    def shown(form: Form, status: int = 200, faults: list[str] | None = None) -> Response:
        return ui.page("pages/settings_file.html", status, sections=SECTIONS, form=form, faults=faults or [])

    @area.get(_PAGE)
    @needs(Role.ROOT)
    async def configuration_file() -> Response:
        return shown(Form())

    @area.get("/settings/file/export.yaml")
    @needs(Role.ROOT)
    async def export_configuration() -> Response:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        headers = {
            "Content-Disposition": f'attachment; filename="one-api-{day}.yaml"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        text = await export_text(ui.services)
        return Response(text, content_type="application/yaml; charset=utf-8", headers=headers)

    @area.post("/settings/file/plan")
    @needs(Role.ROOT)
    async def plan_configuration() -> Response:
        form = await read_form()
        sent = (await request.files).get("file")
        uploaded = sent.read() if sent is not None else b""
        text = uploaded.decode("utf-8-sig", "replace") if uploaded else form.values.get("text", "")
        form.values["text"] = text
        if not text.strip():
            form.fault("text", _("Choose a file, or paste one."))
            return shown(form, 422)
        prune = form.flag("prune")
        try:
            plan = await plan_text(ui.services, text, prune=prune)
        except BadDocument as error:
            return shown(form, 422, [told(fault) for fault in error.faults])
        if plan.faults:
            return shown(form, 422, [told(fault) for fault in plan.faults])
        return ui.page(
            "pages/settings_plan.html", sections=SECTIONS, plan=plan, sealed=sealer.seal(text), prune=prune
        )

    @area.post("/settings/file/apply")
    @needs(Role.ROOT)
    async def apply_configuration() -> Response:
        form = await read_form()
        if not await ui.is_first(form.values.get("once", "")):
            return ui.go(_PAGE, note=_("This was applied already."), kind="info")
        text = sealer.open(form.values.get("sealed", ""))
        if is_sealed(text) or not text:
            return ui.go(_PAGE, note=_("The gateway was restarted meanwhile. Choose the file again."), kind="bad")
        try:
            plan = await apply_text(
                ui.services, author(), text, prune=form.flag("prune"), mark=form.values.get("mark", "")
            )
        except Refused as error:
            return ui.refused(_PAGE, error)
        done = _n(
            "{n} thing was added, changed or removed.", "{n} things were added, changed or removed.", len(plan.steps)
        )
        return ui.go(_PAGE, note=done)
