"""What everybody may know about the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.management import answers
from gateway.management.contract import Answer, Area
from gateway.management.guard import for_all, tells_channels
from gateway.management.queries import Paging
from gateway.management.shown.channels import ChannelStates
from gateway.management.shown.envelope import Data
from gateway.management.shown.site import SiteFacts
from gateway.site.about import channel_states, facts

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services

_CHANNELS_PER_PAGE = 6


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("status", "Site")
    text = Answer(Data[str], can_refuse=False)

    @area.on("GET", "/api/status", for_all(), Answer(Data[SiteFacts], can_refuse=False))
    async def site_status() -> Response:
        """Tell what everybody may know about the site.

        Answers 503 once the program is shutting down, so that load balancers look elsewhere.
        """
        if not services.phase.is_ready:
            return answers.failure("the gateway is shutting down", 503)
        return answers.data(facts(services))

    @area.on("GET", "/api/notice", for_all(), text)
    async def site_notice() -> Response:
        """Return the option `Notice`."""
        return answers.data(services.registry.current.options.text("Notice"))

    @area.on("GET", "/api/about", for_all(), text)
    async def site_about() -> Response:
        """Return the option `About`."""
        return answers.data(services.registry.current.options.text("About"))

    @area.on("GET", "/api/home_page_content", for_all(), text)
    async def site_home_page() -> Response:
        """Return the option `HomePageContent`."""
        return answers.data(services.registry.current.options.text("HomePageContent"))

    @area.on("GET", "/api/status/channel", for_all(), Answer(ChannelStates, can_refuse=False), asks=Paging)
    async def channel_status(asked: Paging) -> Response:
        """List names and states of channels, six a page.

        Nothing for whoever has not signed in while the option `ChannelNamesPublic` is off.
        """
        if not await tells_channels(services):
            return answers.as_json({"success": True, "data": [], "total": 0})
        page = asked.page(services.settings.max_items_per_page, default=_CHANNELS_PER_PAGE)
        rows, total = await channel_states(services, page)
        return answers.as_json({"success": True, "data": rows, "total": total})

    return area.blueprint
