"""What everybody may know about the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response

from gateway.management import answers
from gateway.management.guard import anybody
from gateway.management.payloads import wanted_page
from gateway.site.about import channel_states, facts

if TYPE_CHECKING:
    from gateway.services import Services

_CHANNELS_PER_PAGE = 6


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("status", __name__)

    @area.get("/api/status")
    @anybody()
    async def status() -> Response:
        if not services.phase.is_ready:
            return answers.failure("the gateway is shutting down", 503)
        return answers.data(facts(services))

    @area.get("/api/notice")
    @anybody()
    async def notice() -> Response:
        return answers.data(services.registry.current.options.text("Notice"))

    @area.get("/api/about")
    @anybody()
    async def about() -> Response:
        return answers.data(services.registry.current.options.text("About"))

    @area.get("/api/home_page_content")
    @anybody()
    async def home_page() -> Response:
        return answers.data(services.registry.current.options.text("HomePageContent"))

    @area.get("/api/status/channel")
    @anybody()
    async def channels() -> Response:
        page = wanted_page(services.settings.max_items_per_page, default=_CHANNELS_PER_PAGE)
        rows, total = await channel_states(services, page)
        return answers.as_json({"success": True, "data": rows, "total": total})

    return area
