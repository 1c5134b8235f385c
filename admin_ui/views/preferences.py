"""Language, theme and density: chosen by anybody, on any page, kept in cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Response, g, request

from admin_ui.i18n import LANGUAGES
from admin_ui.ui import local_path
from admin_ui.visit import COOKIE_AGE_S, DENSITIES, THEMES
from gateway.management.guard import anybody

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui

_CHOICES = {"lang": tuple(LANGUAGES), "theme": THEMES, "density": DENSITIES, "rail": ("wide", "slim")}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/preferences")
    @anybody()
    async def choose() -> Response:
        sent = await request.form
        response = ui.go(local_path(sent.get("next", "")))
        for name, known in _CHOICES.items():
            value = sent.get(name, "")
            if value in known:
                response.set_cookie(
                    name,
                    value,
                    max_age=COOKIE_AGE_S,
                    path="/",
                    secure=g.client.scheme == "https" and not ui.services.settings.disable_cookie_secure,
                    samesite="Lax",
                )
        return response
