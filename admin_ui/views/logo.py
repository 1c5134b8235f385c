"""The site's own logo: where root uploads one, and where everybody gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Response, request
from werkzeug.exceptions import NotFound

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, told
from admin_ui.views.option_sections import SECTIONS
from gateway.accounts.refusals import Refused
from gateway.management.guard import anybody, author, needs
from gateway.site.logo import TYPES, read_logo, upload_logo
from storage.records import Role
from storage.site_tables import MOST_BYTES

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # A drawing may hold scripts. As an image none runs, and on its own it may do nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    # Other programs show it as well, since /api/status names it.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/logo/<name>")
    @anybody()
    async def site_logo(name: str) -> Response:
        found = await read_logo(ui.services, name)
        if found is None:
            raise NotFound
        return Response(found.content, content_type=found.content_type, headers=_HEADERS)

    def shown(form: Form, status: int = 200) -> Response:
        return ui.page(
            "pages/settings_logo.html",
            status,
            sections=SECTIONS,
            form=form,
            most_kb=MOST_BYTES // 1024,
            accepted=",".join(TYPES),
        )

    @area.get("/settings/general/logo")
    @needs(Role.ROOT)
    async def ask_logo() -> Response:
        return shown(Form())

    @area.post("/settings/general/logo")
    @needs(Role.ROOT)
    async def save_logo() -> Response:
        form = await read_form()
        sent = (await request.files).get("file")
        try:
            await upload_logo(ui.services, author(), sent.read(MOST_BYTES + 1) if sent is not None else b"")
        except Refused as error:
            form.fault("file", told(error.message))
            return shown(form, 422)
        return ui.go("/settings/general#f-Logo", note=_("The logo was saved."))
