"""The first page: the site's own for visitors, a way to begin for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.markdown import embedded_address
from admin_ui.views.overview import overview
from admin_ui.visit import current_visit
from gateway.management.guard import anybody, needs
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/")
    @anybody()
    async def home() -> Response:
        person = current_visit().user
        if person is not None:
            return await overview(ui, person)
        return _texts(ui, "HomePageContent", "pages/home.html")

    @area.get("/about")
    @anybody()
    async def about() -> Response:
        return _texts(ui, "About", "pages/about.html")

    @area.get("/help")
    @needs(Role.USER)
    async def help_page() -> Response:
        return ui.page("pages/help.html")

    @area.get("/chat")
    @anybody()
    async def chat() -> Response:
        address = embedded_address(ui.options.text("ChatLink"))
        return ui.page("pages/chat.html", frames=address, address=address)


def _texts(ui: Ui, option: str, template: str) -> Response:
    text = ui.options.text(option).strip()
    address = embedded_address(text)
    return ui.page(template, frames=address, text="" if address else text, address=address)
